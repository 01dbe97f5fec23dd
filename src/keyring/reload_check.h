// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_RELOAD_CHECK_H_
#define OPENKEYRING_KEYRING_RELOAD_CHECK_H_

#include "base/status.h"
#include "keyring/keyring.h"

namespace openkeyring {

// The one rule for a reload, whatever the keys are stored in: it may not lose a
// key. Ok when `loaded` has every key of `serving` with the same type and
// bytes, compared in constant time; it may have more.
//
// Otherwise kMisconfigured: an older backup, another file or an emptied key
// server was loaded. The caller keeps `serving`. The message says how many keys
// are missing or different, names a few, and says what to do. A deliberate
// change is taken at the next start of the server, when no key is in use yet.
Status CheckServedKeysKept(const Keyring& serving, const Keyring& loaded);

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_RELOAD_CHECK_H_
