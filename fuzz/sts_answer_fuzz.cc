// SPDX-License-Identifier: MIT
// An answer of STS has all of a set of credentials or is kCorrupt.
#include "aws/sts_messages.h"
#include "fuzz/check.h"

using namespace openkeyring;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<Credentials> credentials =
      ReadAssumedRole(Secret::CopyOf(InputText(data, size)));
  if (!credentials) {
    Check(credentials.error().code() == StatusCode::kCorrupt, "its code");
    Check(IsPrintable(credentials.error().message()), "printable");
    return 0;
  }
  Check(!credentials->access_key_id.empty() &&
            !credentials->secret_access_key.empty() &&
            !credentials->session_token.empty() && credentials->expiration,
        "nothing is missing");
  return 0;
}
