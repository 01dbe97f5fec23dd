// SPDX-License-Identifier: MIT
// The shared files of AWS tools: line ends do not matter, errors name a line
// and show nothing of it.
#include <string>

#include "aws/profile_file.h"
#include "fuzz/check.h"

using namespace openkeyring;

namespace {

constexpr char kPath[] = "the-file";

std::string WithCrLf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

void CheckError(const Status& error) {
  Check(error.code() == StatusCode::kMisconfigured, "its code");
  Check(error.message().starts_with("the-file, line "), "names the line");
  Check(error.message().size() < 120 && IsPrintable(error.message()),
        "shows nothing of the text");
}

void CheckSame(const ProfileSection* a, const ProfileSection* b) {
  Check((a == nullptr) == (b == nullptr), "the same sections");
  if (a == nullptr) return;
  Check(a->values == b->values && a->nested == b->nested, "the same values");
  Check(a->secret_access_key.Equals(b->secret_access_key) &&
            a->session_token.Equals(b->session_token),
        "the same secrets");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = InputText(data, size);
  for (const auto kind :
       {ProfileFile::Kind::kConfig, ProfileFile::Kind::kCredentials}) {
    const auto file = ProfileFile::Parse(Secret::CopyOf(text), kind, kPath);
    if (!file) CheckError(file.error());
    const auto crlf =
        ProfileFile::Parse(Secret::CopyOf(WithCrLf(text)), kind, kPath);
    Check(file.has_value() == crlf.has_value(), "line ends do not matter");
    if (!file) continue;
    for (const char* name : {"default", "a", "prod"}) {
      CheckSame(file->FindProfile(name), crlf->FindProfile(name));
      CheckSame(file->FindServices(name), crlf->FindServices(name));
    }
  }
  return 0;
}
