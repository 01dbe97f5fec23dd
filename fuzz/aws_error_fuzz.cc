// SPDX-License-Identifier: MIT
// Whatever comes instead of an answer becomes one modest line for a log. The
// input's first line is the status and the error header, the rest the body.
#include <stdlib.h>

#include <string>

#include "aws/aws_error.h"
#include "fuzz/check.h"

using namespace openkeyring;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = InputText(data, size);
  const std::string line(text.substr(0, text.find('\n')));
  HttpResponse response;
  response.status = atoi(line.c_str()) % 1000;
  response.headers = {{"x-amzn-errortype", line},
                      {"x-amzn-requestid", line},
                      {"x-amz-retry-after", line},
                      {"date", line}};
  response.body =
      Secret::CopyOf(text.substr(std::min(line.size() + 1, text.size())));
  const AwsError error = ParseAwsError(response);
  for (const std::string* part :
       {&error.code, &error.message, &error.request_id}) {
    Check(part->size() <= 400 && IsPrintable(*part), "modest and printable");
  }
  Check(!error.message.empty(), "there is always a message");
  Check(!error.retry_after || error.retry_after->count() >= 0, "wish");
  const Status status = AwsErrorStatus("Decrypt", error);
  Check(!status.ok() && status.code() != StatusCode::kNotFound, "its code");
  Check(IsPrintable(status.message()), "printable as a whole");
  return 0;
}
