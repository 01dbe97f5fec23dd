// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_KEY_CREATOR_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_KEY_CREATOR_H_

#include <functional>
#include <string>

#include "os/clock.h"
#include "storage/kmip/kmip_objects.h"

namespace openkeyring {

// What an object of a name is to one attempt to make a key.
enum class KmipMatch {
  kOtherKey,  // Another key, or none.
  kSameKey,
  kThisAttempt,  // What this very attempt made.
};

// A key that is to be made, and how to tell its objects.
struct KmipNewKey {
  std::string name;  // The Name attribute.
  std::string object_group;
  KmipObjectType type;
  std::function<KmipMatch(const KmipAttributes&)> match;
  // Whether unfinished objects without a nonce are keys in use (Percona's).
  std::function<bool(const KmipAttributes&)> is_leftover;
  // Whether objects that are revoked still count as the key.
  bool revoked_counts = false;
};

// Makes objects so that there is one of a key, whatever gets lost on the way
// and whoever else makes it at the same time. Threads: as of the client, all
// methods may be called concurrently.
class KmipKeyCreator {
 public:
  // Borrowed.
  KmipKeyCreator(KmipClient& client, KmipObjects& objects, Clock& clock)
      : client_(client), objects_(objects), clock_(clock) {}

  // Sends `make` (Register or Create) until the server has done it once: when
  // the answer is lost, the object is looked for first; when the name is taken
  // by what a failed attempt left, that is destroyed. The object's identifier;
  // it is not active yet. kAlreadyExists when somebody has stored that key.
  Result<std::string> Make(const KmipCall& make, const KmipNewKey& key,
                           const Deadline& deadline);
  // After `id` was activated: of several who make one key at once, the later
  // ones see another's. kAlreadyExists when there is one.
  Status CheckAlone(const std::string& id, const KmipNewKey& key,
                    const Deadline& deadline);

 private:
  Result<bool> FreeName(const std::vector<KmipAttributes>& there,
                        const KmipNewKey& key, const Deadline& deadline);

  KmipClient& client_;
  KmipObjects& objects_;
  Clock& clock_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_KEY_CREATOR_H_
