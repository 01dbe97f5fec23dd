// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_KEYRING_BACKEND_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_KEYRING_BACKEND_H_

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "keyring/keyring_backend.h"
#include "os/random.h"
#include "storage/kmip/kmip_group.h"
#include "storage/kmip/kmip_key_collector.h"
#include "storage/kmip/kmip_key_creator.h"
#include "storage/kmip/kmip_leftovers.h"

namespace openkeyring {

struct KmipKeyringOptions {
  size_t max_objects = 65535;  // Of each type, destroyed ones not counted.
  // Whether keys that Percona's component registered and never activated
  // (before 8.0.39) are activated at the next load. They are read in any case.
  bool activate_pre_active = false;
  bool read_only = false;  // Change nothing on the server.
  // The database server's server_uuid, "" while it has none. Nobody else makes
  // the keys that are named after it, unless its data directory was copied.
  std::function<std::string()> server_uuid;
};

// All keys of a MySQL keyring as objects of a KMIP server, its own ones and
// those of Percona's component.
//
// A key is stored when its object is Active and was read back, and removed when
// its object is gone or can never be used again. Whether somebody else has made
// that key is decided before its object becomes Active, since others may use it
// from then on (tests/models/kmip_group.pml). What a store that failed left on
// the server is withdrawn; until then it is Pre-Active, which is never read, or
// the one object of that key.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmipKeyringBackend : public KeyringBackend {
 public:
  // All borrowed but the options. `group` says which objects are meant.
  KmipKeyringBackend(KmipClient& client, KmipGroup& group, Clock& clock,
                     Random& random, Log& log, KmipKeyringOptions options);

  // kCorrupt when two objects in use are one key with different values.
  Result<std::vector<Key>> Load(const Deadline& deadline) override;
  // kAlreadyExists when somebody else has stored the key since the load;
  // kDenied when the server refuses it.
  Status Store(const Key& key, const Deadline& deadline) override;
  Status Remove(const KeyName& name, const Deadline& deadline) override;
  std::vector<std::pair<std::string, std::string>> Describe() const override;

 private:
  using Object = KmipKeyCollector::Object;
  struct Known {
    Object object;
    size_t server;  // Where it was seen.
  };
  // One operation on the server of one session.
  struct Operation {
    explicit Operation(KmipKeyringBackend& backend)
        : session(backend.client_),
          objects(session, backend.log_,
                  backend.options_.read_only ? KmipProbe::kForbidden
                                             : KmipProbe::kAllowed),
          creator(session, objects, backend.clock_, backend.log_) {}

    KmipSession session;
    KmipObjects objects;
    KmipKeyCreator creator;
  };

  Status Collect(KmipObjects& objects, KmipObjectType type,
                 KmipKeyCollector& collector, const Deadline& deadline);
  Status ActivatePreActive(KmipObjects& objects,
                           const std::vector<Object>& pre_active,
                           const Deadline& deadline);
  void Remember(const KmipKeyCollector& collector, size_t server);

  KmipNewKey NewKey(const Key& key, const KmipObject& object,
                    const MysqlKeyIdentity& identity) const;
  Status StoreObject(const Key& key, Operation& operation,
                     const Deadline& deadline);
  Status MakeTheKey(const Object& object, const Key& key,
                    const KmipNewKey& wanted, Operation& operation,
                    const Deadline& deadline);
  Status DestroyRivals(const Object& object, const Key& key,
                       const KmipNewKey& wanted, Operation& operation,
                       const Deadline& deadline);
  Status CheckStored(const Object& object, const Key& key,
                     const KmipNewKey& wanted, Operation& operation,
                     const Deadline& deadline);
  Status RetireKnown(const KeyName& name, const Known& known,
                     Operation& operation, const Deadline& deadline);
  std::string ServerUuid() const;
  void UseNamesAlone();
  Status CheckNotWithheld(const KeyName& name) const;

  KmipClient& client_;
  KmipGroup& group_;
  Clock& clock_;
  Random& random_;
  Log& log_;
  const KmipKeyringOptions options_;
  KmipLeftovers leftovers_;

  mutable std::mutex mutex_;  // Guards what follows.
  // More than one where equal copies were found.
  std::multimap<KeyName, Known> known_;
  std::map<KeyName, Status> withheld_;  // By the last load.
  size_t skipped_ = 0, deactivated_ = 0;
  // Whether the server was seen to refuse or drop application specific
  // information.
  std::atomic<bool> names_alone_ = false;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_KEYRING_BACKEND_H_
