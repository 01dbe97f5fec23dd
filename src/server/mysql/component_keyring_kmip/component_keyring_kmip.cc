// SPDX-License-Identifier: MIT
// component_keyring_kmip.so: MySQL's keyring on a KMIP server.
#include "product/component_keyring_kmip/kmip_keyring.h"
#include "server/mysql/component/component.h"

namespace openkeyring {

std::unique_ptr<KeyringLoader> MakeKeyringLoader() {
  return std::make_unique<KmipKeyringLoader>();
}

}  // namespace openkeyring
