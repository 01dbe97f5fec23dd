// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_KEY_LOOKUP_H_
#define OPENKEYRING_EMULATORS_KMS_KEY_LOOKUP_H_

#include <string>

#include "emulators/kms/caller.h"
#include "emulators/kms/model.h"

namespace kms_emulator {

// Which forms of KeyId an operation takes: cryptographic operations and
// DescribeKey take all, the others no aliases.
enum class KeyIdForms { kAll, kNoAliases };

// The key that a KeyId means in the caller's region: bare id, key ARN,
// "alias/x" or alias ARN. NotFoundException for an unknown one or an ARN of
// another region, AccessDeniedException for one of another account,
// InvalidArnException for a malformed one. `action` is for that text.
Outcome<Key> FindKey(const State& state, const Caller& caller,
                     const std::string& action, const std::string& key_id,
                     KeyIdForms forms);

// DisabledException or KMSInvalidStateException unless the key is enabled.
Outcome<void> CheckEnabled(const State& state, const Key& key);

// KMSInvalidStateException when the key is pending deletion.
Outcome<void> CheckNotPendingDeletion(const State& state, const Key& key);

// True for a UUID or "mrk-" and 32 hex digits, both in lower case.
bool IsKeyId(std::string_view text);
// True for "alias/" and 1..250 characters of AWS's set.
bool IsAliasName(std::string_view text);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_KEY_LOOKUP_H_
