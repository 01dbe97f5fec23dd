// SPDX-License-Identifier: MIT
// A URL that is taken says the same again, and can do no harm in a header.
#include "fuzz/check.h"
#include "net/url.h"

using namespace openkeyring;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = InputText(data, size);
  const Result<Url> url = ParseUrl(text);
  if (!url) {
    Check(url.error().code() == StatusCode::kInvalidArgument, "its code");
    return 0;
  }
  Check(url->scheme == "http" || url->scheme == "https", "scheme");
  Check(!url->host.empty() && url->port >= 1 && url->port <= 65535, "host");
  Check(url->path.starts_with('/'), "path");
  Check(IsPrintable(url->ToString()), "printable");
  Check(url->HostHeader().find_first_of(" /?#@") == std::string::npos,
        "only a host in the header");
  const Result<Url> again = ParseUrl(url->ToString());
  Check(again.has_value(), "its text is a URL");
  Check(again->scheme == url->scheme && again->host == url->host &&
            again->port == url->port && again->path == url->path &&
            again->query == url->query,
        "its text says the same");
  return 0;
}
