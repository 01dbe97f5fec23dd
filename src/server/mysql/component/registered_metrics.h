// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_REGISTERED_METRICS_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_REGISTERED_METRICS_H_

#include "server/mysql/abi/component.h"
#include "server/mysql/abi/status_variables.h"

namespace openkeyring {

// The metrics of a component, while they are the server's status variables. A
// program without that service, such as a tool, goes without.
//
// Threads: one call at a time.
class RegisteredMetrics {
 public:
  // `registry` is the component's slot, `variables` is borrowed permanently.
  RegisteredMetrics(Registry* const& registry, StatusVariable* variables)
      : registry_(registry), variables_(variables) {}
  ~RegisteredMetrics() { Unregister(); }

  // Once; later calls do nothing. Not for a component's init, during which the
  // registry is locked.
  void Register();
  // Afterwards the server does not ask for them. Also for a deinit.
  void Unregister();

 private:
  Registry* const& registry_;
  StatusVariable* const variables_;
  bool tried_ = false;
  // The registry for use while it is locked, as it is during a deinit. Null in
  // servers that lack it.
  Registry* locked_registry_ = nullptr;
  StatusRegistration* service_ = nullptr;  // Null: nothing is registered.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_REGISTERED_METRICS_H_
