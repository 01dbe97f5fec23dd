// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_ABI_LOG_SERVICES_H_
#define OPENKEYRING_SERVER_MYSQL_ABI_LOG_SERVICES_H_

#include <stddef.h>
#include <stdint.h>

#include "server/mysql/abi/component.h"

// The error log's services, declared by us.
namespace openkeyring {

enum LogPriority {
  kSystemPriority,
  kErrorPriority,
  kWarningPriority,
  kNotePriority
};

// "mysql_simple_error_log", in servers since 9.x. `error_id` is a message of
// the server, whose text is the format of what follows.
struct SimpleErrorLog {
  Code (*emit)(const char* component, const char* file, unsigned long line,
               int severity, int error_id, ...);
};
constexpr int kPlainText = 11071;  // A message that is "%s".
constexpr int kInitialized = 13713;
// Has a %s for the reason in 9.x, and none in 8.0.
constexpr int kNotInitialized = 13714;

// "log_builtins" as an array of functions: `line_set_flag` was put in the
// middle during 9.x and moved all that follow, so that a slot has a number by
// layout. The one without it is `kOld`.
using LogBuiltins = void (*const*)();
enum class LogLayout { kUnknown, kOld, kNew };

// Slots that are the same in both: fill the data of an item; true is failure.
using LogItemSetInt = bool (*)(Handle item_data, long long value);
using LogItemSetText = bool (*)(Handle item_data, const char* text);
constexpr int kItemSetInt = 8, kItemSetText = 11;
// Slots of the old layout; one more in the new.
using LogLineItemSet = Handle (*)(Handle line, int item_type);
using LogLineInit = Handle (*)();
using LogLineExit = void (*)(Handle line);
using LogLineSubmit = int (*)(Handle line);
using LogCodeBySymbol = long long (*)(const char* symbol);
constexpr int kLineItemSet = 15, kLineInit = 16, kLineExit = 17,
              kLineSubmit = 26, kCodeBySymbol = 30;

// Item types.
constexpr int kErrorCodeItem = 1 << 1, kSubsystemItem = 1 << 9,
              kPriorityItem = 1 << 16, kMessageItem = 1 << 19;

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_ABI_LOG_SERVICES_H_
