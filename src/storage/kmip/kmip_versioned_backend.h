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
#include "storage/kmip/kmip_key_creator.h"

namespace openkeyring {

// MariaDB's keys as objects of a KMIP server, one AES key object a version,
// made by the server (docs/file_formats.md, "KMIP objects").
//
// * Versions whose objects are revoked or destroyed but still known to the
//   server are listed, so that their numbers are not used again; what was
//   revoked can still be fetched, since data may need it, with a warning.
// * What a creation that failed left is Pre-Active and is no version.
// * Several servers may share an object group: the first that makes a version
//   wins, and the others use that.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmipVersionedBackend : public VersionedBackend {
 public:
  struct Options {
    std::string object_group;  // "": none.
    size_t max_objects = 65535;
    std::function<Millis()> list_deadline;  // Asked at each List.
  };
  // All borrowed but the options.
  KmipVersionedBackend(KmipClient& client, Clock& clock, Random& random,
                       Log& log, Options options);

  // kCorrupt for an object that is marked as ours and can't be read.
  Result<std::vector<KeyVersion>> List() override;
  // kCorrupt when the version was destroyed, is no AES key, or has two objects
  // with different values.
  Result<Secret> Fetch(KeyVersion key, const Deadline& deadline) override;
  Status Create(KeyVersion key, size_t bytes,
                const Deadline& deadline) override;
  std::string Describe(KeyVersion key) const override;

 private:
  struct Object {
    std::string id;
    KmipState state;
  };
  using Objects = std::multimap<KeyVersion, Object>;

  Status Look(const std::vector<std::string>& ids, const Deadline& deadline);
  std::string NameOf(KeyVersion key) const;
  KmipNewKey ToMake(KeyVersion key, const std::string& nonce) const;
  Result<std::vector<Object>> ObjectsOf(KeyVersion key,
                                        const Deadline& deadline);
  Status TryToCreate(KeyVersion key, size_t bytes, const Deadline& deadline);
  Result<Secret> FetchOne(KeyVersion key, const Object& object,
                          const Deadline& deadline);
  void Warn(KeyVersion key, const std::string& text);

  KmipClient& client_;
  Clock& clock_;
  Random& random_;
  Log& log_;
  const Options options_;
  KmipObjects objects_;
  KmipKeyCreator maker_;

  std::mutex mutex_;  // Guards what follows.
  Objects known_;     // As of the last List, and what was made since.
  // What objects are, by identifier, that need not be asked again; nothing for
  // those of others.
  std::map<std::string, std::optional<std::pair<KeyVersion, Object>>> seen_;
  std::set<KeyVersion> warned_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_VERSIONED_BACKEND_H_
