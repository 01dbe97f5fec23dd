// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_VERSION_INDEX_H_
#define OPENKEYRING_KEYRING_VERSION_INDEX_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "keyring/loaded_keys.h"
#include "keyring/versioned_backend.h"
#include "os/clock.h"

namespace openkeyring {

// "version 2 of key 1", for messages.
std::string ToString(KeyVersion key);

// What is known of the stored versions: which there are, and which failed to
// load, why, and when they may be tried again.
//
// A version is never forgotten once it is known. A failure is remembered for a
// pause that grows from 1 to 5 seconds, in which callers get it at once instead
// of asking the key server again. After a timeout the pause holds for every
// version that failed or was not tried yet: the key server hangs, and timeouts
// must not add up over all keys.
//
// Threads: all methods may be called concurrently. No I/O.
class VersionIndex {
 public:
  // Both borrowed.
  VersionIndex(const LoadedKeys& loaded, Clock& clock);

  void Add(const std::vector<KeyVersion>& stored);
  bool Contains(KeyVersion key) const;
  bool empty() const;
  // 0 when no version of `id` is known.
  uint32_t Highest(uint32_t id) const;
  std::vector<uint32_t> Ids() const;

  // The failure that a caller is to be given without another try, or Ok.
  Status PausedFailure(KeyVersion key) const;
  // The last failure of a version that is not loaded yet, or Ok.
  Status LastFailure(KeyVersion key) const;
  // `took`: how long it took to fail.
  void RememberFailure(KeyVersion key, const Status& failure, Millis took);
  // The key server answered for `key`.
  void RememberSuccess(KeyVersion key);
  void EndPauses();

  // The versions that are not loaded and may load when they are tried (again),
  // those with the fewest failures and of these the newest first.
  std::vector<KeyVersion> Pending() const;
  // Every version that is known.
  std::vector<KeyVersion> All() const;
  // The versions that are not loaded, for whatever reason.
  std::vector<KeyVersion> NotLoaded() const;

  struct Counts {
    size_t ids = 0;              // Known.
    size_t versions_loaded = 0;  // Ready for use.
    size_t versions_failed = 0;  // Known and not ready.
  };
  Counts counts() const;

 private:
  struct Failure {
    Status status;
    int count = 0;
    SteadyTime next_try{};
  };
  void DropOldFailuresLocked();

  const LoadedKeys& loaded_;
  Clock& clock_;
  mutable std::mutex mutex_;                      // Guards all below.
  std::map<uint32_t, std::set<uint32_t>> known_;  // id -> stored versions
  // Version 0 stands for the creation of an id's first version.
  std::map<KeyVersion, Failure> failures_;
  Failure hang_;  // Of the key server; Ok while it answers.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_VERSION_INDEX_H_
