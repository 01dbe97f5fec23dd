// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_OBJECTS_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_OBJECTS_H_

#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "kmip/attributes.h"
#include "kmip/client.h"
#include "kmip/object.h"

namespace openkeyring {

// Whether an object may be used as a key. A server that tells no state has
// none but usable ones.
enum class KmipUse {
  kUsable,      // Active.
  kUnfinished,  // Pre-Active: not activated yet, or never.
  kUnusable,    // Deactivated, compromised or destroyed.
};
KmipUse KmipUseOf(const KmipAttributes& attributes);

// What is done to single objects of a KMIP server, with the server's state as
// the only truth: a call whose answer was lost, or that was refused because it
// had been done before, is judged by what became of the object.
//
// Threads: as of the client, all methods may be called concurrently.
class KmipObjects {
 public:
  // Borrowed.
  KmipObjects(KmipClient& client, Log& log) : client_(client), log_(log) {}

  // State, names, application info and (of keys) algorithm of each object, in
  // the order of `ids`, with unique_identifier and object_type set. Nothing for
  // what the server says is gone. All of them or an error, which names the
  // object.
  Result<std::vector<std::optional<KmipAttributes>>> Describe(
      const std::vector<std::string>& ids, KmipObjectType type,
      const Deadline& deadline);
  // The same of one object.
  Result<std::optional<KmipAttributes>> Describe(const std::string& id,
                                                 KmipObjectType type,
                                                 const Deadline& deadline);
  // All objects of that name and type, described. Costs a message that makes
  // simple servers look at all their objects.
  Result<std::vector<KmipAttributes>> Find(const std::string& name,
                                           const std::string& object_group,
                                           KmipObjectType type,
                                           const Deadline& deadline);
  // Value and attributes of one object, in one message. kUnavailable when it is
  // not there any more.
  struct Whole {
    Secret value;
    KmipAttributes attributes;
  };
  Result<Whole> Read(const std::string& id, KmipObjectType type,
                     const Deadline& deadline);
  // The values, in the order of `ids`; all of them or an error, which names the
  // object. kUnavailable for an object that is not there any more.
  Result<std::vector<Secret>> Get(const std::vector<std::string>& ids,
                                  const Deadline& deadline);

  // Ok when the object is Active, whoever made it so.
  Status Activate(const std::string& id, KmipObjectType type,
                  const Deadline& deadline);
  // Revokes and destroys. Ok when the object is gone or can never be used
  // again; a warning when the server would not destroy it.
  Status Retire(const std::string& id, KmipObjectType type,
                const Deadline& deadline);

 private:
  KmipClient& client_;
  Log& log_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_OBJECTS_H_
