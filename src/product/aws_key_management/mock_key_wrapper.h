// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_MOCK_KEY_WRAPPER_H_
#define OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_MOCK_KEY_WRAPPER_H_

#include <memory>

#include "keyring/key_wrapper.h"
#include "os/random.h"

namespace openkeyring {

// FOR TESTS ONLY, compiled in with OPENKEYRING_MOCK_KMS: "wraps" a key as
// itself. It is what aws_key_management_mock=ON promises in MariaDB's own test.
std::unique_ptr<KeyWrapper> MakeMockKeyWrapper(Random& random);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_MOCK_KEY_WRAPPER_H_
