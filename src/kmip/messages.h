// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_MESSAGES_H_
#define OPENKEYRING_KMIP_MESSAGES_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "kmip/enums.h"
#include "kmip/ttlv_reader.h"
#include "kmip/ttlv_writer.h"
#include "kmip/version.h"

namespace openkeyring {

// One operation that is asked for. What it refers to is borrowed and must live
// until the answer is there: requests with keys are not copied.
struct KmipCall {
  KmipOperation operation{};
  // What it is called since 2.0, when that is something else.
  std::optional<KmipOperation> operation_since_2;
  // Whether sending it twice does no more than sending it once.
  bool idempotent = false;
  // Writes the fields of the request payload.
  std::function<void(TtlvWriter&, KmipVersion)> write;

  KmipOperation OperationIn(KmipVersion version) const {
    return version.HasTypedAttributes() ? operation_since_2.value_or(operation)
                                        : operation;
  }
};

struct KmipRequestOptions {
  KmipVersion version;
  int32_t max_response_size = 0;  // Bytes; 0: not said.
  // What the server does with the items after one that failed.
  KmipBatchError on_error = KmipBatchError::kContinue;
};

// A whole RequestMessage. Items of a batch get their place in it, counted from
// 1, as their unique batch item id; a single item gets none.
Secret WriteKmipRequest(const KmipRequestOptions& options,
                        std::span<const KmipCall> calls);

struct KmipResponseItem {
  std::optional<KmipOperation> operation;  // Servers leave it out of errors.
  std::optional<uint32_t> batch_item;      // From 1, when there is one of ours.
  KmipResultStatus status{};
  std::optional<KmipResultReason> reason;
  std::string message;
  TtlvReader payload;  // Empty when there is none.
};

// Borrows from the bytes that it was read from.
struct KmipResponse {
  KmipVersion version;
  // The items that came. The batch count of the header is not believed: Vault's
  // may be larger.
  std::vector<KmipResponseItem> items;
};

// kCorrupt for what is not a whole ResponseMessage.
Result<KmipResponse> ReadKmipResponse(ByteView message);

// What the answer to `asked` means; Ok for success. The text has operation,
// reason and the server's own words, made printable.
//   kNotFound      the object that was asked for is not there; never for an
//                  operation that names no object
//   kAlreadyExists, kDenied
//   kMisconfigured the server does not do that, or not in this version
//   kInvalidArgument  it finds fault with the request
//   kUnavailable   it failed; worth a retry
Status KmipItemStatus(KmipOperation asked, const KmipResponseItem& item);

// The same for a failure that is about the message as a whole, and so about no
// object: never kNotFound.
Status KmipMessageStatus(const KmipResponseItem& item);

// True for an answer that says that the version of the request is not spoken.
bool IsVersionRefusal(const KmipResponseItem& item);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_MESSAGES_H_
