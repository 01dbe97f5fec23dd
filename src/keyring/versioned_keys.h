// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_VERSIONED_KEYS_H_
#define OPENKEYRING_KEYRING_VERSIONED_KEYS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "keyring/loaded_keys.h"
#include "keyring/version_index.h"
#include "keyring/version_loader.h"
#include "keyring/versioned_backend.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/single_flight.h"

namespace openkeyring {

// The rules of MariaDB's keys: ids, versions, the latest one, implicit creation
// and rotation, over any VersionedBackend.
//
// * A key is used only after it was stored durably and read back.
// * The latest version is the highest one known. While that one cannot be read,
//   for whatever reason, there is no latest version: the server may have data
//   of it, and new data must not go under an older one. Rotating the id
//   explicitly makes the next version and ends this.
// * Version 1 of an id is made only when the store has nothing of that id.
// * No failure is remembered permanently: each is tried again on demand, with
//   growing pauses in which the last error is given at once (version_index.h).
// * One caller at a time works on one key (single flight) and the others wait
//   for its outcome; other keys are not delayed. No lock is held during I/O.
//
// Threads: all methods may be called concurrently.
class VersionedKeys {
 public:
  struct Options {
    // How many bytes a new key has; asked at each creation, from any thread.
    std::function<size_t()> key_bytes;
    // How long an operation on demand may take in all.
    std::function<Millis()> operation_deadline;
    size_t parallelism = 16;  // Of LoadAll.
    // Why no key may be made here, or Ok; null allows it. Asked before each
    // creation and rotation; `is_empty`: the store holds no key at all.
    std::function<Status(bool is_empty)> may_create = nullptr;
    // Of RotateAll, if not that of LoadAll: for key servers that may serve
    // calls one after the other. Fewer leave them time for keys that are needed
    // meanwhile, and each key has the time of so many operations.
    std::optional<size_t> rotation_parallelism = std::nullopt;
  };
  // All borrowed.
  VersionedKeys(VersionedBackend& backend, Clock& clock, Random& random,
                Log& log, Options options);

  // Lists what is stored and reads all of it (VersionLoader::LoadAll).
  Status LoadAll(Millis startup) { return loader_.LoadAll(startup); }
  // Ok when every version is loaded, except for damaged ones that a newer
  // version follows; else why not. For programs that must not go on without.
  Status CheckAllLoaded() const;

  // Whether any version of `id` is known; the store is not asked.
  bool Knows(uint32_t id) const { return index_.Highest(id) != 0; }

  // Every version that is known, loaded or not; the store is not asked.
  std::vector<KeyVersion> Versions() const { return index_.All(); }

  // The key, owned by this object. Never creates. kNotFound when the store has
  // no such version. The fast path takes no lock.
  Result<const Secret*> Get(KeyVersion key);
  // The version to encrypt new data of `id` with, made when there is none.
  // Never 0. The fast path takes no lock.
  Result<uint32_t> LatestVersion(uint32_t id);

  // Makes the next version of a key that exists and returns it; kNotFound when
  // the id has none. The old version stays the latest until the new one is
  // ready. Goes past a newest version that is damaged or missing, with a
  // warning in the log.
  Result<uint32_t> Rotate(uint32_t id);
  struct Rotated {
    uint32_t id;
    Result<uint32_t> version;
  };
  // All ids, continuing past failures. In order of ids. Does not go past a
  // newest version that is damaged or missing. One durable write for all where
  // the backend can do that. While the key server throttles, fewer run at once
  // and what was throttled is repeated, for kLongestThrottledCreation.
  std::vector<Rotated> RotateAll();

  // What failed is tried again at its next use, without the rest of its pause:
  // for when the configuration has changed.
  void EndPauses() { index_.EndPauses(); }

  using Counts = VersionIndex::Counts;
  Counts counts() const { return index_.counts(); }

 private:
  enum class Unreadable { kRefuse, kPass };  // The newest version.
  Status RunInFlight(KeyVersion key, const Deadline& deadline,
                     const std::function<Status()>& work);
  Status CreateFirst(uint32_t id, const Deadline& deadline);
  Status CreateFirstNow(uint32_t id, const Deadline& deadline);
  Status RotateInFlight(uint32_t id, Unreadable newest,
                        const Deadline& deadline);
  Status RotateOneOfAll(Rotated& result, const Deadline& deadline);
  Status RotateNow(uint32_t id, Unreadable newest, const Deadline& deadline);
  void RotateTogether(std::vector<Rotated>& results);
  // The version that a rotation makes, when it may.
  Result<KeyVersion> VersionToMake(uint32_t id, Unreadable newest,
                                   const Deadline& deadline);
  // What follows upon the outcome of its creation.
  Status UseNewVersion(KeyVersion key, const Status& created,
                       const Deadline& deadline);
  Result<uint32_t> NextVersion(uint32_t id) const;
  Status CheckNewest(KeyVersion newest, Unreadable unreadable,
                     const Deadline& deadline);
  Status MayCreate() const;
  Deadline OperationDeadline() const;

  VersionedBackend& backend_;
  Clock& clock_;
  Random& random_;
  Log& log_;
  const Options options_;
  LoadedKeys loaded_;
  VersionIndex index_;
  VersionLoader loader_;
  SingleFlight<KeyVersion, Status> flights_;  // Of creations and rotations.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_VERSIONED_KEYS_H_
