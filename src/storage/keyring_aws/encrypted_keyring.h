// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEYRING_AWS_ENCRYPTED_KEYRING_H_
#define OPENKEYRING_STORAGE_KEYRING_AWS_ENCRYPTED_KEYRING_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "keyring/key.h"
#include "keyring/key_wrapper.h"
#include "os/clock.h"
#include "storage/keyring_aws/aws_keyring_file.h"

namespace openkeyring {

// The keyring of keyring_aws: ciphertexts in memory, equal to those in the
// file; a key is decrypted by KMS whenever it is fetched. A change is in memory
// and in the file, or in neither.
//
// The wrapper comes with each call, since variables replace it; it must last as
// long as the call.
//
// Threads: all methods may be called concurrently. No lock is held while KMS is
// asked, so that a hung call keeps nobody but its caller waiting; changes take
// turns at the file.
class EncryptedKeyring {
 public:
  struct Options {
    bool cache_keys = false;  // Keep what was decrypted, too.
    size_t parallelism = 16;  // Of RotateKeys.
  };
  using KeyPointer = std::shared_ptr<const Key>;

  // `file` was not opened yet; `clock` is borrowed. Errors: those of
  // AwsKeyringFile::Open. Asks no KMS.
  static Result<std::unique_ptr<EncryptedKeyring>> Open(
      std::unique_ptr<AwsKeyringFile> file, Clock& clock,
      const Options& options);

  // Null when there is no such key, and only then.
  Result<KeyPointer> Fetch(KeyWrapper& kms, const KeyName& name,
                           const Deadline& deadline);
  std::vector<KeyName> List() const;
  size_t size() const;

  // A key for KMS to encrypt, of up to 4096 bytes. kAlreadyExists for a name
  // that is taken; kInvalidArgument for a type or length that is refused.
  Status Store(KeyWrapper& kms, const Key& key, const Deadline& deadline);
  // A new key that KMS makes, of up to 1024 bytes.
  Status Generate(KeyWrapper& kms, const KeyName& name, const std::string& type,
                  size_t bytes, const Deadline& deadline);
  // kNotFound when there is no such key. Asks no KMS.
  Status Remove(const KeyName& name);
  // Encrypts every key anew, under the current KMS key: all of them, or, after
  // any error, none.
  Status RotateKeys(KeyWrapper& kms, const Deadline& deadline);

 private:
  using Keys = std::map<KeyName, StoredKeyPointer>;
  // A ciphertext and what has replaced it.
  using Rewrapped = std::map<StoredKeyPointer, StoredKeyPointer>;

  EncryptedKeyring(std::unique_ptr<AwsKeyringFile> file, Clock& clock,
                   const Options& options, AwsKeyring keyring);
  StoredKeyPointer Find(const KeyName& name) const;
  EncryptionContext BindingOf(const KeyName& name,
                              const std::string& type) const;
  Status CheckNew(const KeyName& name, const std::string& type, size_t bytes,
                  size_t most) const;
  // What was just wrapped must open again before anybody relies on it.
  Status Add(KeyWrapper& kms, const KeyName& name, const std::string& type,
             Result<WrappedKey> wrapped,
             const std::function<bool(const Secret&)>& is_it,
             const Deadline& deadline);
  // Writes what `change` makes of the keys, and shows it once it is durable.
  Status Change(const std::function<Status(Keys&)>& change);
  Status RewrapMissing(KeyWrapper& kms, const Deadline& deadline,
                       Rewrapped& done);
  void Remember(const StoredKeyPointer& stored, KeyPointer plain);
  KeyPointer Remembered(const StoredKeyPointer& stored) const;

  Clock& clock_;
  const Options options_;
  const FileId file_id_;

  std::mutex file_mutex_;  // The turn to change; taken before keys_mutex_.
  std::unique_ptr<AwsKeyringFile> file_;

  mutable std::shared_mutex keys_mutex_;  // Never held for I/O.
  AwsKeyring keyring_;
  std::map<StoredKeyPointer, KeyPointer> plain_;  // With cache_keys.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEYRING_AWS_ENCRYPTED_KEYRING_H_
