// SPDX-License-Identifier: MIT
// What credential processes and metadata services may answer.
#include "aws/credentials/answer.h"
#include "fuzz/check.h"

using namespace openkeyring;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Secret body = Secret::CopyOf(InputText(data, size));
  Result<CredentialAnswer> answer = ReadCredentialAnswer(body, "Token");
  Check(body.size() == size, "the size stays");
  if (!answer) {
    Check(answer.error().code() == StatusCode::kCorrupt, "its code");
    return 0;
  }
  Check(answer->message.size() <= 300 && IsPrintable(answer->message),
        "the message is modest and printable");
  const Result<Credentials> credentials =
      CompleteCredentials(std::move(*answer), SessionToken::kOptional);
  Check(!credentials || (!credentials->access_key_id.empty() &&
                         !credentials->secret_access_key.empty()),
        "complete means complete");
  return 0;
}
