// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_KMIP_COMPONENT_CONFIG_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_KMIP_COMPONENT_CONFIG_H_

#include <string>
#include <utility>
#include <vector>

#include "product/component_file.h"
#include "product/kmip_service.h"
#include "storage/kmip/kmip_keyring_backend.h"

namespace openkeyring {

// The component's name, and its configuration file's without ".cnf".
constexpr char kKmipComponent[] = "component_keyring_kmip";
// The note of the object group, in the data directory.
constexpr char kKmipGroupNote[] = "component_keyring_kmip.group";

// component_keyring_kmip.cnf (docs/component_keyring_kmip.md has the table).
struct KmipComponentConfig {
  KmipServiceOptions
      kmip;  // Paths are absolute unless there is no data directory.
  KmipGroupOptions group;
  KmipKeyringOptions keys;
  bool read_only = false;
  // Begin a keyring although the data directory has encrypted files.
  bool allow_new_keyring = false;
  Millis startup_deadline{30000};
  Millis reload_deadline{60000};
  Millis operation_deadline{3000};
  ComponentWarnings warnings;
};

// Errors: those of ReadComponentFile, and kMisconfigured for options that are
// ill-typed, missing, or do not go together; all of them at once. An unknown
// option is a warning.
Result<KmipComponentConfig> ReadKmipComponentConfig(
    FileSystem& files, Log& log, const ServerDirectories& directories);

// What is configured, as a status table names it: pairs of name and value,
// Percona's and then ours. Empty values are left empty.
std::vector<std::pair<std::string, std::string>> DescribeKmipConfig(
    const KmipComponentConfig& config);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_KMIP_COMPONENT_CONFIG_H_
