// SPDX-License-Identifier: MIT
// What the server's user may not read: root, who often runs the check, can.
#include "cli/checks/check.h"
#include "os/process.h"

namespace openkeyring {
namespace {

constexpr mode_t kReads = 0444, kSearches = 0111;
constexpr mode_t kOwner = 0700, kOthers = 0077, kOthersAlone = 0007;

bool May(mode_t what, const FileInfo& info, const FileOwner& server) {
  constexpr gid_t kRootGroup = 0;
  const bool is_roots =
      info.owner.group == kRootGroup && server.group != kRootGroup;
  const mode_t bits = info.owner.user == server.user ? kOwner
                      : is_roots                     ? kOthersAlone
                                                     : kOthers;
  return (info.permissions & what & bits) != 0;
}

std::string ModeOf(const FileInfo& info) {
  const auto digit = [&](unsigned shift) {
    return static_cast<char>('0' + ((info.permissions >> shift) & 7));
  };
  return {'0', digit(6), digit(3), digit(0)};
}

// It, or a directory on the way to it.
void CheckReadable(CheckRun& run, const std::string& name,
                   const FileOwner& server) {
  const Result<std::string> target = run.files.CanonicalPath(name);
  if (!target) return;  // The checks of what it is for tell that.
  mode_t needed = kReads;
  for (std::string path = *target;; path = DirectoryName(path)) {
    const Result<FileInfo> info = run.files.Stat(path);
    if (info && !May(needed, *info, server)) {
      return run.FailStart(
          name + " cannot be read by the server's user, who owns " +
              run.installation.data_directory + ": " + path +
              " has the owner " + std::to_string(info->owner.user) +
              " and the mode " + ModeOf(*info),
          "chown " + path + " to the server's user or group, which needs " +
              (needed == kReads ? "u+r or g+r" : "u+x or g+x"));
    }
    if (path == DirectoryName(path)) return;
    needed = kSearches;
  }
}

std::string ConfigurationPath(const Installation& installation) {
  if (!installation.config.empty()) return installation.config;
  return JoinPath(installation.plugin_directory,
                  std::string(ProductName(installation.product)) + ".cnf");
}

// A key set, or key files.
void AddFilesIn(CheckRun& run, const std::string& directory,
                std::vector<std::string>& paths) {
  const auto names = run.files.List(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!name.starts_with("aws-kms-key")) continue;
    paths.push_back(JoinPath(directory, name));
  }
}

std::vector<std::string> FilesOfStart(CheckRun& run) {
  const Installation& installation = run.installation;
  std::vector<std::string> paths = {StoragePath(run)};
  if (IsComponent(installation.product)) {
    paths.push_back(ConfigurationPath(installation));
  }
  if (installation.product == Product::kAwsKeyManagement) {
    AddFilesIn(run, StoragePath(run), paths);
  }
  if (installation.product == Product::kKeyringAws) {
    const auto options = KeyringAwsOptionsOf(installation);
    if (options && !options->use_chain) paths.push_back(options->conf_file);
  }
  if (const KmipServiceOptions* kmip = run.kmip()) {
    paths.insert(paths.end(), {kmip->tls.certificate_file, kmip->tls.key_file,
                               kmip->tls.ca_file});
  }
  return paths;
}

}  // namespace

bool MayRead(const FileInfo& info, const std::optional<FileInfo>& data) {
  if (data && data->owner.user != 0) return May(kReads, info, data->owner);
  return info.owner.user != 0 ||
         (info.permissions & kReads & kOthersAlone) != 0;
}

void CheckServerAccess(CheckRun& run) {
  const Result<FileInfo> data = run.files.Stat(run.installation.data_directory);
  // Of root, who may read all; or what was read says it.
  if (!data || data->owner.user == 0 || data->owner.user == EffectiveUser()) {
    return;
  }
  for (const std::string& path : FilesOfStart(run)) {
    if (!path.empty()) CheckReadable(run, path, data->owner);
  }
}

}  // namespace openkeyring
