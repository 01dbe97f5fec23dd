// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_KEY_COLLECTOR_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_KEY_COLLECTOR_H_

#include <map>
#include <string>
#include <vector>

#include "base/log.h"
#include "keyring/key.h"
#include "storage/kmip/kmip_group_marker.h"
#include "storage/kmip/kmip_objects.h"
#include "storage/kmip/mysql_key_identity.h"

namespace openkeyring {

// Decides which of the objects on a KMIP server are the keys of a MySQL
// keyring. No I/O: attributes and values come from the caller.
//
// * An Active object is a key, and so is a Pre-Active one by name alone, as
//   Percona's component left them.
// * A deactivated or compromised object is a key when there is no better one:
//   data may need it, and MySQL would make another in its place. Where its
//   value cannot be had, its name is withheld: no key, and none can be stored.
// * All else is passed over and counted.
//
// Threads: not synchronized.
class KmipKeyCollector {
 public:
  struct Object {
    std::string id;
    KmipObjectType type;
  };
  struct Candidate {
    Object object;
    MysqlKeyIdentity identity;
    KmipLifecycle lifecycle;
  };

  // One object. kCorrupt when it is marked as ours and cannot be read.
  Status Add(const KmipAttributes& attributes);
  // Once all are added: the objects that may be keys, whose values are needed.
  // Deactivated ones that have a successor are dropped.
  const std::vector<Candidate>& Choose();
  const std::vector<Candidate>& candidates() const { return candidates_; }
  // The keys, from the values of all candidates in their order. kCorrupt when
  // two objects that are in use are one key with different values.
  Result<std::vector<Key>> MakeKeys(std::vector<Result<Secret>> values,
                                    Log& log);
  // Lines about what is not as it should be, and about what was passed over.
  void WriteSummary(Log& log) const;

  // Names that have an object whose value cannot be had, with the reason.
  const std::map<KeyName, Status>& withheld() const { return withheld_; }
  // Pre-Active objects of ours: of stores that failed, or are under way.
  const std::vector<Candidate>& unfinished() const { return unfinished_; }
  // Markers of object groups.
  const std::vector<KmipGroupMarker>& markers() const { return markers_; }
  bool has_keys() const { return !candidates_.empty() || !unfinished_.empty(); }
  // Pre-Active objects by name alone.
  std::vector<Object> PreActiveKeys() const;
  size_t skipped() const { return foreign_ + removed_ + unfinished_.size(); }
  size_t deactivated() const { return deactivated_.size(); }
  size_t alive() const { return alive_; }  // Not destroyed or removed.

 private:
  // A key that is being put together from one object or equal ones.
  struct Source {
    Key key;
    size_t candidate;
    Status failure;
  };
  Status AddValue(size_t i, Result<Secret> value,
                  std::map<KeyName, Source>& sources, Log& log);
  Status CompareDuplicate(const Source& source, const Key& key, size_t i,
                          Log& log) const;

  std::vector<Candidate> candidates_;
  std::vector<Candidate> unfinished_;
  std::vector<KmipGroupMarker> markers_;
  std::map<KeyName, Status> withheld_;
  std::vector<KeyName> deactivated_;  // That are keys all the same.
  size_t foreign_ = 0, removed_ = 0, alive_ = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_KEY_COLLECTOR_H_
