// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_KEYRING_BACKEND_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_KEYRING_BACKEND_H_

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "keyring/keyring_backend.h"
#include "os/random.h"
#include "storage/kmip/kmip_key_creator.h"
#include "storage/kmip/kmip_objects.h"
#include "storage/kmip/mysql_key_identity.h"

namespace openkeyring {

struct KmipKeyringOptions {
  std::string object_group;    // The instance's share of the server; "": all.
  size_t max_objects = 65535;  // Of each type; more is an error.
  // Whether keys that Percona's component registered and never activated
  // (before 8.0.39) are activated at the next load. They are read in any case.
  bool activate_pre_active = false;
};

// All keys of a MySQL keyring as objects of a KMIP server, its own ones and
// those of Percona's component.
//
// A key is stored when its object is Active and was read back, and removed when
// its object is gone or can never be used again. What a store that failed left
// on the server is Pre-Active, is never read, and is destroyed when the server
// lets it. Objects that are not usable, or no MySQL keys, are passed over at a
// load, with one line that counts them; a key that should be there and cannot
// be read fails it.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmipKeyringBackend : public KeyringBackend {
 public:
  // All borrowed but the options.
  KmipKeyringBackend(KmipClient& client, Clock& clock, Random& random, Log& log,
                     KmipKeyringOptions options);

  // kCorrupt when two usable objects are one key with different values.
  Result<std::vector<Key>> Load(const Deadline& deadline) override;
  Status Store(const Key& key, const Deadline& deadline) override;
  Status Remove(const KeyName& name, const Deadline& deadline) override;
  std::vector<std::pair<std::string, std::string>> Describe() const override;

 private:
  struct Object {
    std::string id;
    KmipObjectType type;
  };
  struct Found {
    Object object;
    MysqlKeyIdentity identity;
  };
  struct Skipped;

  Result<std::vector<Found>> List(KmipObjectType type, Skipped& skipped,
                                  const Deadline& deadline);
  Status Take(const KmipAttributes& attributes, std::vector<Found>& found,
              Skipped& skipped, const Deadline& deadline);
  Result<std::vector<Key>> Read(const std::vector<Found>& found,
                                const Deadline& deadline);

  KmipNewKey ToMake(const MysqlKeyIdentity& identity,
                    KmipObjectType type) const;
  Result<Object> Register(const Key& key, const KmipNewKey& wanted,
                          const MysqlKeyIdentity& identity,
                          const Deadline& deadline);
  Status ActivateAndCheck(const Object& object, const Key& key,
                          const KmipNewKey& wanted,
                          const MysqlKeyIdentity& identity,
                          const Deadline& deadline);
  // Those of `name`, or all.
  Status DiscardLeftovers(const KeyName* name, const Deadline& deadline);

  KmipClient& client_;
  Random& random_;
  Log& log_;
  const KmipKeyringOptions options_;
  KmipObjects objects_;
  KmipKeyCreator maker_;

  mutable std::mutex mutex_;  // Guards what follows.
  // More than one where equal copies were found.
  std::multimap<KeyName, Object> known_;
  // Of stores that failed: maybe Active, and not to be used.
  std::multimap<KeyName, Object> leftovers_;
  size_t skipped_ = 0;  // By the last load.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_KEYRING_BACKEND_H_
