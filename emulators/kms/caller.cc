// SPDX-License-Identifier: MIT
#include "emulators/kms/caller.h"

#include <algorithm>

namespace kms_emulator {
namespace {

bool Lists(const std::vector<std::string>& list, const std::string& name) {
  return std::ranges::any_of(list, [&](const std::string& item) {
    return item == "*" || item == name;
  });
}

// "Decrypt" of "kms:Decrypt", and the id of ".../id".
std::string After(const std::string& text, char separator) {
  return text.substr(text.rfind(separator) + 1);
}

Failure Deny(const Caller& caller, const std::string& action,
             const std::string& resource, const std::string& because) {
  return Fail("AccessDeniedException",
              "User: " + caller.principal + " is not authorized to perform: " +
                  action + " on resource: " + resource + " " + because);
}

}  // namespace

Outcome<void> Authorize(const Caller& caller, const std::string& action,
                        const std::string& resource) {
  const Policy& policy = caller.policy;
  const std::string operation = After(action, ':');
  // Key lists are about keys only, not about roles and aliases.
  const bool is_key = resource.find(":key/") != std::string::npos;
  const std::string key = After(resource, '/');
  if (Lists(policy.deny_operations, operation) ||
      (is_key && Lists(policy.deny_keys, key))) {
    return Deny(caller, action, resource,
                "with an explicit deny in an identity-based policy");
  }
  const bool operation_allowed =
      !policy.allow_operations || Lists(*policy.allow_operations, operation);
  const bool key_allowed =
      !policy.allow_keys || !is_key || Lists(*policy.allow_keys, key);
  if (operation_allowed && key_allowed) return {};
  return Deny(
      caller, action, resource,
      "because no identity-based policy allows the " + action + " action");
}

Failure DenyForeign(const Caller& caller, const std::string& action,
                    const std::string& resource) {
  return Deny(caller, action, resource,
              "because the resource does not exist in this Region, no "
              "resource-based policies allow access, or a resource-based "
              "policy explicitly denies access");
}

}  // namespace kms_emulator
