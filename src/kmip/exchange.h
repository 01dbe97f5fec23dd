// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_EXCHANGE_H_
#define OPENKEYRING_KMIP_EXCHANGE_H_

#include "base/secret.h"
#include "base/status.h"
#include "net/stream.h"

namespace openkeyring {

// What became of one request.
struct KmipExchange {
  // Ok: there is a whole response. kUnavailable: also when what came is none,
  // or a larger one than allowed. Otherwise the stream's errors.
  Status status;
  // Whether the whole request went out. If not, the server has done nothing of
  // it; if so and there is no response, it may have done all of it.
  bool sent = false;
  Secret response;
};

// Sends a message and reads one. Nothing is allocated by what a head says
// before it was checked against `max_response`, and no more than has come,
// doubled. After a failure the stream is of no use.
KmipExchange ExchangeKmip(ByteStream& stream, const Secret& request,
                          size_t max_response, const Deadline& deadline);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_EXCHANGE_H_
