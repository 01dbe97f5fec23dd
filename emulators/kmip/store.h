// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_STORE_H_
#define OPENKEYRING_EMULATORS_KMIP_STORE_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "kmip/attributes.h"
#include "kmip/object.h"
#include "os/clock.h"

namespace kmip_server {

using openkeyring::KmipAttributes;
using openkeyring::KmipObject;

struct StoredObject {
  std::string owner;          // The client's common name.
  KmipAttributes attributes;  // With identifier, type and state.
  KmipObject object;
  bool removed = false;  // Said by the call of With: it goes with its end.
};

// The objects of one server, or of several that stand for one another. In
// memory only. Activation and deactivation dates take effect when they have
// come. Threads: all methods may be called concurrently.
class Store {
 public:
  explicit Store(const openkeyring::Clock& clock = openkeyring::SystemClock())
      : clock_(clock) {}

  // The next identifier; never used before.
  std::string Add(StoredObject object);
  // Calls with the object while nobody else has it; false when there is none,
  // or it is another client's.
  bool With(const std::string& id, const std::string& owner,
            const std::function<void(StoredObject&)>& call);
  // As if there had never been one, whatever its state.
  void Forget(const std::string& id);
  void ForgetFirst();
  // Whether it is there, whatever its owner.
  bool Has(const std::string& id) const;
  // In order of creation.
  std::vector<std::string> Find(
      const std::string& owner,
      const std::function<bool(const StoredObject&)>& matches);
  void ForEach(const std::function<void(StoredObject&)>& call);
  size_t size() const;

 private:
  openkeyring::KmipTime Now() const;

  const openkeyring::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<int64_t, StoredObject> objects_;
  int64_t next_ = 1;
};

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_STORE_H_
