// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_PRODUCT_OPTIONS_H_
#define OPENKEYRING_CLI_PRODUCT_OPTIONS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/installation.h"
#include "product/aws_key_management/aws_key_management.h"
#include "product/component_keyring_kmip/kmip_component_config.h"
#include "product/component_keyring_kms/kms_component_config.h"
#include "product/keyring_aws/keyring_aws.h"
#include "product/kmip_key_management/kmip_key_management.h"
#include "product/kms_service.h"
#include "product/kms_services.h"
#include "product/slot_keys.h"
#include "storage/sealed/key_slots.h"

namespace openkeyring {

// The typed options of a product, from its configuration file or from the
// server's variables, as its plugin in the server has them, but read-only: what
// is opened with them changes nothing. kMisconfigured names every option that
// is wrong, with the nearest one that exists.

Result<KmsComponentConfig> KmsComponentOptions(const Installation& installation,
                                               FileSystem& files, Log& log);
// Whether the configuration itself says read_only; plugins cannot.
Result<bool> IsConfiguredReadOnly(const Installation& installation,
                                  FileSystem& files, Log& log);
Result<KmipComponentConfig> KmipComponentOptions(
    const Installation& installation, FileSystem& files, Log& log);
Result<KeyringAwsOptions> KeyringAwsOptionsOf(const Installation& installation);

struct KeyFilesOptions {
  AwsStartupOptions startup;
  std::string master_key_id;
  BindPolicy bind_policy = BindPolicy::kOn;
  // Of the key files: keyfile_dir, or the data directory.
  std::string directory;
  // Of the installation; counts key files. `startup` has that of a key set.
  std::function<void(size_t done, size_t total)> progress = nullptr;
};
Result<KeyFilesOptions> KeyFilesOptionsOf(const Installation& installation);
Result<KmipStartupOptions> KmipVersionsOptionsOf(
    const Installation& installation);

// For what counts the bytes of a file: calls `progress` with hundredths.
std::function<void(size_t done, size_t total)> InHundredths(
    std::function<void(size_t done, size_t total)> progress);

// AWS KMS as the product of the installation asks it, for one KMS key.
struct KmsAccess {
  std::string name;  // KmsKeyOptions::Name.
  std::unique_ptr<KmsService> service;
  AwsSettings settings;
  std::string kms_key;  // As configured; may be "".
  Millis deadline{10000};
  size_t parallelism = 16;
};
// For the first configured KMS key: JSON files and key files have only one;
// sealed files take OpenSlotKeys.
Result<KmsAccess> OpenKms(const Installation& installation, FileSystem& files,
                          Log& log);
// For each configured KMS key, in their order, each with its own region,
// endpoint, profile and role. One at least: without a key it is named "".
Result<std::vector<KmsAccess>> OpenEachKms(const Installation& installation,
                                           FileSystem& files, Log& log);

// The keys of a sealed file's slots, as the configuration names them.
struct SlotAccess {
  std::unique_ptr<KmsServices> kms;
  // Gives the same keys each time. These, and `keys`, borrow `kms`.
  std::function<std::unique_ptr<KeySlots>()> make_keys;
  std::unique_ptr<KeySlots> keys;
};
Result<SlotAccess> OpenSlotKeys(const Installation& installation,
                                FileSystem& files, Log& log);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_PRODUCT_OPTIONS_H_
