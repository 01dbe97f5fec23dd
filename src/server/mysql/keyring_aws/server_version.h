// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_SERVER_VERSION_H_
#define OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_SERVER_VERSION_H_

#include <string_view>

#include "base/status.h"

namespace openkeyring {

// kMisconfigured for a server before 8.0.22, whose log service has its
// functions in other places: a call would reach the wrong one. "8.0.21-debug"
// is such a version; what is none is accepted.
Status CheckServerVersion(std::string_view version);

// The version of the server that has loaded us; "" in other programs.
std::string_view ServerVersion();

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_SERVER_VERSION_H_
