// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_FILE_ID_H_
#define OPENKEYRING_STORAGE_FILE_ID_H_

#include <array>
#include <cstdint>

namespace openkeyring {

// 16 random bytes that a keyring file is given when it is made. Its keys are
// bound to them, so that they cannot be moved to another file.
using FileId = std::array<uint8_t, 16>;

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_FILE_ID_H_
