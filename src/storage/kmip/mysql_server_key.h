// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_MYSQL_SERVER_KEY_H_
#define OPENKEYRING_STORAGE_KMIP_MYSQL_SERVER_KEY_H_

#include <string>

#include "keyring/key.h"

namespace openkeyring {

// Whether only the MySQL server with this server_uuid makes a key of that name:
// a master key of InnoDB or one of binary log encryption, without an owner and
// with exactly this UUID in its place (systems.md 5M). False for an empty UUID.
bool IsKeyOfServer(const KeyName& name, const std::string& server_uuid);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_MYSQL_SERVER_KEY_H_
