// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_SHARED_COMMON_VARIABLES_H_
#define OPENKEYRING_SERVER_MARIADB_SHARED_COMMON_VARIABLES_H_

#include <string>

#include "base/status.h"
#include "os/clock.h"
#include "product/key_access.h"
// Last: MariaDB's headers.
#include <my_global.h>
#include <mysql/plugin.h>
#include <typelib.h>

// The system variables that every plugin has, and what all variables need. The
// server reads and writes variables through pointers, under
// LOCK_global_system_variables.
namespace openkeyring {

// ---- Types of variables ----------------------------------------------------
// The layout of what MYSQL_SYSVAR_ENUM, _INT and _LONGLONG define, as types
// with names, so that a variable can be declared here and defined elsewhere.

struct EnumVariable {
  MYSQL_PLUGIN_VAR_HEADER;
  unsigned long* value;
  unsigned long default_value;
  TYPELIB* names;
};
struct IntVariable {
  MYSQL_PLUGIN_VAR_HEADER;
  int* value;
  int default_value, minimum, maximum, step;
};
struct LongLongVariable {
  MYSQL_PLUGIN_VAR_HEADER;
  long long* value;
  long long default_value, minimum, maximum, step;
};

// Later servers' TYPELIB has more members than the one we are built with; they
// must find nulls there and not what happens to follow.
struct PaddedTypelib {
  constexpr PaddedTypelib(const char** names, unsigned count)
      : library{count, "", names, nullptr} {}
  TYPELIB library;
  void* later_members[4] = {};
};

// ---- The variables, for the plugin's list by MYSQL_SYSVAR(name) ------------

extern EnumVariable MYSQL_SYSVAR_NAME(key_spec);
extern LongLongVariable MYSQL_SYSVAR_NAME(rotate_key);
extern EnumVariable MYSQL_SYSVAR_NAME(log_level);
extern EnumVariable MYSQL_SYSVAR_NAME(encryption_algorithm);
extern IntVariable MYSQL_SYSVAR_NAME(startup_deadline);
extern IntVariable MYSQL_SYSVAR_NAME(operation_deadline);

// Copies what was given on the command line to where it is looked for.
void AdoptCommonVariables();
Millis StartupDeadline();
// What the program that loaded the plugin may do with the keys.
KeyAccess AccessOfThisProgram();

// ---- For variables of one plugin -------------------------------------------

// What failed is tried again at once, since an option has changed.
void EndPauses();

// An update function: stores the checked value, then tells the plugin.
template <typename T, void (*Adopt)()>
void Update(MYSQL_THD, st_mysql_sys_var*, void* variable, const void* save) {
  *static_cast<T*>(variable) = *static_cast<const T*>(save);
  Adopt();
  EndPauses();
}

inline std::string Text(const char* value) {
  return value == nullptr ? "" : value;
}

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_SHARED_COMMON_VARIABLES_H_
