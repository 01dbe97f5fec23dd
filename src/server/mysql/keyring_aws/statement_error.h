// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_STATEMENT_ERROR_H_
#define OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_STATEMENT_ERROR_H_

#include <string>

#include "server/mysql/abi/component.h"

namespace openkeyring {

// Lets the running statement end in the server's error 3198, which names a
// function (or a variable) and a reason.
void RaiseAwsError(Registry* registry, const char* what,
                   const std::string& reason);

// Whether the user of the running statement has SUPER or ENCRYPTION_KEY_ADMIN.
// False when the server does not tell.
bool MayRotateKeys(Registry* registry);

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_STATEMENT_ERROR_H_
