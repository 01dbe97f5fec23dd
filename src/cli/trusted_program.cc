// SPDX-License-Identifier: MIT
#include "cli/trusted_program.h"

#include <algorithm>

#include "os/process.h"

namespace openkeyring {
namespace {

Status Denied(std::string why) { return {StatusCode::kDenied, std::move(why)}; }

// `path` is canonical.
Status CheckOnlyOurs(FileSystem& files, const std::string& path) {
  for (std::string at = path;; at = DirectoryName(at)) {
    const Result<FileInfo> info = files.Stat(at);
    if (!info) return info.error();
    const uid_t owner = info->owner.user;
    if (owner != 0 && owner != EffectiveUser()) {
      return Denied(at + " belongs to user " + std::to_string(owner));
    }
    if ((info->permissions & 022) != 0) {
      return Denied(at + " is writable by its group or by others");
    }
    if (at == "/") return Status::Ok();
  }
}

Status CheckLibraries(FileSystem& files, const std::string& directory) {
  const Result<std::string> path = files.CanonicalPath(directory);
  if (!path) return path.error();
  Status status = CheckOnlyOurs(files, *path);
  if (!status.ok()) return status;
  const auto names = files.List(*path);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const std::string file = JoinPath(*path, name);
    if (name.find(".so") == name.npos || !files.Stat(file)) continue;
    const Result<std::string> trusted = TrustedFile(files, file);
    if (!trusted) return trusted.error();
  }
  return Status::Ok();
}

Status CheckLibraryPath(FileSystem& files, std::string_view list) {
  for (;;) {
    const std::string directory(list.substr(0, list.find(':')));
    if (!directory.starts_with('/')) {
      return Denied("library path \"" + directory + "\" is relative");
    }
    Status status = CheckLibraries(files, directory);
    if (!status.ok()) return status;
    if (directory.size() == list.size()) return Status::Ok();
    list.remove_prefix(directory.size() + 1);
  }
}

// "ld.so --library-path LIST" or "ld.so" alone, with its canonical path.
Result<std::vector<std::string>> TrustedLinker(FileSystem& files,
                                               std::vector<std::string> words) {
  Result<std::string> linker = TrustedFile(files, words[0]);
  if (!linker) return linker.error();
  // A link of that name could lead to any program, and this one gets files.
  if (!BaseName(*linker).starts_with("ld-")) {
    return Denied(*linker + " is not a dynamic linker");
  }
  if (words.size() == 3 && words[1] == "--library-path") {
    Status status = CheckLibraryPath(files, words[2]);
    if (!status.ok()) return status;
  } else if (words.size() != 1) {
    return Denied(words[0] + " has the option " + words[1]);
  }
  words[0] = std::move(*linker);
  return words;
}

bool IsWhatRuns(FileSystem& files, const std::string& path, int pid) {
  const Result<FileInfo> here = files.Stat(path);
  const Result<FileInfo> runs =
      files.Stat("/proc/" + std::to_string(pid) + "/exe");
  return here && runs && here->device == runs->device &&
         here->inode == runs->inode;
}

}  // namespace

Result<std::string> TrustedFile(FileSystem& files, const std::string& path) {
  if (!path.starts_with('/')) return Denied(path + " is not an absolute path");
  Result<std::string> canonical = files.CanonicalPath(path);
  if (!canonical) return canonical;
  const Result<FileInfo> info = files.Stat(*canonical);
  if (!info) return info.error();
  if (!info->is_regular) return Denied(*canonical + " is not a regular file");
  Status status = CheckOnlyOurs(files, *canonical);
  if (!status.ok()) return status;
  return canonical;
}

Result<std::vector<std::string>> TrustedCommand(
    FileSystem& files, const ServerProcess& process,
    const std::vector<std::string>& installed) {
  Result<std::string> program = TrustedFile(files, process.program);
  if (!program) return program.error();
  const std::string name = BaseName(*program);
  if (!name.starts_with("mysqld") && !name.starts_with("mariadbd")) {
    return Denied(*program + " is not a database server");
  }
  if (!process.linker.empty()) {
    auto words = TrustedLinker(files, process.linker);
    if (!words) return words.error();
    if (!IsWhatRuns(files, words->front(), process.pid)) {
      return Denied(process.linker[0] + " is not what the process runs");
    }
    words->push_back(std::move(*program));
    return words;
  }
  if (!IsWhatRuns(files, *program, process.pid) &&
      std::ranges::find(installed, *program) == installed.end()) {
    return Denied(*program + " is not what the process runs");
  }
  return std::vector<std::string>{std::move(*program)};
}

}  // namespace openkeyring
