// SPDX-License-Identifier: MIT
// kmip_key_management.so: MariaDB's encryption plugin over a KMIP server. This
// file is its descriptor.
#include "server/mariadb/kmip_key_management/kmip_plugin.h"
// Last: it needs the others.
#include <mysql/plugin_encryption.h>

#pragma GCC visibility push(default)
maria_declare_plugin(kmip_key_management){
    MariaDB_ENCRYPTION_PLUGIN,
    &openkeyring::encryption,
    "kmip_key_management",
    "OpenKeyring",
    "Data-at-rest encryption keys on a KMIP server",
    PLUGIN_LICENSE_BSD,
    openkeyring::InitPlugin,
    openkeyring::DeinitPlugin,
    OPENKEYRING_VERSION_NUMBER,
    openkeyring::kmip_status_variables,
    openkeyring::kmip_system_variables,
    OPENKEYRING_VERSION,
    MariaDB_PLUGIN_MATURITY_STABLE,
} maria_declare_plugin_end;
#pragma GCC visibility pop
