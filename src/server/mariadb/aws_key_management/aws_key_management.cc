// SPDX-License-Identifier: MIT
// aws_key_management.so: MariaDB's encryption plugin over AWS KMS. This file is
// its descriptor.
#include "server/mariadb/aws_key_management/aws_plugin.h"
// Last: it needs the others.
#include <mysql/plugin_encryption.h>

#pragma GCC visibility push(default)
maria_declare_plugin(aws_key_management){
    MariaDB_ENCRYPTION_PLUGIN,
    &openkeyring::encryption,
    "aws_key_management",
    "OpenKeyring",
    "Data-at-rest encryption keys guarded by AWS KMS",
    PLUGIN_LICENSE_BSD,
    openkeyring::InitPlugin,
    openkeyring::DeinitPlugin,
    OPENKEYRING_VERSION_NUMBER,
    openkeyring::aws_status_variables,
    openkeyring::aws_system_variables,
    OPENKEYRING_VERSION,
    MariaDB_PLUGIN_MATURITY_STABLE,
} maria_declare_plugin_end;
#pragma GCC visibility pop
