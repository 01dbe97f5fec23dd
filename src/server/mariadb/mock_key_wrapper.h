// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_MOCK_KEY_WRAPPER_H_
#define OPENKEYRING_SERVER_MARIADB_MOCK_KEY_WRAPPER_H_

#include <memory>

#include "backend/key_wrapper.h"
#include "os/random.h"

namespace openkeyring {

// FOR TESTS ONLY, compiled in with OPENKEYRING_MOCK_KMS: "wraps" a key as
// itself. It is what aws_key_management_mock=ON promises in MariaDB's own test.
std::unique_ptr<KeyWrapper> MakeMockKeyWrapper(Random& random);

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_MOCK_KEY_WRAPPER_H_
