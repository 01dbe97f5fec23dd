// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_VERSION_LOADER_H_
#define OPENKEYRING_KEYRING_VERSION_LOADER_H_

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/status.h"
#include "keyring/adaptive_parallelism.h"
#include "keyring/loaded_keys.h"
#include "keyring/version_index.h"
#include "keyring/versioned_backend.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/single_flight.h"

namespace openkeyring {

// Reads stored versions into LoadedKeys: all of them at start, and on demand
// what was not available then.
//
// Threads: all methods may be called concurrently, LoadAll by one thread before
// the others. No lock is held during I/O, and no thread outlives a call.
class VersionLoader {
 public:
  struct Options {
    // How long an operation on demand may take in all; asked at each.
    std::function<Millis()> operation_deadline;
    size_t parallelism = 16;
  };
  // All borrowed.
  VersionLoader(VersionedBackend& backend, LoadedKeys& loaded,
                VersionIndex& index, Clock& clock, Random& random, Log& log,
                Options options);

  // Adds what the store has to the index.
  Status Relist();
  // The same of a list that is proven; the key server is asked where need be.
  Status RelistProven(const Deadline& deadline);
  // Ok, or why LoadAll could not find out which versions there are besides the
  // known ones. Not to be called during LoadAll.
  const Status& rest_failure() const { return rest_failure_; }
  // Lists what is stored and reads all of it in parallel, with fewer calls at
  // once while the key server throttles (RunAdaptive). Transient failures
  // are tried again, a line in the log an attempt, until `startup` (0: one
  // attempt) has passed; a last line says how many versions are then missing.
  // Fails only when the list itself cannot be read.
  Status LoadAll(Millis startup);
  // Loads one version, unless it failed a moment ago or another thread is at
  // it; then the outcome is that one's. Once the key server answers again, the
  // caller's time also loads what else is missing, up to `deadline`.
  Status Load(KeyVersion key, const Deadline& deadline);

 private:
  using Flights = SingleFlight<KeyVersion, Status>;
  Status LoadInFlight(KeyVersion key, const Deadline& deadline);
  Status Fetch(KeyVersion key, const Deadline& deadline);
  // Makes a loaded version the latest of its id, unless there is a newer one.
  Status RaiseIfNewest(KeyVersion key);
  Status ExplainMissing(KeyVersion key, const Status& not_found) const;
  void LoadRest(const Deadline& deadline);
  void FindRest(int round);
  void LoadRound(const std::vector<KeyVersion>& keys, bool is_first,
                 const Deadline& deadline);
  // The number of versions that another round may load.
  size_t ReportRound(int round, const std::vector<KeyVersion>& tried,
                     std::set<KeyVersion>& reported);
  void ReportErrors(const std::vector<std::string>& errors);
  void ReportThrottling(const Status& status);
  void PauseBeforeRound(int round, const Deadline& deadline);

  VersionedBackend& backend_;
  LoadedKeys& loaded_;
  VersionIndex& index_;
  Clock& clock_;
  Random& random_;
  Log& log_;
  const Options options_;
  Flights flights_;
  // Versions were left out by LoadAll because the key server was away.
  std::atomic<bool> rest_is_due_{false};
  std::atomic<bool> throttling_is_reported_{false};
  Status rest_failure_;
  std::atomic<bool> list_is_proven_{true};  // VersionedBackend::ListIsProven.
  // LoadAll's, and then of the one LoadRest that runs at a time.
  AdaptiveParallelism parallelism_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_VERSION_LOADER_H_
