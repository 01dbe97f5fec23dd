// SPDX-License-Identifier: MIT
#include "server/mysql/component/registered_metrics.h"

#include <utility>

namespace openkeyring {
namespace {

constexpr char kLockedRegistry[] = "registry.mysql_minimal_chassis_no_lock";

template <typename Service>
Service* Acquire(Registry* registry, const char* name) {
  Handle handle = nullptr;
  if (registry->acquire(name, &handle) != kSuccess) return nullptr;
  return static_cast<Service*>(handle);
}

}  // namespace

void RegisteredMetrics::Register() {
  if (std::exchange(tried_, true) || registry_ == nullptr) return;
  auto* const service =
      Acquire<StatusRegistration>(registry_, "status_variable_registration");
  if (service == nullptr) return;
  if (service->register_variables(variables_) == kSuccess) {
    service_ = service;
    locked_registry_ = Acquire<Registry>(registry_, kLockedRegistry);
  }
  // Without a way to release it later it is released now. It is the server's
  // own, which is there as long as its components are.
  if (locked_registry_ == nullptr) (void)registry_->release(service);
}

void RegisteredMetrics::Unregister() {
  StatusRegistration* const service = std::exchange(service_, nullptr);
  if (service == nullptr) return;
  (void)service->unregister_variables(variables_);
  Registry* const registry = std::exchange(locked_registry_, nullptr);
  if (registry == nullptr) return;
  (void)registry->release(service);
  (void)registry->release(registry);
}

}  // namespace openkeyring
