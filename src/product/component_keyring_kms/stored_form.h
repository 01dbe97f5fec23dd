// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_STORED_FORM_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_STORED_FORM_H_

#include <string>

#include "base/result.h"
#include "os/file_system.h"
#include "product/component_keyring_kms/kms_component_config.h"

namespace openkeyring {

// What a start decides before it asks a key server, for servers and for tools:
// which form the keyring file has, or a new one gets. kCorrupt where nothing is
// stored and this server's keys were (CheckNewKeyringFitsData unless the
// configuration allows a new keyring or `may_create` is false, and
// CheckMayBeEmpty); kMisconfigured for a JSON file with options that need key
// slots. Changes nothing.
Result<KeyringFileFormat> ChooseForm(FileSystem& files,
                                     const KmsComponentConfig& config,
                                     bool may_create,
                                     const std::string& data_directory);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_STORED_FORM_H_
