// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_CHECKED_WRAP_H_
#define OPENKEYRING_KEYRING_CHECKED_WRAP_H_

#include "base/result.h"
#include "base/secret.h"
#include "keyring/key_wrapper.h"
#include "os/clock.h"

// Wrapping with proof: what is stored has been unwrapped once and compared, for
// a blob that does not open is a lost key.
namespace openkeyring {

// What the format stores beside the blob, and so what it is unwrapped with.
enum class StoredWith { kWrappingKey, kBlobOnly };

// Wraps `key`, unwraps the result as a reader will, and compares. The result
// names its wrapping key. kCorrupt when it opens as something else; else the
// errors of the wrapper.
Result<WrappedKey> WrapChecked(KeyWrapper& wrapper, const Secret& key,
                               const EncryptionContext& context,
                               StoredWith stored, const Deadline& deadline);

struct GeneratedKey {
  WrappedKey wrapped;
  Secret key;
};
// A new random key of `bytes` bytes, which has been unwrapped once. kCorrupt
// when it opens with another size.
Result<GeneratedKey> GenerateChecked(KeyWrapper& wrapper, size_t bytes,
                                     const EncryptionContext& context,
                                     const Deadline& deadline);

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_CHECKED_WRAP_H_
