// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_KEY_CREATOR_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_KEY_CREATOR_H_

#include <functional>
#include <string>
#include <vector>

#include "os/clock.h"
#include "storage/kmip/kmip_objects.h"

namespace openkeyring {

// What an object on the server is to one attempt to make a key.
enum class KmipKeyMatch {
  kOtherKey,      // Another key, or none.
  kSameKey,       // That key by its name alone: not made by OpenKeyring.
  kOtherAttempt,  // That key, by an identity with another nonce.
  kThisAttempt,   // Made by this very attempt.
};

// A key that is to be made on the server.
struct KmipNewKey {
  // What it is made with: one name, the group, the identity.
  KmipAttributes attributes;
  KmipObjectType type = KmipObjectType::kSymmetricKey;
  // Register or Create with these attributes, which are borrowed by the call.
  std::function<KmipCall(const KmipAttributes&)> call;
  std::function<KmipKeyMatch(const KmipAttributes&)> match;
  // A name that nobody else can have, for servers on which names are unique and
  // the one above is taken.
  std::string unique_name;
  // Whether a destroyed object still is the key: its name is not used again.
  bool destroyed_counts = false;
  // Whether the name alone says which key it is, so that a server that refuses
  // application specific information can have it without.
  bool name_is_enough = false;
  // Then the value tells an attempt's own object. Null: none is told so.
  std::function<bool(const Secret&)> has_value;

  const std::string& name() const { return attributes.names.front(); }
  std::string object_group() const {
    return attributes.object_groups.empty() ? ""
                                            : attributes.object_groups.front();
  }
};

// Makes objects so that there is one of a key, whatever answers are lost and
// whoever else makes that key concurrently. Never destroys anything but what
// carries an identity of that same key and was never Active: an attempt that
// failed.
//
// All on the server of one session. Threads: as of the session, one at a time.
class KmipKeyCreator {
 public:
  // Borrowed.
  KmipKeyCreator(KmipSession& session, KmipObjects& objects, Clock& clock,
                 Log& log)
      : session_(session), objects_(objects), clock_(clock), log_(log) {}

  // Sends the call until the server has done it once, and returns the object's
  // identifier; it is not Active yet. When an answer is lost, the object is
  // looked for before the call is sent again. A refusal is met, in this order:
  //   * kAlreadyExists when the key is there;
  //   * the remains of failed attempts that hold the name are destroyed;
  //   * `key` gets its unique name;
  //   * `key` loses its application specific information, where it may.
  // What the server said first, when none of this helps.
  Result<std::string> Make(KmipNewKey& key, const Deadline& deadline);
  // Before the object `id` becomes Active, and with that a key that others may
  // use: destroys what other attempts have made of it and not activated yet, so
  // that of several that make one key concurrently at most one activates its
  // own (tests/models/kmip_group.pml). kAlreadyExists when the key is there.
  Status DestroyRivals(const std::string& id, const KmipNewKey& key,
                       const Deadline& deadline) {
    return DestroyFailedAttempts(id, key, deadline).status();
  }
  // Makes the object `id` the key. kAlreadyExists when a rival has destroyed
  // it.
  Status Activate(const std::string& id, const KmipNewKey& key,
                  const Deadline& deadline);
  // kAlreadyExists: somebody else makes the key, and was faster.
  static Status DestroyedByRival(const std::string& id);
  // kAlreadyExists when the key has an object.
  Status CheckNone(const KmipNewKey& key, const Deadline& deadline);

 private:
  bool IsOwnByValue(const KmipAttributes& object, const KmipNewKey& key,
                    const Deadline& deadline);
  Result<std::string> Send(const KmipNewKey& key, const Deadline& deadline);
  Result<std::string> SendAfterRefusal(KmipNewKey& key, const Status& refusal,
                                       const Deadline& deadline);
  Result<std::vector<KmipAttributes>> FindAll(const KmipNewKey& key,
                                              const Deadline& deadline);
  Status CheckShown(const std::vector<KmipAttributes>& objects,
                    const std::string& id, const KmipNewKey& key,
                    const Deadline& deadline);
  Result<bool> DestroyFailedAttempts(const std::string& but,
                                     const KmipNewKey& key,
                                     const Deadline& deadline);
  Result<bool> DestroyOnce(const std::string& but, const KmipNewKey& key,
                           const Deadline& deadline);
  Result<std::string> SendWithUniqueName(KmipNewKey& key,
                                         const Deadline& deadline);
  Result<std::string> SendWithoutIdentity(KmipNewKey& key,
                                          const Deadline& deadline);

  KmipSession& session_;
  KmipObjects& objects_;
  Clock& clock_;
  Log& log_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_KEY_CREATOR_H_
