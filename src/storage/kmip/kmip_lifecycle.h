// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_LIFECYCLE_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_LIFECYCLE_H_

#include <string>

#include "kmip/attributes.h"

namespace openkeyring {

// Where an object stands in its life (KMIP 1.4 section 3.22), as far as it
// matters to a keyring.
enum class KmipLifecycle {
  kPreActive,    // Not activated yet, or never.
  kActive,       // Also of a server that reports no state.
  kDeactivated,  // Or compromised: still there, and readable where allowed.
  kDestroyed,    // The value is gone; the server remembers the object.
};
KmipLifecycle KmipLifecycleOf(const KmipAttributes& attributes);

// False for an object of which the server says that it was never Active: what a
// failed attempt to make a key left.
bool WasActive(const KmipAttributes& attributes);

// True for an object that Retire marked because the server would not destroy
// it: the key was removed, and is not one that an administrator deactivated.
bool IsMarkedRemoved(const KmipAttributes& attributes);

// 'KMIP object "id"', for messages.
std::string KmipObjectText(const std::string& id);

// What marks it so.
KmipApplicationInfo KmipRemovedMark();

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_LIFECYCLE_H_
