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
            return IsSamePath(files, one, theirs);
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
