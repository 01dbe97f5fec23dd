// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_REQUEST_H_
#define OPENKEYRING_EMULATORS_KMIP_REQUEST_H_

#include <optional>
#include <string>
#include <vector>

#include "kmip/enums.h"
#include "kmip/ttlv_reader.h"
#include "kmip/version.h"

namespace kmip_server {

using openkeyring::ByteView;
using openkeyring::KmipOperation;
using openkeyring::KmipVersion;
using openkeyring::Result;
using openkeyring::TtlvReader;

struct RequestItem {
  KmipOperation operation{};
  std::optional<ByteView> batch_id;
  TtlvReader payload;
};

// Borrows from the message.
struct Request {
  KmipVersion version;
  bool stops_at_failure = true;
  int32_t max_response = 0;
  std::vector<RequestItem> items;
};

Result<Request> ReadRequest(ByteView message);

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_REQUEST_H_
