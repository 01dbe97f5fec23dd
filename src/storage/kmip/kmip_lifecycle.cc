// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_lifecycle.h"

#include <algorithm>

#include "kmip/messages.h"

namespace openkeyring {
namespace {

constexpr char kRemovedNamespace[] = "openkeyring-removed";

}  // namespace

KmipLifecycle KmipLifecycleOf(const KmipAttributes& attributes) {
  switch (attributes.state.value_or(KmipState::kActive)) {
    case KmipState::kPreActive:
      return KmipLifecycle::kPreActive;
    case KmipState::kActive:
      return KmipLifecycle::kActive;
    case KmipState::kDestroyed:
    case KmipState::kDestroyedCompromised:
      return KmipLifecycle::kDestroyed;
    default:
      return KmipLifecycle::kDeactivated;
  }
}

bool WasActive(const KmipAttributes& attributes) {
  return attributes.activation_date || !attributes.initial_date;
}

bool IsMarkedRemoved(const KmipAttributes& attributes) {
  return std::ranges::any_of(attributes.application_info, [](const auto& info) {
    return info.name_space == kRemovedNamespace;
  });
}

std::string KmipObjectText(const std::string& id) {
  return "KMIP object " + KmipQuoted(id);
}

KmipApplicationInfo KmipRemovedMark() { return {kRemovedNamespace, "1"}; }

}  // namespace openkeyring
