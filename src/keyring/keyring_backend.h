// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_KEYRING_BACKEND_H_
#define OPENKEYRING_KEYRING_KEYRING_BACKEND_H_

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "keyring/key.h"
#include "os/clock.h"

namespace openkeyring {

// Where MySQL's keys live: a file of wrapped keys, or a KMIP server. A port:
// the backends below implement it.
//
// The keyring above loads once and then keeps every key in memory, so there is
// no fetch. Store and Remove are Ok only when their effect is durable; after an
// error the stored keys are as before, or, where that could not be found out,
// as after.
//
// Threads: all methods may be called concurrently, Load before all others. The
// keyring never calls Store or Remove for one name twice at once.
class KeyringBackend {
 public:
  virtual ~KeyringBackend() = default;

  // Every stored key, in no order; all of them or an error, for an incomplete
  // keyring must never look complete.
  virtual Result<std::vector<Key>> Load(const Deadline& deadline) = 0;
  // A key that is not there yet.
  virtual Status Store(const Key& key, const Deadline& deadline) = 0;
  // A key that is there.
  virtual Status Remove(const KeyName& name, const Deadline& deadline) = 0;

  // What a status table says about it: pairs of name and value.
  virtual std::vector<std::pair<std::string, std::string>> Describe() const = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_KEYRING_BACKEND_H_
