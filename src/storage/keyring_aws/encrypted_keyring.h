// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEYRING_AWS_ENCRYPTED_KEYRING_H_
#define OPENKEYRING_STORAGE_KEYRING_AWS_ENCRYPTED_KEYRING_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "keyring/key.h"
#include "keyring/key_wrapper.h"
#include "os/clock.h"
#include "storage/keyring_aws/encrypted_key_store.h"
#include "storage/keyring_aws/opened_keys.h"

namespace openkeyring {

// The keyring of keyring_aws: a store of encrypted keys, each of which KMS
// decrypts whenever it is fetched.
//
// The wrapper comes with each call, since SET GLOBAL replaces it; it must last
// as long as the call.
//
// Threads: all methods may be called concurrently. No lock is held while KMS is
// asked, so that a hung call keeps nobody but its caller waiting.
class EncryptedKeyring {
 public:
  struct Options {
    bool cache_keys = false;  // Keep decrypted keys in memory, too.
    size_t parallelism = 16;  // Of RotateKeys.
  };
  using KeyPointer = OpenedKeys::KeyPointer;

  // `file` was not opened yet; `clock` is borrowed. Errors: those of
  // AwsDataFile::Open. Asks no KMS.
  static Result<std::unique_ptr<EncryptedKeyring>> Open(
      std::unique_ptr<AwsDataFile> file, Clock& clock, Random& random,
      const Options& options);

  // Null when there is no such key, and only then. kUnavailable when KMS opens
  // a key as another one than before.
  Result<KeyPointer> Fetch(KeyWrapper& kms, const KeyName& name,
                           const Deadline& deadline);
  std::vector<KeyName> List() const;
  size_t size() const { return store_->size(); }

  // Whether `kms` opens what is stored, by one key. Ok for an empty keyring.
  Status CheckOpens(KeyWrapper& kms, const Deadline& deadline);
  // The names of the KMS keys that have encrypted what is stored.
  std::set<std::string> WrappingKeys() const;
  // Whether `next` opens what `now` opens, by one stored key of each KMS key
  // that has encrypted some. The error names a key that only `now` opens, or
  // may open, being away.
  Status CheckStillOpens(KeyWrapper& now, KeyWrapper& next,
                         const Deadline& deadline);

  // A key for KMS to encrypt, of up to 4096 bytes. kAlreadyExists for a name
  // that is taken; kInvalidArgument for a type or length that is refused.
  Status Store(KeyWrapper& kms, const Key& key, const Deadline& deadline);
  // A new key that KMS makes, of up to 1024 bytes.
  Status Generate(KeyWrapper& kms, const KeyName& name, const std::string& type,
                  size_t bytes, const Deadline& deadline);
  // kNotFound when there is no such key. Asks no KMS.
  Status Remove(const KeyName& name);
  // Re-encrypts every key under the current KMS key; see KeyRewrap.
  Status RotateKeys(KeyWrapper& kms, const Deadline& deadline);

 private:
  EncryptedKeyring(std::unique_ptr<EncryptedKeyStore> store,
                   std::unique_ptr<OpenedKeys> opened, Clock& clock,
                   Random& random, const Options& options);
  EncryptionContext ContextOf(const KeyName& name,
                              const std::string& type) const;
  Status TryToOpen(KeyWrapper& kms, const KeyName& name,
                   const EncryptedKeyPointer& encrypted,
                   const Deadline& deadline) const;
  Status CheckNew(const KeyName& name, const std::string& type, size_t bytes,
                  size_t max_bytes) const;
  // What was wrapped and has been opened once.
  using Remember = void (OpenedKeys::*)(const EncryptedKeyPointer&,
                                        const KeyPointer&);
  Status Add(Key key, WrappedKey wrapped, Remember remember);
  void ForgetUnlessStored(const EncryptedKeyPointer& encrypted,
                          const KeyName& name);

  const std::unique_ptr<EncryptedKeyStore> store_;
  const std::unique_ptr<OpenedKeys> opened_;
  Clock& clock_;
  Random& random_;
  const Options options_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEYRING_AWS_ENCRYPTED_KEYRING_H_
