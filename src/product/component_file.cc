// SPDX-License-Identifier: MIT
#include "product/component_file.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr mode_t kReadableByAll = 0004;
constexpr char kReadLocal[] = "read_local_config";
constexpr char kAllowInsecure[] = "allow_insecure_permissions";

Status Misconfigured(std::string text) {
  return {StatusCode::kMisconfigured, std::move(text)};
}

Result<JsonOptions> ReadOne(FileSystem& files, const std::string& path,
                            const std::vector<std::string>& secret_names) {
  Result<Secret> text = files.ReadSecret(path, kMaxFile);
  if (!text) {
    return Misconfigured("the configuration cannot be read: " +
                         text.error().message());
  }
  return JsonOptions::Parse(*text, path, secret_names);
}

// Asked before the secrets are used, not before they are read: whoever wrote
// the file must learn that it lay open.
Status CheckPermissions(FileSystem& files, JsonOptions& options,
                        const std::vector<std::string>& secret_names) {
  const bool allowed = options.Bool(kAllowInsecure).value_or(false);
  Result<FileInfo> info = files.Stat(options.source());
  if (!info) return Misconfigured(info.error().message());
  if (allowed || (info->permissions & kReadableByAll) == 0) return Status::Ok();
  for (const std::string& name : secret_names) {
    if (!options.Has(name)) continue;
    return Misconfigured(
        options.source() + " holds " + name +
        " and is world-readable; run: chmod o= " + options.source() +
        " (or set " + kAllowInsecure + " to true)");
  }
  return Status::Ok();
}

}  // namespace

Result<JsonOptions> ReadComponentFile(
    FileSystem& files, Log& log, const std::string& name,
    const ServerDirectories& directories,
    const std::vector<std::string>& secret_names) {
  if (directories.plugin.empty()) {
    return Misconfigured(
        "the server did not say where its plugin directory is");
  }
  const std::string file = name + ".cnf";
  Result<JsonOptions> options =
      ReadOne(files, JoinPath(directories.plugin, file), secret_names);
  if (!options) return options;
  Status status = CheckPermissions(files, *options, secret_names);
  if (!status.ok()) return status;
  if (options->Bool(kReadLocal).value_or(false)) {
    // Nothing else in it counts; what is not known to be needed is told.
    const bool secrets = std::ranges::any_of(
        secret_names, [&](const auto& secret) { return options->Has(secret); });
    if (secrets || !options->Finish().ok()) {
      log.Write(LogLevel::kNote, options->source() +
                                     " says read_local_config: nothing else in "
                                     "it is used");
    }
    options =
        ReadOne(files, JoinPath(directories.instance, file), secret_names);
    if (!options) return options;
    (void)options->Bool(kReadLocal);
    status = CheckPermissions(files, *options, secret_names);
    if (!status.ok()) return status;
  }
  return options;
}

}  // namespace openkeyring
