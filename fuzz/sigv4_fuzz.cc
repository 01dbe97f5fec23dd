// SPDX-License-Identifier: MIT
// The canonical request does not depend on the order in which things are said,
// and no header can add a line to it.
#include <fuzzer/FuzzedDataProvider.h>

#include <set>
#include <string>

#include "aws/sigv4.h"
#include "base/encoding.h"
#include "fuzz/check.h"

using namespace openkeyring;

namespace {

SignableRequest Made(FuzzedDataProvider& input) {
  SignableRequest request;
  request.method = "POST";
  request.path = "/" + input.ConsumeRandomLengthString(60);
  const int headers = input.ConsumeIntegralInRange(0, 5);
  for (int i = 0; i < headers; ++i) {
    // Names are ours; values may come from anywhere.
    const char letter = input.PickValueInArray({'A', 'a', 'B', 'c'});
    request.headers.emplace_back(std::string("X-") + letter,
                                 input.ConsumeRandomLengthString(40));
  }
  const int pairs = input.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < pairs; ++i) {
    request.query.emplace_back(input.ConsumeRandomLengthString(20),
                               input.ConsumeRandomLengthString(20));
  }
  request.payload_sha256 = *Sha256Hex({});
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  SignableRequest request = Made(input);
  const std::string canonical = CanonicalRequest(request);
  std::set<std::string> names;
  for (const Header& header : request.headers) {
    names.insert(AsciiLower(header.first));
  }
  Check(std::ranges::count(canonical, '\n') ==
            static_cast<ptrdiff_t>(5 + names.size()),
        "no value adds a line");
  std::ranges::reverse(request.query);
  std::ranges::stable_sort(request.headers, {}, [](const Header& header) {
    return AsciiLower(header.first);
  });
  Check(CanonicalRequest(request) == canonical, "order does not matter");
  const std::string rest = input.ConsumeRemainingBytesAsString();
  const SigningScope scope{rest.substr(0, 20), "kms"};
  const std::string signature =
      *Signature(*SigningKey(Secret::CopyOf(std::string_view(rest)),
                             "20260102T030405Z", scope),
                 *StringToSign("20260102T030405Z", scope, canonical));
  Check(signature.size() == 64 && HexDecode(signature), "64 hex digits");
  return 0;
}
