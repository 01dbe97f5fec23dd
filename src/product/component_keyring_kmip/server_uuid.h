// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_SERVER_UUID_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_SERVER_UUID_H_

#include <string>

#include "os/file_system.h"

namespace openkeyring {

// The server_uuid of the MySQL server with that data directory, from auto.cnf.
// "" when there is none, as before a server's first start is over.
std::string ReadServerUuid(FileSystem& files, const std::string& directory);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_SERVER_UUID_H_
