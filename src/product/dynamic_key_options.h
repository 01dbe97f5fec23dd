// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_DYNAMIC_KEY_OPTIONS_H_
#define OPENKEYRING_PRODUCT_DYNAMIC_KEY_OPTIONS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "keyring/versioned_keys.h"

namespace openkeyring {

// Options of MariaDB's keys that SET GLOBAL may change while they are in use.
// Threads: all members may be used concurrently.
struct DynamicKeyOptions {
  std::atomic<size_t> key_bytes{16};
  std::atomic<int64_t> operation_deadline_ms{5000};

  Millis operation_deadline() const {
    return Millis(operation_deadline_ms.load());
  }
  // The options of keys that follow these, which are borrowed.
  VersionedKeys::Options ForKeys(size_t parallelism,
                                 std::function<Status(bool)> may_create) const {
    return {[this] { return key_bytes.load(); },
            [this] { return operation_deadline(); }, parallelism,
            std::move(may_create)};
  }
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_DYNAMIC_KEY_OPTIONS_H_
