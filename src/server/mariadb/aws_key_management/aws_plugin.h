// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_AWS_KEY_MANAGEMENT_AWS_PLUGIN_H_
#define OPENKEYRING_SERVER_MARIADB_AWS_KEY_MANAGEMENT_AWS_PLUGIN_H_

#include "product/aws_key_management/aws_key_management.h"
#include "server/mariadb/shared/encryption_plugin.h"
// After ours and the standard library's, on which its macros would act; and
// before MariaDB's other headers, which need it.
#include <my_global.h>
#include <mysql/plugin.h>
#include <typelib.h>

// What the parts of aws_key_management.so share.
namespace openkeyring {

// The keys that StartKeys loaded (aws_variables.cc).
AwsKeyManagement& LoadedAwsKeys();

// System variables (aws_variables.cc).
extern st_mysql_sys_var* aws_system_variables[];
// Status variables (aws_status.cc).
extern st_mysql_show_var aws_status_variables[];

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_AWS_KEY_MANAGEMENT_AWS_PLUGIN_H_
