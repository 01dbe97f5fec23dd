// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_IDENTIFIED_H_
#define OPENKEYRING_KMIP_OPERATIONS_IDENTIFIED_H_

#include <functional>
#include <string>

#include "kmip/messages.h"

namespace openkeyring {

// What many operations have in common: one object, by its unique identifier.

// A call about one object: its identifier, and then what `write` adds.
KmipCall CallOnObject(
    KmipOperation operation, bool idempotent, std::string id,
    std::function<void(TtlvWriter&, KmipVersion)> write = nullptr);

// The identifier of an answer; kCorrupt when it is missing.
Result<std::string> ReadKmipIdentifier(TtlvReader payload);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_IDENTIFIED_H_
