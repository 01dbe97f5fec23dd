// SPDX-License-Identifier: MIT
#include "cli/server_use.h"

#include <algorithm>

#include "cli/keyring_store.h"
#include "cli/server_search.h"

namespace openkeyring {
namespace {

constexpr char kKeyFileDirectory[] = "aws_key_management_keyfile_dir";

// Also of what is not there, whose parent is.
std::string Canonical(FileSystem& files, std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const Result<std::string> whole = files.CanonicalPath(path);
  if (whole) return *whole;
  const Result<std::string> parent = files.CanonicalPath(DirectoryName(path));
  return parent ? JoinPath(*parent, BaseName(path)) : path;
}

// Where this server works and where it may have its key files: it resolves a
// relative path in its data directory, which it makes its working directory.
std::vector<std::string> DirectoriesOf(const DatabaseServer& server) {
  std::vector<std::string> directories;
  const std::string data = server.DataDirectory();
  if (data.starts_with('/')) directories.push_back(data);
  if (!server.working_directory.empty()) {
    directories.push_back(server.working_directory);
  }
  const auto keys = server.variables.find(kKeyFileDirectory);
  if (keys == server.variables.end()) return directories;
  if (keys->second.starts_with('/')) {
    directories.push_back(keys->second);
    return directories;
  }
  const std::vector<std::string> bases = directories;
  for (const std::string& base : bases) {
    directories.push_back(JoinPath(base, keys->second));
  }
  return directories;
}

}  // namespace

bool IsSamePath(FileSystem& files, const std::string& a, const std::string& b) {
  return Canonical(files, a) == Canonical(files, b);
}

std::string PathSeenBy(FileSystem& files, const DatabaseServer& server,
                       const std::string& path) {
  const std::string root = "/proc/" + std::to_string(server.pid) + "/root";
  return path.starts_with('/') && files.Stat(root) ? root + path : path;
}

bool IsSameFor(FileSystem& files, const DatabaseServer& server,
               const std::string& theirs, const std::string& ours) {
  const bool same_name = IsSamePath(files, theirs, ours);
  const std::string seen = PathSeenBy(files, server, theirs);
  if (seen == theirs) return same_name;
  const Result<FileInfo> a = files.Stat(seen), b = files.Stat(ours);
  // A file system that is mounted twice may have two numbers.
  if (a && b) {
    return a->inode == b->inode && (a->device == b->device || same_name);
  }
  for (const Result<FileInfo>* one : {&a, &b}) {
    if (*one || one->error().code() == StatusCode::kNotFound) continue;
    return same_name;  // It may not be looked at.
  }
  if (a || b) return false;
  return same_name ||
         (BaseName(theirs) == BaseName(ours) &&
          IsSameFor(files, server, DirectoryName(theirs), DirectoryName(ours)));
}

Outcome CheckNoServerUses(const std::string& directory,
                          const Installation& installation,
                          CommandContext& context, FileSystem& files,
                          ProcessRunner& processes) {
  if (installation.server.pid != 0) {
    return tl::unexpected(ServerRuns(installation.server.pid));
  }
  std::vector<std::string> ours = {directory};
  if (installation.path.empty() && !installation.data_directory.empty()) {
    ours.push_back(installation.data_directory);
  }
  for (const DatabaseServer& server :
       ServerSearch(files, processes, context.out).Running()) {
    for (const std::string& theirs : DirectoriesOf(server)) {
      if (std::ranges::any_of(ours, [&](const std::string& one) {
            return IsSameFor(files, server, theirs, one);
          })) {
        return tl::unexpected(ServerRuns(server.pid));
      }
    }
    if (server.is_mariadb && !server.has_all_options &&
        !server.variables.contains(kKeyFileDirectory)) {
      context.out.Warn("process " + std::to_string(server.pid) + " (" +
                           server.program +
                           ") is a MariaDB server whose option files were not "
                           "read: it may use " +
                           directory,
                       "make sure that it has another directory of key files");
    }
  }
  return ExitCode::kOk;
}

}  // namespace openkeyring
