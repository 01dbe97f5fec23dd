// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_REFUSAL_H_
#define OPENKEYRING_KEYRING_REFUSAL_H_

#include "base/status.h"

namespace openkeyring {

// An error of a key server or of a file, as a keyring passes it on from a store
// or a removal. kNotFound, kAlreadyExists and kInvalidArgument are what the
// keyring's own rules answer, and a server logs those as ordinary
// (server/failure_log.h): from a backend they become kDenied, since the
// backend refused what the rules had allowed, and a person must see it.
inline Status Refusal(const Status& error) {
  switch (error.code()) {
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists:
    case StatusCode::kInvalidArgument:
      return {StatusCode::kDenied, error.message()};
    default:
      return error;
  }
}

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_REFUSAL_H_
