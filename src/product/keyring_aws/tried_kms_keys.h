// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KEYRING_AWS_TRIED_KMS_KEYS_H_
#define OPENKEYRING_PRODUCT_KEYRING_AWS_TRIED_KMS_KEYS_H_

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "os/clock.h"

namespace openkeyring {

// A KMS key id and the region in which it is used.
struct RegionalKmsKey {
  std::string cmk_id, region;
  bool operator==(const RegionalKmsKey&) const = default;
};

// The KMS keys that were seen to work and to open the stored keys, so that a
// change to one of them needs no call of KMS.
//
// MySQL checks all assignments of a statement before it makes the first one,
// and keeps no lock in between. So a check tries each value with the old value
// of the other variable, and the pair that results may be one that nobody
// tried: it could be a KMS key of the same alias that opens nothing.
//
// A pair counts for ten minutes, longer than a statement takes: what an alias
// names changes. Of the pairs, the last 16 are kept.
//
// Threads: all methods may be called concurrently. No I/O.
class TriedKmsKeys {
 public:
  // `clock` is borrowed.
  explicit TriedKmsKeys(Clock& clock) : clock_(clock) {}

  // `key` opened a stored key of each of `wrapping_keys`: the KMS keys that had
  // encrypted what was stored when the trial began.
  void Add(RegionalKmsKey key, std::set<std::string> wrapping_keys);
  // Whether `key` was tried with all of `wrapping_keys`, those of now.
  bool Covers(const RegionalKmsKey& key,
              const std::set<std::string>& wrapping_keys) const;

 private:
  struct Trial {
    RegionalKmsKey key;
    std::set<std::string> wrapping_keys;
    SteadyTime time;
  };

  Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<Trial> trials_;  // The oldest first; one of each key.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KEYRING_AWS_TRIED_KMS_KEYS_H_
