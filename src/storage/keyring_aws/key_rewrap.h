// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEYRING_AWS_KEY_REWRAP_H_
#define OPENKEYRING_STORAGE_KEYRING_AWS_KEY_REWRAP_H_

#include <map>

#include "keyring/key_wrapper.h"
#include "os/clock.h"
#include "os/random.h"
#include "storage/keyring_aws/encrypted_key_store.h"
#include "storage/keyring_aws/opened_keys.h"

namespace openkeyring {

// Puts every key of a store under the current KMS key: all of them or, after
// any error, none. No ciphertext is replaced before KMS has opened the new one
// and it has turned out to be the same key. That takes two calls a key, and a
// third for each that this process has not opened before.
//
// Keys that are stored meanwhile are included. Threads: one object is not
// synchronised; others may use the store.
class KeyRewrap {
 public:
  // All borrowed. `parallelism`: calls of `kms` at a time.
  KeyRewrap(EncryptedKeyStore& store, OpenedKeys& opened, KeyWrapper& kms,
            Clock& clock, Random& random, size_t parallelism)
      : store_(store),
        opened_(opened),
        kms_(kms),
        clock_(clock),
        random_(random),
        parallelism_(parallelism) {}

  // kCorrupt when a new ciphertext opens as another key or not at all;
  // kUnavailable when keys are stored faster than they are rewrapped; or what
  // KMS or the file says.
  Status Run(const Deadline& deadline);

 private:
  // Rewraps what is stored now and has not been rewrapped yet.
  Status RewrapRest(const Deadline& deadline);
  Result<EncryptedKeyPointer> RewrapOne(const KeyName& name,
                                        const EncryptedKeyPointer& old,
                                        const Deadline& deadline);
  // Of what the old ciphertext opens as.
  Result<Digest256> Fingerprint(const KeyName& name,
                                const EncryptedKeyPointer& old,
                                const Deadline& deadline);
  // Replaces all in the store; when some are not rewrapped, none, and
  // `complete` is false.
  Status ReplaceAll(bool& complete);

  EncryptedKeyStore& store_;
  OpenedKeys& opened_;
  KeyWrapper& kms_;
  Clock& clock_;
  Random& random_;
  const size_t parallelism_;
  // A ciphertext and what replaces it.
  std::map<EncryptedKeyPointer, EncryptedKeyPointer> rewrapped_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEYRING_AWS_KEY_REWRAP_H_
