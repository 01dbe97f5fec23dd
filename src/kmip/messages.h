// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_MESSAGES_H_
#define OPENKEYRING_KMIP_MESSAGES_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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
  // Whether sending it twice does no more than sending it once.
  bool idempotent = false;
  // Writes the fields of the request payload.
  std::function<void(TtlvWriter&, KmipVersion)> write;
  // The object that it is about; "" when it names none. An answer that is about
  // another one is not an answer to this call.
  std::string object_id;
};

struct KmipRequestOptions {
  KmipVersion version;
  int32_t max_response_size = 0;  // Bytes; 0: not said.
  // The unique batch item id of the first item, counted up for the others.
  // Servers give it back (KMIP 1.4 section 6.4), so that numbers that were not
  // used before tell the answer to this request from a late or repeated one.
  // Nothing: for a single item that needs none.
  std::optional<uint32_t> first_item;
};

// A complete RequestMessage. After an item that fails the server goes on.
Secret WriteKmipRequest(const KmipRequestOptions& options,
                        std::span<const KmipCall> calls);

struct KmipResponseItem {
  std::optional<KmipOperation> operation;  // Servers leave it out of errors.
  std::optional<ByteView> batch_item;      // Its unique batch item id.
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

// kCorrupt for what is not a complete ResponseMessage.
Result<KmipResponse> ReadKmipResponse(ByteView message);

// What a response is to the request that it should answer.
enum class KmipFit {
  kAnswers,  // There is one item for each call; they are in the calls' order.
  kRefusal,  // The only item is about several calls as a whole: it has failed.
  kPartial,  // Some answers are missing, and maybe these are not in order.
  kForeign,  // At least one item does not answer any of the calls.
};

// Compares batch item ids, operations and, of successful items, the object's
// unique identifier. Servers may leave out ids and operations; then the order
// counts, as the request asks for, provided that no item is missing. Of
// anything but kAnswers and kRefusal nothing may be used: a server that drops
// the first of two answers must not give the first call the second's.
KmipFit MatchKmipResponse(const KmipRequestOptions& options,
                          std::span<const KmipCall> calls,
                          KmipResponse& response);

// What the answer to `asked` means; Ok for success. The message has the
// operation, the reason and the server's own words, folded.
//   kNotFound      the object that was asked for is not there; never for an
//                  operation that names no object
//   kAlreadyExists, kDenied
//   kMisconfigured the server does not do that, or not in this version
//   kInvalidArgument  it finds fault with the request
//   kUnavailable   it failed; worth a retry
Status KmipItemStatus(KmipOperation asked, const KmipResponseItem& item);

// An identifier or name of a server's object for logs and messages, in quotes.
// Anything but printable ASCII is escaped (\xNN), and long ones are truncated.
std::string KmipQuoted(std::string_view text);

// True for an answer that says that the version of the request is not spoken.
bool IsVersionRefusal(const KmipResponseItem& item);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_MESSAGES_H_
