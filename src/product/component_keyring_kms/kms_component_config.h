// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_KMS_COMPONENT_CONFIG_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_KMS_COMPONENT_CONFIG_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/settings.h"
#include "product/component_file.h"
#include "product/key_slot_options.h"

namespace openkeyring {

// The component's name, and its configuration file's without ".cnf".
constexpr char kKmsComponent[] = "component_keyring_kms";
// MySQL Enterprise's component, whose configuration is understood.
constexpr char kEnterpriseComponent[] = "component_keyring_aws";

// What to create where there is no keyring file yet; an existing one keeps its
// form.
enum class KeyringFileFormat { kSealed, kPercona };

// component_keyring_kms.cnf (docs/component_keyring_kms.md has the table).
struct KmsComponentConfig {
  std::string path;  // Absolute unless the server gave no data directory.
  bool read_only = false;
  KeySlotOptions slots;                    // With at least one KMS key.
  std::vector<RecoveryKey> recovery_keys;  // Read from slots' files.
  // Where the local unlock file must not lie: the data directory, and those of
  // `path` and of what it links to.
  std::vector<std::string> data_directories;
  AwsOptions aws;
  Millis connect_timeout{2000};
  Millis request_timeout{3000};
  Millis startup_deadline{30000};
  Millis reload_deadline{60000};
  Millis operation_deadline{5000};
  size_t load_parallelism = 16;
  std::map<std::string, std::string> encryption_context;
  // Not set: sealed for a missing file, and Percona's for an empty one, which
  // is what Percona's component creates.
  std::optional<KeyringFileFormat> file_format;
  // Create a keyring although the data directory has encrypted data.
  bool allow_new_keyring = false;
  ComponentWarnings warnings;
  // Not of the file: for tools, while a sealed file is read.
  std::function<void(size_t done, size_t total)> progress = nullptr;
};

// Where there is no component_keyring_kms.cnf, component_keyring_aws.cnf is
// read.
//
// Errors: those of ReadComponentFile, and kMisconfigured for options that are
// ill-typed, missing, or do not go together, and for a recovery key or a local
// unlock file that may not be used; all of them at once. An unknown option, and
// a local unlock file that is missing, are warnings.
Result<KmsComponentConfig> ReadKmsComponentConfig(
    FileSystem& files, Log& log, const ServerDirectories& directories);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_KMS_COMPONENT_CONFIG_H_
