// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_KMIP_KEY_MANAGEMENT_KMIP_PLUGIN_H_
#define OPENKEYRING_SERVER_MARIADB_KMIP_KEY_MANAGEMENT_KMIP_PLUGIN_H_

#include "product/kmip_key_management/kmip_key_management.h"
#include "server/mariadb/shared/encryption_plugin.h"
// After ours, on which its macros would act; and before MariaDB's others.
#include <my_global.h>
#include <mysql/plugin.h>

// What the parts of kmip_key_management.so share.
namespace openkeyring {

// The keys that StartKeys loaded (kmip_variables.cc).
KmipKeyManagement& LoadedKmipKeys();

// System variables (kmip_variables.cc).
extern st_mysql_sys_var* kmip_system_variables[];
// Status variables (kmip_status.cc).
extern st_mysql_show_var kmip_status_variables[];

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_KMIP_KEY_MANAGEMENT_KMIP_PLUGIN_H_
