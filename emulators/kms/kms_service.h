// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_KMS_SERVICE_H_
#define OPENKEYRING_EMULATORS_KMS_KMS_SERVICE_H_

#include <string>

#include "emulators/kms/caller.h"
#include "emulators/kms/fields.h"
#include "emulators/kms/key_lookup.h"
#include "emulators/kms/key_store.h"
#include "os/clock.h"
#include "os/random.h"

namespace kms_emulator {

// Seconds since the epoch, to the millisecond, as the JSON protocol has them.
double EpochSeconds(openkeyring::WallTime time);

// What KMS does, without HTTP and without signatures: one method an operation.
// Limits, states and errors follow the API reference of AWS KMS (2014-11-01).
// Differences are listed in README.md.
//
// Threads: Call may be called concurrently.
class KmsService {
 public:
  KmsService(KeyStore& store, openkeyring::Random& random,
             const openkeyring::Clock& clock)
      : store_(store), random_(random), clock_(clock) {}

  static bool Knows(const std::string& operation);

  // `body` is any JSON value; one that is not an object is
  // SerializationException.
  Outcome<Json> Call(const std::string& operation, const Json& body,
                     const Caller& caller);

  // A new enabled symmetric key, for the start of the program. An empty `id`
  // is chosen; "mrk-..." makes a multi-region key. `alias` may be empty, and
  // an alias that exists is left as it is, or pointed at an `id` that is given.
  Outcome<std::string> MakeKey(const std::string& region, std::string id,
                               const std::string& alias);
  // A replica of a multi-region key in another region.
  Outcome<void> Replicate(const std::string& id, const std::string& region);

 private:
  friend struct OperationTable;
  // What an operation sees of its request.
  struct Request {
    Fields fields;
    const Caller& caller;
    std::string action;  // "kms:Decrypt"
  };
  // A key as far as a cryptographic operation needs it, copied out of the lock.
  struct UsableKey {
    Key key;
    std::string arn;
    std::vector<BackingKey> generations;  // The last one is current.
  };

  // kms_crypto.cc
  Outcome<Json> GenerateDataKey(Request& request);
  Outcome<Json> GenerateDataKeyWithoutPlaintext(Request& request);
  Outcome<Json> Encrypt(Request& request);
  Outcome<Json> Decrypt(Request& request);
  Outcome<Json> ReEncrypt(Request& request);
  Outcome<Json> GenerateRandom(Request& request);
  Outcome<Json> MakeDataKey(Request& request, bool with_plaintext);
  Outcome<UsableKey> FindUsable(const Request& request,
                                const std::string& action,
                                const std::string& key_id);
  // The key a blob names, checked against the caller's `key_id` unless empty.
  Outcome<UsableKey> FindForBlob(const Request& request,
                                 const std::string& action, ByteView blob,
                                 const std::string& key_id);
  Outcome<std::string> Seal(const UsableKey& key, const Context& context,
                            ByteView plaintext);
  // The plaintext and the id of the material that opened the blob.
  struct Opened {
    Bytes plaintext;
    std::string material_id;
  };
  static Outcome<Opened> Open(const UsableKey& key, const Context& context,
                              ByteView blob);

  // kms_keys.cc
  Outcome<Json> CreateKey(Request& request);
  Outcome<Json> DescribeKey(Request& request);
  Outcome<Json> ListKeys(Request& request);
  Outcome<Json> EnableKey(Request& request);
  Outcome<Json> DisableKey(Request& request);
  Outcome<Json> ScheduleKeyDeletion(Request& request);
  Outcome<Json> CancelKeyDeletion(Request& request);
  Outcome<Json> SetEnabled(Request& request, const std::string& key_state);

  // kms_aliases.cc
  Outcome<Json> CreateAlias(Request& request);
  Outcome<Json> UpdateAlias(Request& request);
  Outcome<Json> DeleteAlias(Request& request);
  Outcome<Json> ListAliases(Request& request);

  // kms_rotation.cc
  Outcome<Json> EnableKeyRotation(Request& request);
  Outcome<Json> DisableKeyRotation(Request& request);
  Outcome<Json> GetKeyRotationStatus(Request& request);
  Outcome<Json> RotateKeyOnDemand(Request& request);
  Outcome<Json> ListKeyRotations(Request& request);
  // Does the automatic rotations that have become due.
  Outcome<void> RotateIfDue(const Key& key);

  // Shared.
  double Now() const { return EpochSeconds(clock_.Now()); }
  Outcome<BackingKey> NewBackingKey(const std::string& rotation_type);
  Outcome<Key> NewKey(const std::string& region, const std::string& id);
  // The key of request member KeyId, authorised; not by alias.
  static Outcome<Key> FindManaged(const State& state, const Request& request,
                                  const std::string& key_id);

  KeyStore& store_;
  openkeyring::Random& random_;
  const openkeyring::Clock& clock_;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_KMS_SERVICE_H_
