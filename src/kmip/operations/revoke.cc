// SPDX-License-Identifier: MIT
#include "kmip/operations/revoke.h"

#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {

KmipCall MakeRevoke(KmipRevokeRequest request) {
  return {KmipOperation::kRevoke, std::nullopt, false,
          [request = std::move(request)](TtlvWriter& writer, KmipVersion) {
            WriteKmipIdentifier(writer, request.id);
            {
              const TtlvStructure reason(writer, KmipTag::kRevocationReason);
              writer.Enumeration(KmipTag::kRevocationReasonCode,
                                 request.reason);
              if (!request.message.empty()) {
                writer.Text(KmipTag::kRevocationMessage, request.message);
              }
            }
            if (request.compromise_occurrence) {
              writer.DateTime(KmipTag::kCompromiseOccurrenceDate,
                              *request.compromise_occurrence);
            }
          }};
}

}  // namespace openkeyring
