// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_COMPONENT_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_COMPONENT_H_

#include <memory>
#include <string>

#include "server/mysql/component/reloadable_keyring.h"

namespace openkeyring {

// The one function by which components differ; each defines its own.
std::unique_ptr<KeyringLoader> MakeKeyringLoader();

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_COMPONENT_H_
