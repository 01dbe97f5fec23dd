// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_IDENTIFIED_H_
#define OPENKEYRING_KMIP_OPERATIONS_IDENTIFIED_H_

#include <string>

#include "base/result.h"
#include "kmip/ttlv_reader.h"
#include "kmip/ttlv_writer.h"

namespace openkeyring {

// What many operations have in common: one object, by its unique identifier.

// "" stands for the object of the item before in the same batch (the ID
// placeholder of KMIP 1.4 section 4): the field is left out.
void WriteKmipIdentifier(TtlvWriter& writer, const std::string& id);

// The identifier of an answer; kCorrupt when it is missing.
Result<std::string> ReadKmipIdentifier(TtlvReader payload);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_IDENTIFIED_H_
