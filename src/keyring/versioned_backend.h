// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_VERSIONED_BACKEND_H_
#define OPENKEYRING_KEYRING_VERSIONED_BACKEND_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "os/clock.h"

namespace openkeyring {

// A key as MariaDB names it. Versions start at 1 and only ever grow.
struct KeyVersion {
  uint32_t id = 0;
  uint32_t version = 0;
  auto operator<=>(const KeyVersion&) const = default;
};

// The largest version a key can have: MariaDB keeps ~0 for "no such version".
constexpr uint32_t kMaxKeyVersion = 0xfffffffe;

// MariaDB accepts keys of these sizes only (AES).
constexpr bool IsAesKeySize(size_t bytes) {
  return bytes == 16 || bytes == 24 || bytes == 32;
}
// For a key that is to be stored. `what` names it.
inline Status CheckAesKeySize(const std::string& what, size_t bytes) {
  if (IsAesKeySize(bytes)) return Status::Ok();
  return {StatusCode::kInvalidArgument,
          what + ": " + std::to_string(bytes) + " bytes are not an AES key"};
}

// Where versioned keys live. A port: the backends below implement it.
//
// Threads: all methods may be called concurrently.
class VersionedBackend {
 public:
  virtual ~VersionedBackend() = default;

  // Everything that is stored, usable or not, in no order.
  virtual Result<std::vector<KeyVersion>> List() = 0;
  // Whether that is proven. False while it is what the store says without the
  // key server: it may then lack what was made last. After a Fetch that
  // succeeded the list is proven.
  virtual bool ListIsProven() const { return true; }
  // Asks the key server, where the list may lack something that is stored. Ok
  // when it does not, or there is nothing.
  virtual Status ProveList(const Deadline&) { return Status::Ok(); }
  // The plaintext. kNotFound only when the store itself was asked and has no
  // such version; kCorrupt when what is stored cannot be that key.
  virtual Result<Secret> Fetch(KeyVersion key, const Deadline& deadline) = 0;
  // Makes a new random key of `bytes` bytes and stores it durably, all of it or
  // nothing. kAlreadyExists, and nothing changed, when somebody else was first.
  // The key must then be fetched: only what was read back may be used.
  virtual Status Create(KeyVersion key, size_t bytes,
                        const Deadline& deadline) = 0;
  // Whether CreateAll is one durable write, however many keys there are.
  virtual bool creates_together() const { return false; }
  // Create for several keys, in their order; for a backend that creates
  // together. `deadline` is asked once for each key.
  virtual std::vector<Status> CreateAll(
      const std::vector<KeyVersion>& keys, size_t bytes,
      const std::function<Deadline()>& deadline) {
    std::vector<Status> outcomes;
    for (const KeyVersion key : keys) {
      outcomes.push_back(Create(key, bytes, deadline()));
    }
    return outcomes;
  }
  // How to name a stored key to a person: a path, or an object's name.
  virtual std::string Describe(KeyVersion key) const = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_VERSIONED_BACKEND_H_
