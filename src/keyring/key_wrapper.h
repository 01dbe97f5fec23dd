// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_KEY_WRAPPER_H_
#define OPENKEYRING_KEYRING_KEY_WRAPPER_H_

#include <map>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "os/clock.h"

namespace openkeyring {

// What a wrapped key is bound to: pairs that must be given again, equal to the
// byte, to unwrap it. Not secret. Empty: bound to nothing.
using EncryptionContext = std::map<std::string, std::string>;

struct WrappedKey {
  Bytes blob;                // Opaque.
  std::string wrapping_key;  // Which key wrapped it, e.g. an ARN; "" unknown.
};

// A key that was opened, and which key had wrapped it ("" unknown).
struct UnwrappedKey {
  Secret key;
  std::string wrapping_key;
};

// A service that encrypts keys and does not store them: AWS KMS. A port: the
// protocol layers below implement it.
//
// Errors: kCorrupt when the service looked at the blob and refused it (damaged,
// or bound to something else); kDenied, kMisconfigured for what a person must
// fix; kUnavailable, kTimeout for what may pass; never kNotFound.
// Threads: all methods may be called concurrently.
class KeyWrapper {
 public:
  virtual ~KeyWrapper() = default;

  // A new random key of `bytes` bytes that nobody has seen in plaintext yet.
  virtual Result<WrappedKey> Generate(size_t bytes,
                                      const EncryptionContext& binding,
                                      const Deadline& deadline) = 0;
  virtual Result<WrappedKey> Wrap(const Secret& key,
                                  const EncryptionContext& binding,
                                  const Deadline& deadline) = 0;
  // With an unknown wrapping key the service takes the one that the blob names.
  virtual Result<UnwrappedKey> Unwrap(const WrappedKey& wrapped,
                                      const EncryptionContext& binding,
                                      const Deadline& deadline) = 0;
  // A new random key of `bytes` bytes that the service makes and that somebody
  // else keeps: what it is wrapped as is dropped.
  virtual Result<Secret> GenerateSecret(size_t bytes,
                                        const EncryptionContext& binding,
                                        const Deadline& deadline) {
    const Result<WrappedKey> wrapped = Generate(bytes, binding, deadline);
    if (!wrapped) return wrapped.error();
    Result<UnwrappedKey> opened = Unwrap(*wrapped, binding, deadline);
    if (!opened) return opened.error();
    return std::move(opened->key);
  }
  // The same key under the current wrapping key.
  virtual Result<WrappedKey> Rewrap(const WrappedKey& wrapped,
                                    const EncryptionContext& binding,
                                    const Deadline& deadline) = 0;

  // What the configuration calls the key that wraps now: an id, alias or ARN.
  virtual std::string CurrentKeyName() const = 0;
  // Whether `wrapping_key`, as a WrappedKey has it, is that key. Decided here
  // when both are spelled so that they can be compared; else the service is
  // asked, which may fail.
  virtual Result<bool> IsCurrent(const std::string& wrapping_key,
                                 const Deadline& deadline) = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_KEY_WRAPPER_H_
