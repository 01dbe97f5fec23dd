// SPDX-License-Identifier: MIT
// component_keyring_kms.so: MySQL's keyring in a file sealed by AWS KMS.
#include "product/component_keyring_kms/kms_keyring.h"
#include "server/mysql/component/component.h"

namespace openkeyring {

std::unique_ptr<KeyringLoader> MakeKeyringLoader() {
  return std::make_unique<KmsKeyringLoader>();
}

}  // namespace openkeyring
