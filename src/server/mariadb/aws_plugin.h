// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_AWS_PLUGIN_H_
#define OPENKEYRING_SERVER_MARIADB_AWS_PLUGIN_H_

#include "server/mariadb/aws_host.h"
#include "server/mariadb/mariadb_log.h"
#include "server/repeat_filter.h"
// After ours and the standard library's, on which its macros would act; and
// before MariaDB's other headers, which need it.
#include <my_global.h>
#include <mysql/plugin.h>
#include <typelib.h>

// What the parts of aws_key_management.so share.
namespace openkeyring {

struct AwsPlugin {
  MariaDbLog log{"AWS KMS plugin"};
  RepeatFilter repeats{SystemClock()};
  AwsLiveOptions live;
  std::unique_ptr<AwsHost> host;  // Null while the plugin is not loaded.

  // A failure, to the client of this thread and, unless it was written a
  // moment ago, to the error log.
  void Report(const Status& status);
};

// Lives from the first use to dlclose; made without any effect on the process.
AwsPlugin& ThePlugin();

// System variables (aws_variables.cc).
extern st_mysql_sys_var* aws_system_variables[];
AwsFixedOptions FixedOptionsFromVariables();
// Copies what was given on the command line to ThePlugin().live.
void AdoptVariables();
bool UsesCtrMode();

// Status variables (aws_status.cc).
extern st_mysql_show_var aws_status_variables[];

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_AWS_PLUGIN_H_
