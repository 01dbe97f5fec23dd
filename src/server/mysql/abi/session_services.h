// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_ABI_SESSION_SERVICES_H_
#define OPENKEYRING_SERVER_MYSQL_ABI_SESSION_SERVICES_H_

#include <stdarg.h>
#include <stdint.h>

#include "server/mysql/abi/plugin.h"

// Services of the registry about the session that calls, declared by us.
namespace openkeyring {

// "mysql_current_thread_reader".
struct CurrentSession {
  Code (*get)(Session* session);
};

// "mysql_thd_security_context".
struct SessionSecurity {
  Code (*get)(Session session, Handle* context);
  Code (*set)(Session session, Handle context);
};

// "mysql_security_context_options".
struct SecurityOptions {
  // "privilege_super" gives a char, not 0 for yes.
  Code (*get)(Handle context, const char* name, void* value);
  Code (*set)(Handle context, const char* name, void* value);
};

// "global_grants_check": dynamic privileges.
struct GrantsCheck {
  Code (*has)(Handle context, const char* privilege, size_t length);  // 0: no.
};

// "mysql_thd_attributes", which old servers lack. Any thread may ask while the
// session runs a statement.
struct SessionAttributes {
  // "thd_status" gives a uint16_t of bits.
  Code (*get)(Session session, const char* name, void* value);
  Code (*set)(Session session, const char* name, void* value);
};
// Bits of "thd_status": connection killed (also with bad data), statement
// killed, statement timed out.
constexpr uint16_t kKilledStatus = 0x02 | 0x04 | 0x08 | 0x10;

// "mysql_runtime_error": the error that the running statement ends in.
struct RuntimeError {
  void (*emit)(int error_id, int flags, va_list arguments);
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_ABI_SESSION_SERVICES_H_
