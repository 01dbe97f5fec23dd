// SPDX-License-Identifier: MIT
#include "aws/arn.h"
#include "cli/product_options.h"

namespace openkeyring {
namespace {

Result<KmsAccess> Make(const AwsOptions& aws, KmsServiceOptions options,
                       std::string kms_key, Millis deadline, Log& log) {
  KmsAccess access;
  access.kms_key = kms_key;
  access.deadline = deadline;
  access.parallelism = options.parallel_calls;
  options.master_key_id = [kms_key] { return kms_key; };
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

Result<KmsAccess> OfComponent(const Installation& installation,
                              FileSystem& files, Log& log) {
  const Result<KmsComponentConfig> config =
      KmsComponentOptions(installation, files, log);
  if (!config) return config.error();
  KmsServiceOptions options;
  options.connect_timeout = config->connect_timeout;
  options.request_timeout = config->request_timeout;
  options.parallel_calls = config->load_parallelism;
  options.master_key_option = "kms_key";
  // JSON files have one key; those of a sealed file are opened with its slots.
  const KmsKeyOptions& key = config->slots.kms_keys.front();
  const AwsOptions aws = key.HasSettings() ? AwsOptionsOfKey(key, config->aws)
                                           : config->aws.Clone();
  return Make(aws, std::move(options), key.key, config->operation_deadline,
              log);
}

Result<KmsAccess> OfKeyringAws(const Installation& installation, Log& log) {
  const Result<KeyringAwsOptions> options = KeyringAwsOptionsOf(installation);
  if (!options) return options.error();
  AwsOptions aws;
  const std::string region = RegionOfKeyArn(options->cmk_id);
  aws.region = region.empty() ? options->region : region;
  aws.endpoint_url = options->endpoint_url;
  aws.allow_unencrypted_endpoint = options->allow_unencrypted_endpoint;
  if (!options->use_chain) aws.key_file = options->conf_file;
  KmsServiceOptions service;
  service.connect_timeout = options->connect_timeout;
  service.request_timeout = options->request_timeout;
  service.parallel_calls = options->parallelism;
  service.master_key_option = "keyring_aws_cmk_id";
  return Make(aws, std::move(service), options->cmk_id,
              options->operation_deadline, log);
}

Result<KmsAccess> OfKeyFiles(const Installation& installation, Log& log) {
  const Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation);
  if (!options) return options.error();
  const AwsStartupOptions& startup = options->startup;
  AwsOptions aws;
  aws.region = startup.region;
  aws.endpoint_url = startup.endpoint_url;
  aws.allow_unencrypted_endpoint = startup.allow_unencrypted_endpoint;
  const Result<std::vector<KmsKeyOptions>> keys =
      ParseKmsKeyList(options->master_key_id);
  if (!keys) {
    return keys.error().WithContext("aws_key_management_master_key_id");
  }
  // Only a key set has several; a new key file is made under the first one.
  std::string key = options->master_key_id;
  if (keys->size() > 1 || (keys->size() == 1 && keys->front().HasSettings())) {
    key = keys->front().key;
    aws = AwsOptionsOfKey(keys->front(), aws);
  }
  KmsServiceOptions service;
  if (startup.request_timeout.count() > 0) {
    service.connect_timeout = service.request_timeout = startup.request_timeout;
  }
  service.parallel_calls = startup.load_parallelism;
  service.master_key_option = "aws_key_management_master_key_id";
  return Make(aws, std::move(service), std::move(key), Millis(10000), log);
}

}  // namespace

Result<KmsAccess> OpenKms(const Installation& installation, FileSystem& files,
                          Log& log) {
  switch (installation.product) {
    case Product::kComponentKeyringKms:
      return OfComponent(installation, files, log);
    case Product::kKeyringAws:
      return OfKeyringAws(installation, log);
    case Product::kAwsKeyManagement:
      return OfKeyFiles(installation, log);
    default:
      return Status(StatusCode::kInvalidArgument,
                    std::string(ProductName(installation.product)) +
                        " does not use AWS KMS");
  }
}

}  // namespace openkeyring
