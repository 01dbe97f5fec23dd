// SPDX-License-Identifier: MIT
#include "product/component_file.h"

#include <algorithm>
#include <utility>

#include "os/permissions_cure.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr mode_t kReadableByAll = 0004;
constexpr char kReadLocal[] = "read_local_config";
constexpr char kAllowInsecure[] = "allow_insecure_permissions";
constexpr char kStrict[] = "strict_permissions";

Status Misconfigured(std::string text) {
  return {StatusCode::kMisconfigured, std::move(text)};
}

Result<JsonOptions> ReadOne(FileSystem& files, const std::string& path,
                            const std::vector<std::string>& secret_names) {
  Result<Secret> text = files.ReadSecret(path, kMaxFile);
  if (!text) {
    return Misconfigured("cannot read config file " + path + ": " +
                         text.error().message());
  }
  return JsonOptions::Parse(*text, path, secret_names);
}

// Asked before the secrets are used, not before they are read: whoever wrote
// the file must learn that it lay open.
Status CheckPermissions(FileSystem& files, JsonOptions& options,
                        const std::vector<std::string>& secret_names) {
  const bool allowed = options.Bool(kAllowInsecure).value_or(false);
  const bool strict = options.Bool(kStrict).value_or(false);
  if (allowed && strict) {
    options.Complain(std::string(kStrict) + " and " + kAllowInsecure +
                     " are mutually exclusive");
  }
  Result<FileInfo> info = files.Stat(options.source());
  if (!info) return Misconfigured(info.error().message());
  if ((info->permissions & kReadableByAll) == 0) return Status::Ok();
  for (const std::string& name : secret_names) {
    if (!options.HasSecret(name)) continue;
    const std::string text =
        options.source() + " holds " + name +
        " and is world-readable; run: " + PermissionsCure(options.source());
    if (strict) return Misconfigured(text + " (" + kStrict + " is set)");
    if (!allowed) options.Warn(text);
    break;
  }
  return Status::Ok();
}

std::string PathOfFirst(const std::string& name,
                        const ServerDirectories& directories) {
  if (!directories.config_file.empty()) return directories.config_file;
  return JoinPath(directories.plugin, name + ".cnf");
}

}  // namespace

Result<JsonOptions> ReadComponentFile(
    FileSystem& files, Log& log, const std::string& name,
    const ServerDirectories& directories,
    const std::vector<std::string>& secret_names) {
  if (directories.plugin.empty() && directories.config_file.empty()) {
    return Misconfigured(
        "the server did not say where its plugin directory is");
  }
  Result<JsonOptions> options =
      ReadOne(files, PathOfFirst(name, directories), secret_names);
  if (!options) return options;
  Status status = CheckPermissions(files, *options, secret_names);
  if (!status.ok()) return status;
  if (!options->Bool(kReadLocal).value_or(false)) return options;
  // Nothing else in it counts; what is not known to be needed is told.
  const bool secrets = std::ranges::any_of(
      secret_names,
      [&](const auto& secret) { return options->HasSecret(secret); });
  if (secrets || !options->UnknownOptions().empty()) {
    log.Write(LogLevel::kNote, options->source() +
                                   " says read_local_config: nothing else in "
                                   "it is used");
  }
  if (directories.instance.empty() && directories.config_file.empty()) {
    // A tool's own directory may be anybody's.
    return Misconfigured(options->source() +
                         " says read_local_config, and the server's data "
                         "directory is not known; name it with --datadir");
  }
  Result<JsonOptions> local = ReadOne(
      files, JoinPath(directories.instance, name + ".cnf"), secret_names);
  if (!local) return local;
  for (const std::string& warning : options->warnings()) local->Warn(warning);
  (void)local->Bool(kReadLocal);
  status = CheckPermissions(files, *local, secret_names);
  if (!status.ok()) return status;
  return local;
}

ComponentWarnings WarningsOf(const JsonOptions& options, Log& log) {
  ComponentWarnings found{options.UnknownOptions(), options.warnings()};
  for (std::string& unknown : found.unknown_options) {
    unknown = options.source() + ": " + unknown;
    log.Write(LogLevel::kWarning, unknown + " (it is ignored)");
  }
  for (const std::string& warning : found.permissions) {
    log.Write(LogLevel::kWarning, warning);
  }
  return found;
}

std::string ToString(const ComponentWarnings& warnings) {
  std::string text;
  for (const auto* list : {&warnings.unknown_options, &warnings.permissions}) {
    for (const std::string& one : *list) {
      text += (text.empty() ? "" : "; ") + one;
    }
  }
  return text;
}

}  // namespace openkeyring
