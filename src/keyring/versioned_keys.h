// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_VERSIONED_KEYS_H_
#define OPENKEYRING_KEYRING_VERSIONED_KEYS_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "keyring/loaded_keys.h"
#include "keyring/versioned_backend.h"
#include "os/clock.h"
#include "os/random.h"

namespace openkeyring {

// "version 2 of key 1", for messages.
std::string ToString(KeyVersion key);

// The rules of MariaDB's keys: ids, versions, the latest one, implicit creation
// and rotation, over any VersionedBackend.
//
// * A key is used only after it was stored durably and read back.
// * The latest version is the highest one stored. While that one cannot be
//   read for a reason that may pass, there is no latest version, since the
//   server may have data of it. Only a version whose store says that it is
//   corrupt is passed over, with an error in the log.
// * No failure is remembered for ever: each is tried again on demand, with
//   growing pauses (1 s to 5 s) in which the last error is given at once.
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
    size_t parallelism = 16;  // Of LoadAll and RotateAll.
  };
  // All borrowed.
  VersionedKeys(VersionedBackend& backend, Clock& clock, Random& random,
                Log& log, Options options);

  // Lists what is stored and reads all of it in parallel. Transient failures
  // are tried again, a line in the log an attempt, until `startup` (0: once)
  // has passed;
  // what is left then waits for its first use. Fails only when the list itself
  // cannot be had.
  Status LoadAll(Millis startup);

  // The key, owned by this object. Never creates. kNotFound when the store has
  // no such version. The fast path takes no lock.
  Result<const Secret*> Get(KeyVersion key);
  // The version to encrypt new data of `id` with, made when there is none.
  // Never 0. The fast path takes no lock.
  Result<uint32_t> LatestVersion(uint32_t id);

  // Makes the next version of a key that exists and returns it; kNotFound when
  // the id has none. The old version stays the latest until the new one is
  // ready.
  Result<uint32_t> Rotate(uint32_t id);
  struct Rotated {
    uint32_t id;
    Result<uint32_t> version;
  };
  // All ids, going on past failures. In order of ids.
  std::vector<Rotated> RotateAll();

  // What failed is tried again at its next use, without the rest of its pause:
  // for when the configuration has changed.
  void EndPauses();

  struct Counts {
    size_t ids = 0;              // Known.
    size_t versions_loaded = 0;  // Ready for use.
    size_t versions_failed = 0;  // Known and not ready.
  };
  Counts counts() const;

 private:
  // What became of a version that could not be read.
  struct Failure {
    Status status;
    int count = 0;
    SteadyTime next_try{};
  };
  // One piece of work that several callers may wait for.
  struct Flight {
    bool done = false;
    Status outcome;
  };
  Status Once(KeyVersion key, const std::function<Status()>& work);
  std::shared_ptr<Flight> Join(std::unique_lock<std::mutex>& lock,
                               KeyVersion key);
  Result<uint32_t> LatestOfCorrupt(uint32_t id, const Deadline& deadline);
  Status Load(KeyVersion key, const Deadline& deadline);
  Status LoadNow(KeyVersion key, const Deadline& deadline);
  Status MakeFirst(uint32_t id, const Deadline& deadline);
  Status RotateNow(uint32_t id, const Deadline& deadline);
  Result<uint32_t> NextVersion(uint32_t id) const;
  // Adds what the store has to what is known; nothing is ever forgotten.
  Status Relist();
  void Publish(KeyVersion key, Secret plaintext);
  void RememberFailure(KeyVersion key, const Status& status);
  void ChooseLatestLocked(uint32_t id);
  // 0 when there is none. Corrupt versions do not count.
  uint32_t HighestUsableLocked(uint32_t id) const;
  // The versions that a round at start should read, best chances first.
  std::vector<KeyVersion> Pending() const;
  bool ReportRound(int round, const std::vector<KeyVersion>& tried,
                   std::set<KeyVersion>& reported);
  Deadline OperationDeadline() const;

  VersionedBackend& backend_;
  Clock& clock_;
  Random& random_;
  Log& log_;
  const Options options_;
  LoadedKeys loaded_;

  mutable std::mutex mutex_;  // Guards all below; never held during I/O.
  std::condition_variable landed_;
  std::map<uint32_t, std::set<uint32_t>> known_;  // id -> stored versions
  // Version 0 stands for the creation of an id's first version.
  std::map<KeyVersion, Failure> failures_;
  std::map<KeyVersion, std::shared_ptr<Flight>> flights_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_VERSIONED_KEYS_H_
