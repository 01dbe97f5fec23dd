// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_RETRY_H_
#define OPENKEYRING_AWS_RETRY_H_

#include <mutex>
#include <optional>

#include "os/clock.h"
#include "os/random.h"

namespace openkeyring {

// The retry quota of the AWS SDKs' "standard" mode: a bucket of 500 tokens that
// retries drain and successes fill, so that a fleet does not hammer a service
// that is down. One for all calls under one KMS key, to KMS and to STS, so that
// the credentials of a call do not get retries of their own on top.
// Threads: all methods may be called concurrently.
class RetryQuota {
 public:
  // Tokens a retry costs: 5, or 10 after a timeout.
  static int CostOfRetry(bool after_timeout) { return after_timeout ? 10 : 5; }
  // False when the bucket is too empty; nothing is taken then.
  bool TryTake(int cost);
  // After a success: what its last retry cost, or 1 when it needed none.
  void GiveBack(int cost);
  int available() const;

 private:
  static constexpr int kCapacity = 500;
  mutable std::mutex mutex_;
  int available_ = kCapacity;
};

// The wait before retry number `retry` (0 for the first): a random part of
// min(2^retry, 20) seconds. A server's own wish raises it, by 5 s at most.
Millis RetryDelay(int retry, Random& random, std::optional<Millis> wish);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_RETRY_H_
