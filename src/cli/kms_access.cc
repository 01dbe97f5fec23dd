// SPDX-License-Identifier: MIT
#include "aws/arn.h"
#include "cli/product_options.h"
#include "os/random.h"

namespace openkeyring {
namespace {

// What a product's options say of AWS KMS.
struct KmsSetup {
  std::vector<KmsKeyOptions> keys;  // At least one; its key may be "".
  AwsOptions aws;                   // For all keys.
  KmsServiceOptions service;
  Millis deadline{10000};
  std::vector<RecoveryKey> recovery_keys;
  LocalUnlockFile local;
};

Result<KmsSetup> OfComponent(const Installation& installation,
                             FileSystem& files, Log& log) {
  Result<KmsComponentConfig> config =
      KmsComponentOptions(installation, files, log);
  if (!config) return config.error();
  KmsSetup setup;
  setup.keys = config->slots.kms_keys;
  setup.aws = std::move(config->aws);
  setup.service.connect_timeout = config->connect_timeout;
  setup.service.request_timeout = config->request_timeout;
  setup.service.parallel_calls = config->load_parallelism;
  setup.service.master_key_option = "kms_key";
  setup.deadline = config->operation_deadline;
  setup.recovery_keys = std::move(config->recovery_keys);
  // A tool may be told another place of the file than the configuration's.
  setup.local = {config->slots.local_unlock_file, config->data_directories};
  setup.local.forbidden_directories.push_back(DirectoryName(config->path));
  return setup;
}

Result<KmsSetup> OfKeyringAws(const Installation& installation) {
  const Result<KeyringAwsOptions> options = KeyringAwsOptionsOf(installation);
  if (!options) return options.error();
  KmsSetup setup;
  setup.keys.emplace_back().key = options->cmk_id;
  const std::string region = RegionOfKeyArn(options->cmk_id);
  setup.aws.region = region.empty() ? options->region : region;
  setup.aws.endpoint_url = options->endpoint_url;
  setup.aws.allow_unencrypted_endpoint = options->allow_unencrypted_endpoint;
  if (!options->use_chain) setup.aws.key_file = options->conf_file;
  setup.service.connect_timeout = options->connect_timeout;
  setup.service.request_timeout = options->request_timeout;
  setup.service.parallel_calls = options->parallelism;
  setup.service.master_key_option = "keyring_aws_cmk_id";
  setup.deadline = options->operation_deadline;
  return setup;
}

Result<KmsSetup> OfKeyFiles(const Installation& installation,
                            FileSystem& files) {
  const Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation);
  if (!options) return options.error();
  Result<std::vector<KmsKeyOptions>> keys =
      ParseKmsKeyList(options->master_key_id);
  if (!keys) {
    return keys.error().WithContext("aws_key_management_master_key_id");
  }
  KmsSetup setup;
  setup.keys = std::move(*keys);
  // Only a key set has several; a new key file is made under the first one.
  if (setup.keys.empty()) setup.keys.emplace_back();
  const AwsStartupOptions& startup = options->startup;
  setup.aws.region = startup.region;
  setup.aws.endpoint_url = startup.endpoint_url;
  setup.aws.allow_unencrypted_endpoint = startup.allow_unencrypted_endpoint;
  if (startup.request_timeout.count() > 0) {
    setup.service.connect_timeout = setup.service.request_timeout =
        startup.request_timeout;
  }
  setup.service.parallel_calls = startup.load_parallelism;
  setup.service.master_key_option = "aws_key_management_master_key_id";
  std::vector<std::string> problems;  // The check of the keys has them.
  setup.recovery_keys = ReadRecoveryKeys(
      files, SplitPaths(startup.recovery_public_key), problems);
  setup.local = {startup.local_unlock_file,
                 {startup.access.data_directory, options->directory}};
  return setup;
}

Result<KmsSetup> SetupOf(const Installation& installation, FileSystem& files,
                         Log& log) {
  switch (installation.product) {
    case Product::kComponentKeyringKms:
      return OfComponent(installation, files, log);
    case Product::kKeyringAws:
      return OfKeyringAws(installation);
    case Product::kAwsKeyManagement:
      return OfKeyFiles(installation, files);
    default:
      return Status(StatusCode::kInvalidArgument,
                    std::string(ProductName(installation.product)) +
                        " does not use AWS KMS");
  }
}

// As KmsServices::Make does it.
Result<KmsAccess> AccessOf(const KmsSetup& setup, const KmsKeyOptions& key,
                           Log& log) {
  const bool plain = setup.keys.size() == 1 && !key.HasSettings();
  const AwsOptions aws =
      plain ? setup.aws.Clone() : AwsOptionsOfKey(key, setup.aws);
  KmsAccess access;
  access.name = key.Name();
  access.kms_key = key.key;
  access.deadline = setup.deadline;
  access.parallelism = setup.service.parallel_calls;
  KmsServiceOptions options = setup.service;
  options.master_key_id = [id = key.key] { return id; };
  Result<std::unique_ptr<KmsService>> service =
      KmsService::Make(aws, std::move(options), log);
  if (!service) return service.error();
  access.service = std::move(*service);
  Result<AwsSettings> settings =
      ResolveAwsSettings(aws, ProcessEnvironment(), PosixFileSystem());
  if (!settings) return settings.error();
  access.settings = std::move(*settings);
  return access;
}

}  // namespace

Result<KmsAccess> OpenKms(const Installation& installation, FileSystem& files,
                          Log& log) {
  const Result<KmsSetup> setup = SetupOf(installation, files, log);
  if (!setup) return setup.error();
  return AccessOf(*setup, setup->keys.front(), log);
}

Result<std::vector<KmsAccess>> OpenEachKms(const Installation& installation,
                                           FileSystem& files, Log& log) {
  const Result<KmsSetup> setup = SetupOf(installation, files, log);
  if (!setup) return setup.error();
  std::vector<KmsAccess> all;
  for (const KmsKeyOptions& key : setup->keys) {
    Result<KmsAccess> access = AccessOf(*setup, key, log);
    if (!access) return access.error().WithContext("KMS key " + key.Name());
    all.push_back(std::move(*access));
  }
  return all;
}

Result<SlotAccess> OpenSlotKeys(const Installation& installation,
                                FileSystem& files, Log& log) {
  const Result<KmsSetup> setup = SetupOf(installation, files, log);
  if (!setup) return setup.error();
  Result<std::unique_ptr<KmsServices>> kms =
      KmsServices::Make(setup->keys, setup->aws, setup->service, nullptr, log);
  if (!kms) return kms.error();
  SlotAccess access;
  access.kms = std::move(*kms);
  access.make_keys = [kms = access.kms.get(), keys = setup->recovery_keys,
                      local = setup->local, &files] {
    return std::make_unique<KeySlots>(
        MakeSlotKeys(*kms, keys, local, files, SystemRandom()), SystemClock());
  };
  access.keys = access.make_keys();
  return access;
}

}  // namespace openkeyring
