// SPDX-License-Identifier: MIT
#include "kmip/operations/revoke.h"

#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {

KmipCall MakeRevoke(KmipRevokeRequest request) {
  std::string id = request.id;
  return CallOnObject(
      KmipOperation::kRevoke, false, std::move(id),
      [request = std::move(request)](TtlvWriter& writer, KmipVersion) {
        {
          const TtlvStructure reason(writer, KmipTag::kRevocationReason);
          writer.Enumeration(KmipTag::kRevocationReasonCode, request.reason);
          if (!request.message.empty()) {
            writer.Text(KmipTag::kRevocationMessage, request.message);
          }
        }
        if (request.compromise_occurrence) {
          writer.DateTime(KmipTag::kCompromiseOccurrenceDate,
                          *request.compromise_occurrence);
        }
      });
}

}  // namespace openkeyring
