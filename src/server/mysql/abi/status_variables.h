// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_ABI_STATUS_VARIABLES_H_
#define OPENKEYRING_SERVER_MYSQL_ABI_STATUS_VARIABLES_H_

#include <stddef.h>

#include "server/mysql/abi/component.h"

// Status variables of plugins and components (MySQL 8.0 to 9.x), declared by
// us. Facts: the headers of MySQL 8.0 and runs in the server of 9.7.
namespace openkeyring {

// How `value` is to be understood.
constexpr int kShowText = 5;      // char*, with its terminator.
constexpr int kShowArray = 7;     // StatusVariable*, ends with a null name.
constexpr int kShowFunction = 8;  // ShowFunction.
constexpr int kGlobalScope = 1;   // The only one for others than the server.

struct StatusVariable {
  const char* name;  // In an array: the server puts the array's and "_" before.
  char* value;
  int type;
  int scope;
};

// Gives `variable` type and value, for which `buffer` has room for
// kShowBuffer bytes. `variable` has no name. The server holds its lock of
// status variables during the call.
using ShowFunction = int (*)(void* session, StatusVariable* variable,
                             char* buffer);
constexpr size_t kShowBuffer = 1024;

// Service "status_variable_registration". Arrays that end with a null name.
struct StatusRegistration {
  Code (*register_variables)(StatusVariable* variables);
  Code (*unregister_variables)(StatusVariable* variables);
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_ABI_STATUS_VARIABLES_H_
