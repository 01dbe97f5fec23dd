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

namespace kmip_server {

using openkeyring::KmipAttributes;
using openkeyring::KmipObject;

struct StoredObject {
  std::string owner;          // The client's common name.
  KmipAttributes attributes;  // With identifier, type and state.
  KmipObject object;
};

// The objects of one server, or of several that stand for one another. In
// memory only. Threads: all methods may be called concurrently.
class Store {
 public:
  // The next identifier; never used before.
  std::string Add(StoredObject object);
  // Calls with the object while nobody else has it; false when there is none,
  // or it is another client's.
  bool With(const std::string& id, const std::string& owner,
            const std::function<void(StoredObject&)>& call);
  // Whether it is there, whosever it is.
  bool Has(const std::string& id) const;
  void Remove(const std::string& id);
  // In order of creation.
  std::vector<std::string> Find(
      const std::string& owner,
      const std::function<bool(const StoredObject&)>& matches) const;
  void ForEach(const std::function<void(const StoredObject&)>& call) const;
  size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<int64_t, StoredObject> objects_;
  int64_t next_ = 1;
};

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_STORE_H_
