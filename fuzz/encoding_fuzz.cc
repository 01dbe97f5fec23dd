// SPDX-License-Identifier: MIT
// What is encoded decodes to itself, and every encoding has one spelling.
#include "base/encoding.h"
#include "fuzz/check.h"

using namespace openkeyring;

namespace {

void CheckBase64(std::string_view text, ByteView bytes) {
  const Result<Bytes> back = Base64Decode(Base64Encode(bytes));
  Check(back && std::ranges::equal(*back, bytes), "base64 round trip");
  const Result<Bytes> plain = Base64Decode(text);
  const Result<Secret> secret = Base64DecodeSecret(text);
  Check(plain.has_value() == secret.has_value(), "both readers agree");
  if (!plain) return;
  Check(std::ranges::equal(*plain, secret->RevealBytes()), "and on the bytes");
  Check(Base64Encode(*plain) == text, "base64 has one spelling");
  Secret written;
  Base64EncodeTo(*secret, written);
  Check(written.RevealText() == text, "both writers agree");
}

void CheckHex(std::string_view text, ByteView bytes) {
  const Result<Bytes> back = HexDecode(HexEncode(bytes));
  Check(back && std::ranges::equal(*back, bytes), "hex round trip");
  if (const Result<Bytes> plain = HexDecode(text)) {
    Check(HexEncode(*plain) == AsciiLower(text), "hex has one spelling");
  }
}

void CheckPercent(std::string_view text) {
  for (const bool keep_slash : {false, true}) {
    const std::string encoded = PercentEncode(text, keep_slash);
    Check(PercentDecode(encoded) == text, "percent round trip");
    Check(PercentDecode(encoded, true) == text, "also as a form");
  }
  Check(PercentDecode(text).size() <= text.size(), "decoding never grows");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = InputText(data, size);
  CheckBase64(text, {data, size});
  CheckHex(text, {data, size});
  CheckPercent(text);
  const std::string_view trimmed = Trim(text);
  Check(Trim(trimmed) == trimmed, "Trim is idempotent");
  return 0;
}
