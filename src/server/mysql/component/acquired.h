// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_ACQUIRED_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_ACQUIRED_H_

#include "server/mysql/abi/component.h"

namespace openkeyring {

// A service of the registry, released at the end; null when there is none.
template <typename Service>
class Acquired {
 public:
  Acquired(Registry* registry, const char* name) : registry_(registry) {
    if (registry_ != nullptr && registry_->acquire(name, &handle_) != 0) {
      handle_ = nullptr;
    }
  }
  ~Acquired() {
    if (handle_ != nullptr) (void)registry_->release(handle_);
  }
  Acquired(const Acquired&) = delete;
  Acquired& operator=(const Acquired&) = delete;

  explicit operator bool() const { return handle_ != nullptr; }
  const Service* get() const { return static_cast<Service*>(handle_); }
  const Service* operator->() const { return get(); }

 private:
  Registry* const registry_;
  Handle handle_ = nullptr;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_ACQUIRED_H_
