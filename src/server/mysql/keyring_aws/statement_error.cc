// SPDX-License-Identifier: MIT
#include "server/mysql/keyring_aws/statement_error.h"

#include <string_view>

#include "server/mysql/abi/session_services.h"
#include "server/mysql/component/acquired.h"

namespace openkeyring {
namespace {

constexpr int kAwsError = 3198;
constexpr std::string_view kSuccessorOfSuper = "ENCRYPTION_KEY_ADMIN";

void Emit(const RuntimeError* service, int error_id, ...) {
  va_list arguments;
  va_start(arguments, error_id);
  service->emit(error_id, 0, arguments);
  va_end(arguments);
}

}  // namespace

void RaiseAwsError(Registry* registry, const char* what,
                   const std::string& reason) {
  const Acquired<RuntimeError> error(registry, "mysql_runtime_error");
  if (error) Emit(error.get(), kAwsError, what, reason.c_str());
}

bool MayRotateKeys(Registry* registry) {
  const Acquired<CurrentSession> sessions(registry,
                                          "mysql_current_thread_reader");
  const Acquired<SessionSecurity> security(registry,
                                           "mysql_thd_security_context");
  const Acquired<SecurityOptions> options(registry,
                                          "mysql_security_context_options");
  Session session = nullptr;
  Handle context = nullptr;
  if (!sessions || !security || !options || sessions->get(&session) != 0 ||
      security->get(session, &context) != 0) {
    return false;
  }
  char is_super = 0;
  if (options->get(context, "privilege_super", &is_super) == 0 && is_super) {
    return true;
  }
  const Acquired<GrantsCheck> grants(registry, "global_grants_check");
  return grants && grants->has(context, kSuccessorOfSuper.data(),
                               kSuccessorOfSuper.size()) != 0;
}

}  // namespace openkeyring
