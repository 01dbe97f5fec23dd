// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/kms_component_config.h"

#include <algorithm>
#include <utility>

#include "product/component_keyring_kms/enterprise_options.h"

namespace openkeyring {
namespace {

constexpr int64_t kMostMillis = 3600 * 1000;
constexpr char kSecretKey[] = "secret_access_key";
constexpr char kSessionToken[] = "session_token";

void ReadAws(JsonOptions& options, AwsOptions& aws) {
  aws.region = options.Text("region");
  aws.endpoint_url = options.Text("endpoint_url");
  aws.allow_unencrypted_endpoint =
      options.Bool("allow_unencrypted_endpoint").value_or(false);
  aws.profile = options.Text("profile");
  aws.access_key_id = options.Text("auth_key");
  aws.secret_access_key = options.TakeSecret(kSecretKey);
  aws.session_token = options.TakeSecret(kSessionToken);
  aws.role_arn = options.Text("role_arn");
  aws.external_id = options.Text("external_id");
  aws.ca_bundle = options.Text("ca_bundle");
  aws.use_fips_endpoint = options.Bool("use_fips_endpoint");
  aws.use_dualstack_endpoint = options.Bool("use_dualstack_endpoint");
  if (const auto attempts = options.Integer("max_attempts", 1, 20)) {
    aws.max_attempts = static_cast<int>(*attempts);
  }
}

void CheckAws(JsonOptions& options, const AwsOptions& aws) {
  if (aws.access_key_id.empty() != aws.secret_access_key.empty()) {
    options.Complain("set auth_key and secret_access_key together");
  }
  if (!aws.session_token.empty() && aws.access_key_id.empty()) {
    options.Complain("session_token requires auth_key");
  }
  if (!aws.profile.empty() && !aws.access_key_id.empty()) {
    options.Complain("profile and auth_key are mutually exclusive");
  }
  if (!aws.external_id.empty() && aws.role_arn.empty()) {
    options.Complain("external_id requires role_arn");
  }
}

void ReadTimes(JsonOptions& options, KmsComponentConfig& config) {
  const struct {
    const char* name;
    int64_t least;
    Millis& value;
  } times[] = {{"connect_timeout_ms", 1, config.connect_timeout},
               {"request_timeout_ms", 1, config.request_timeout},
               {"startup_deadline_ms", 1, config.startup_deadline},
               {"reload_deadline_ms", 1, config.reload_deadline},
               {"operation_deadline_ms", 1, config.operation_deadline}};
  for (const auto& time : times) {
    if (const auto value =
            options.Integer(time.name, time.least, kMostMillis)) {
      time.value = Millis(*value);
    }
  }
  if (const auto calls = options.Integer("load_parallelism", 1, 256)) {
    config.load_parallelism = static_cast<size_t>(*calls);
  }
}

void ReadContext(JsonOptions& options, KmsComponentConfig& config) {
  config.encryption_context = options.Texts("encryption_context");
  for (const auto& [name, value] : config.encryption_context) {
    if (name.empty() || name.starts_with("openkeyring:") ||
        name.starts_with("aws:")) {
      options.Complain("encryption_context must not use the name \"" + name +
                       "\": names that start with openkeyring: or aws: are "
                       "reserved");
    }
  }
}

void ReadFormat(JsonOptions& options, KmsComponentConfig& config) {
  const std::string format = options.Text("file_format");
  config.allow_new_keyring = options.Bool("allow_new_keyring").value_or(false);
  if (format == "percona") {
    config.file_format = KeyringFileFormat::kPercona;
  } else if (format == "sealed") {
    config.file_format = KeyringFileFormat::kSealed;
  } else if (!format.empty() && format != "auto") {
    options.Complain(
        "file_format must be auto, sealed or percona (it is about new files)");
  }
}

void CheckSlots(JsonOptions& options, const KmsComponentConfig& config) {
  if (ShareEndpoint(config.slots.kms_keys, config.aws.endpoint_url)) {
    options.Complain(
        "endpoint_url is for one KMS key: with several, write it to the entry "
        "of kms_key that it belongs to");
  }
  if (config.slots.NeedsSlots() &&
      config.file_format == KeyringFileFormat::kPercona) {
    options.Complain(
        "file_format percona has one KMS key: several of them, "
        "recovery_public_key and local_unlock_file require the sealed format");
  }
}

void ReadRecoveryKeyFiles(FileSystem& files, JsonOptions& options,
                          KmsComponentConfig& config) {
  std::vector<std::string> problems;
  config.recovery_keys =
      ReadRecoveryKeys(files, config.slots.recovery_public_keys, problems);
  for (const std::string& problem : problems) options.Complain(problem);
}

// A tool may not know the data directory, and the one it is called from is not
// meant.
std::vector<std::string> DataDirectories(FileSystem& files,
                                         const std::string& path,
                                         const ServerDirectories& directories) {
  std::vector<std::string> found = {DirectoryName(path)};
  if (!directories.instance.empty()) found.push_back(directories.instance);
  const Result<std::string> target = files.ResolveLink(path);
  if (target && *target != path) found.push_back(DirectoryName(*target));
  return found;
}

void CheckLocalFile(FileSystem& files, Log& log, JsonOptions& options,
                    const KmsComponentConfig& config) {
  const std::string& file = config.slots.local_unlock_file;
  if (file.empty()) return;
  const Status status =
      CheckLocalUnlockFile(files, file, config.data_directories);
  if (status.code() == StatusCode::kNotFound) {
    log.Write(LogLevel::kWarning,
              "local_unlock_file is missing, so it can open nothing: " +
                  status.message());
  } else if (!status.ok()) {
    options.Complain("local_unlock_file: " + status.message());
  }
}

// The name of the configuration file: Enterprise's only where ours is missing.
std::string FileName(FileSystem& files, const ServerDirectories& directories) {
  const auto is_there = [&](const char* name) {
    return files.Stat(JoinPath(directories.plugin, std::string(name) + ".cnf"))
        .status();
  };
  if (directories.plugin.empty() || !directories.config_file.empty() ||
      is_there(kKmsComponent).code() != StatusCode::kNotFound ||
      !is_there(kEnterpriseComponent).ok()) {
    return kKmsComponent;
  }
  return kEnterpriseComponent;
}

}  // namespace

Result<KmsComponentConfig> ReadKmsComponentConfig(
    FileSystem& files, Log& log, const ServerDirectories& directories) {
  Result<JsonOptions> options =
      ReadComponentFile(files, log, FileName(files, directories), directories,
                        {kSecretKey, kSessionToken, kEnterpriseSecretKey,
                         kEnterpriseProxyPassword});
  if (!options) return options.error();
  KmsComponentConfig config;
  options->Alias("cmk_id", "kms_key");
  options->Alias("data_file", "path");
  options->Require("path");
  config.path = options->Text("path");
  // The current directory changes while a server starts.
  if (!config.path.empty() && !config.path.starts_with('/')) {
    config.path = JoinPath(directories.instance, config.path);
  }
  config.read_only = options->Bool("read_only").value_or(false);
  config.slots = ReadKeySlotOptions(*options);
  ReadAws(*options, config.aws);
  CheckAws(*options, config.aws);
  ReadTimes(*options, config);
  ReadEnterpriseOptions(*options, config.aws, config.connect_timeout);
  ReadContext(*options, config);
  ReadFormat(*options, config);
  CheckSlots(*options, config);
  ReadRecoveryKeyFiles(files, *options, config);
  config.data_directories = DataDirectories(files, config.path, directories);
  CheckLocalFile(files, log, *options, config);
  Status status = options->Finish();
  if (!status.ok()) return status;
  config.warnings = WarningsOf(*options, log);
  return config;
}

}  // namespace openkeyring
