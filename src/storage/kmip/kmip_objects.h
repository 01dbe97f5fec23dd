// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_OBJECTS_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_OBJECTS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "kmip/attributes.h"
#include "kmip/client.h"
#include "kmip/locate_all.h"
#include "kmip/object.h"
#include "storage/kmip/kmip_lifecycle.h"

namespace openkeyring {

// Operations on single objects of a KMIP server, with the server's state as the
// only truth: a call that was not answered, or that was refused because it had
// been done before, is judged by what became of the object.
//
// All on the server of one session. Threads: as of the session, one at a time.
class KmipObjects {
 public:
  // Borrowed. `probe`: whether a list may be proven to be complete by an object
  // that is made for it.
  KmipObjects(KmipSession& session, Log& log,
              KmipProbe probe = KmipProbe::kAllowed)
      : session_(session), log_(log), probe_(probe) {}

  // State, dates, names, application specific information and (of keys) the
  // algorithm of each object, in the order of `ids`, with unique_identifier and
  // object_type set. Nothing for what the server says is gone. All of them or
  // an error, which names the object.
  Result<std::vector<std::optional<KmipAttributes>>> GetAttributes(
      const std::vector<std::string>& ids, KmipObjectType type,
      const Deadline& deadline);
  Result<std::optional<KmipAttributes>> GetAttributes(const std::string& id,
                                                      KmipObjectType type,
                                                      const Deadline& deadline);
  // Of identifiers that a search has found: the attributes of those that still
  // are there. An object is gone when a second search does not find it either;
  // one that is found and has no attributes is kUnavailable.
  using Search = std::function<Result<std::vector<std::string>>()>;
  Result<std::vector<KmipAttributes>> GetAttributesOfFound(
      const std::vector<std::string>& ids, KmipObjectType type,
      const Search& again, const Deadline& deadline);
  // The identifiers of all objects of one type in a group ("": of the
  // certificate), in any state. Complete, or an error.
  Result<std::vector<std::string>> LocateGroup(const std::string& object_group,
                                               KmipObjectType type,
                                               const Deadline& deadline);
  // The same objects with their attributes.
  Result<std::vector<KmipAttributes>> ListGroup(const std::string& object_group,
                                                KmipObjectType type,
                                                const Deadline& deadline);
  // Objects of one name. Simple servers look at all their objects for it.
  Result<std::vector<KmipAttributes>> Find(const std::string& name,
                                           const std::string& object_group,
                                           KmipObjectType type,
                                           const Deadline& deadline);
  // The identifiers of all objects of a name, of any group and type.
  Result<std::vector<std::string>> FindByName(const std::string& name,
                                              const Deadline& deadline);

  struct ValueAndAttributes {
    Secret value;
    KmipAttributes attributes;
  };
  // Of one object, in one message. kUnavailable when it is gone.
  Result<ValueAndAttributes> Get(const std::string& id, KmipObjectType type,
                                 const Deadline& deadline);
  // The values, in the order of `ids`. Errors name the object: kUnavailable for
  // one that is gone, kCorrupt for one that has no value.
  std::vector<Result<Secret>> GetValues(const std::vector<std::string>& ids,
                                        const Deadline& deadline);

  // Ok when the object is Active, whoever activated it.
  Status Activate(const std::string& id, KmipObjectType type,
                  const Deadline& deadline);
  // Revokes and destroys. Ok when the object is gone, or is revoked and marked
  // as removed where the server does not destroy it (a warning says so).
  Status Retire(const std::string& id, KmipObjectType type,
                const Deadline& deadline);
  // Gives up an object that this process has made for a store that failed. What
  // may have been Active is revoked and marked as removed, and not destroyed:
  // others may have loaded and used it meanwhile. (It is destroyed where the
  // server keeps no such mark.) Ok when it can no longer be taken for a key.
  Status Withdraw(const std::string& id, KmipObjectType type,
                  const Deadline& deadline);
  // Destroys an object that was never Active. Ok when it is gone. It is not
  // revoked before, so that a server refuses it when somebody has activated it
  // meanwhile.
  Status DestroyPreActive(const std::string& id, const Deadline& deadline);
  // Whether the object is Pre-Active since before `moment`, by the server's
  // clock. False where the server does not tell.
  Result<bool> IsPreActiveSince(const std::string& id, WallTime moment,
                                const Deadline& deadline);

 private:
  Result<std::vector<KmipAttributes>> AllOf(const Search& search,
                                            KmipObjectType type,
                                            const Deadline& deadline);
  Result<std::vector<std::string>> LocateFew(const KmipAttributes& filter,
                                             const Deadline& deadline);
  Status MarkUndestroyed(const std::string& id, KmipObjectType type,
                         const Status& refusal, const Deadline& deadline);
  KmipChange Revoke(const std::string& id, const Deadline& deadline);
  Status MarkRemoved(const std::string& id, KmipObjectType type,
                     const Deadline& deadline);

  KmipSession& session_;
  Log& log_;
  const KmipProbe probe_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_OBJECTS_H_
