// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEYRING_AWS_OPENED_KEYS_H_
#define OPENKEYRING_STORAGE_KEYRING_AWS_OPENED_KEYS_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "base/secret.h"
#include "keyring/key.h"
#include "os/random.h"
#include "storage/keyring_aws/aws_data_file_format.h"

namespace openkeyring {

// What this process has seen ciphertexts open as: a fingerprint of each
// plaintext, and with `keep_plaintext` the plaintext itself. The fingerprint is
// SHA-256 over 32 secret random bytes of this object and the plaintext, so it
// tells equal keys from unequal ones and nothing else; it never leaves the
// process.
//
// Threads: all methods may be called concurrently.
class OpenedKeys {
 public:
  using KeyPointer = std::shared_ptr<const Key>;

  // Errors: those of Random::Fill.
  static Result<std::unique_ptr<OpenedKeys>> Make(Random& random,
                                                  bool keep_plaintext);

  void Add(const EncryptedKeyPointer& encrypted, const KeyPointer& plain);
  // The same, but a plaintext of which KMS has told only once is not kept.
  void AddUnconfirmed(const EncryptedKeyPointer& encrypted,
                      const KeyPointer& plain);
  // Adds it unless it was added as another plaintext: one of two answers of KMS
  // is false then, and kUnavailable. The next one decides.
  Status Confirm(const EncryptedKeyPointer& encrypted, const KeyPointer& plain);
  // Null unless it was added and plaintexts are kept.
  KeyPointer Find(const EncryptedKeyPointer& encrypted) const;
  // Of a plaintext, and of the plaintext that a ciphertext was added with;
  // nullopt unless it was added.
  Result<Digest256> Fingerprint(const Secret& plain) const;
  std::optional<Digest256> FingerprintOf(
      const EncryptedKeyPointer& encrypted) const;
  void Forget(const EncryptedKeyPointer& encrypted);
  // Forgets those for which `is_stored` is false.
  void Retain(const std::function<bool(const EncryptedKeyPointer&)>& is_stored);

 private:
  struct Opened {
    Digest256 fingerprint;
    KeyPointer plain;
  };
  OpenedKeys(Secret salt, bool keep_plaintext);
  void Set(const EncryptedKeyPointer& encrypted, const Digest256& fingerprint,
           KeyPointer kept);

  const Secret salt_;
  const bool keep_plaintext_;
  mutable std::mutex mutex_;
  std::map<EncryptedKeyPointer, Opened> opened_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEYRING_AWS_OPENED_KEYS_H_
