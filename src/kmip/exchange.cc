// SPDX-License-Identifier: MIT
#include "kmip/exchange.h"

#include <algorithm>

#include "kmip/ttlv_reader.h"

namespace openkeyring {
namespace {

// Appends to `into` until it has `size` bytes.
Status ReadUpTo(ByteStream& stream, size_t size, Secret& into,
                const Deadline& deadline) {
  constexpr size_t kStep = 65536;
  Secret buffer(std::min(size, kStep));
  while (into.size() < size) {
    const size_t wanted = std::min(size - into.size(), buffer.size());
    const Result<size_t> n =
        stream.Read(buffer.RevealMutable().first(wanted), deadline);
    if (!n) return n.error();
    if (*n == 0) {
      return {StatusCode::kUnavailable,
              into.empty() ? "the KMIP server closed the connection instead "
                             "of answering"
                           : "the KMIP server closed the connection in the "
                             "middle of an answer"};
    }
    into.Append(buffer.RevealBytes().first(*n));
  }
  return Status::Ok();
}

}  // namespace

KmipExchange ExchangeKmip(ByteStream& stream, const Secret& request,
                          size_t max_response, const Deadline& deadline) {
  KmipExchange exchange;
  exchange.status = stream.Write(request.RevealBytes(), deadline);
  if (!exchange.status.ok()) return exchange;
  exchange.sent = true;
  Secret& response = exchange.response;
  exchange.status = ReadUpTo(stream, kTtlvHeadSize, response, deadline);
  if (!exchange.status.ok()) return exchange;
  const Result<size_t> size = TtlvMessageSize(
      response.RevealBytes(), KmipTag::kResponseMessage, max_response);
  if (size) {
    exchange.status = ReadUpTo(stream, *size, response, deadline);
  } else {
    // Like no answer: it says nothing about what is stored.
    exchange.status = {StatusCode::kUnavailable, size.error().message()};
  }
  return exchange;
}

}  // namespace openkeyring
