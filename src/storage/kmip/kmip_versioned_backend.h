// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_VERSIONED_BACKEND_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_VERSIONED_BACKEND_H_

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "keyring/versioned_backend.h"
#include "os/random.h"
#include "storage/kmip/kmip_group.h"
#include "storage/kmip/kmip_key_creator.h"
#include "storage/kmip/kmip_leftovers.h"

namespace openkeyring {

// MariaDB's keys as objects of a KMIP server, one AES key object a version,
// made by the server (docs/file_formats.md, "KMIP objects").
//
// * Versions whose objects are deactivated or destroyed but still known to the
//   server are listed, so that their numbers are not used again; what is
//   deactivated can still be fetched, since data may need it, with a warning.
// * What a creation that failed left is Pre-Active and is not a version. What
//   the first List finds of it is told, and destroyed by a later Create.
// * Several database servers may share an object group: the first that makes a
//   version wins, and the others use that.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmipVersionedBackend : public VersionedBackend {
 public:
  struct Options {
    size_t max_objects = 65535;             // Destroyed ones not counted.
    std::function<Millis()> list_deadline;  // Asked at each List.
  };
  // All borrowed but the options. `group` says which objects are meant.
  KmipVersionedBackend(KmipClient& client, KmipGroup& group, Clock& clock,
                       Random& random, Log& log, Options options);

  // kCorrupt for an object that is marked as ours and cannot be read.
  Result<std::vector<KeyVersion>> List() override;
  // kCorrupt when the version was destroyed, is not an AES key, or has two
  // objects with different values.
  Result<Secret> Fetch(KeyVersion key, const Deadline& deadline) override;
  Status Create(KeyVersion key, size_t bytes,
                const Deadline& deadline) override;
  // For tools: Create with a value that was made elsewhere, under the same
  // rules. kInvalidArgument for what is not an AES key.
  Status Store(KeyVersion key, const Secret& value, const Deadline& deadline);
  // The Name of the key's object, where it has its usual one.
  std::string Describe(KeyVersion key) const override;

 private:
  // What an object was when its attributes were last read.
  struct Object {
    std::string id;
    std::optional<KeyVersion> key;  // Nothing: not a key of MariaDB.
    KmipLifecycle lifecycle;
    std::optional<KmipGroupMarker> marker;
  };
  // One operation on the server of one session.
  struct Operation {
    Operation(KmipSession on, KmipVersionedBackend& backend)
        : session(std::move(on)),
          objects(session, backend.log_,
                  backend.group_.options().read_only ? KmipProbe::kForbidden
                                                     : KmipProbe::kAllowed),
          creator(session, objects, backend.clock_, backend.log_) {}

    KmipSession session;
    KmipObjects objects;
    KmipKeyCreator creator;
  };

  Result<std::vector<KeyVersion>> ListWith(Operation& operation,
                                           const Deadline& deadline);
  Status CheckGroup(const std::vector<std::string>& ids, Operation& operation,
                    const Deadline& deadline);
  Status Identify(const std::vector<std::string>& ids, KmipObjects& objects,
                  std::vector<KmipLeftovers::Object>& unfinished,
                  const Deadline& deadline);
  void RememberUnfinished(const std::vector<KmipLeftovers::Object>& unfinished,
                          const KmipSession& session);
  Result<std::vector<Object>> ObjectsOf(KeyVersion key, Operation& operation,
                                        const Deadline& deadline);
  std::vector<Object> KnownObjectsOf(KeyVersion key);
  Result<Secret> FetchObject(KeyVersion key, const Object& object,
                             KmipObjects& objects, const Deadline& deadline);
  KmipNewKey NewKey(KeyVersion key, size_t bytes);
  using NewKeys = std::function<KmipNewKey()>;  // One for each try.
  Status CreateOnce(KeyVersion key, Operation& operation, const NewKeys& make,
                    const Deadline& deadline);
  Status TryToCreate(KeyVersion key, KmipNewKey wanted, Operation& operation,
                     const Deadline& deadline);
  void RememberMade(KeyVersion key, const std::string& id);
  Status CheckIdentity(const std::string& id, const KmipNewKey& wanted,
                       Operation& operation, const Deadline& deadline);
  KmipSession SessionForChanges();
  void WarnOfFirst(KeyVersion key, const KmipSession& session);
  std::string ObjectName(KeyVersion key) const;
  void WarnOnce(KeyVersion key, const std::string& text);

  KmipClient& client_;
  KmipGroup& group_;
  Clock& clock_;
  Random& random_;
  Log& log_;
  const Options options_;
  KmipLeftovers leftovers_;

  std::mutex mutex_;  // Guards what follows.
  // The server of the last List. What is made, is made there: another one may
  // not have what this one has.
  std::optional<size_t> listed_on_;
  // As of the last List, and what was found since.
  std::multimap<KeyVersion, Object> known_;
  // By identifier: an object never becomes another key's, so it need not be
  // asked again at each List.
  std::map<std::string, Object> identified_;
  std::set<KeyVersion> warned_;
  bool is_first_list_ = true;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_VERSIONED_BACKEND_H_
