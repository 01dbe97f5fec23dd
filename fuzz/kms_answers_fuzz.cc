// SPDX-License-Identifier: MIT
// Answers of KMS, or of something that says it is KMS: never worse than
// kCorrupt, and the plaintext is gone from the body after reading.
#include <string>

#include "aws/kms_messages.h"
#include "base/encoding.h"
#include "fuzz/check.h"

using namespace openkeyring;

namespace {

template <typename T>
Result<T> Read(Result<T> (*read)(Secret&), Secret& body) {
  const size_t size = body.size();
  Result<T> result = read(body);
  Check(body.size() == size, "the size stays");
  Check(result || result.error().code() == StatusCode::kCorrupt, "its code");
  return result;
}

void CheckCiphertext(const KmsCiphertext& ciphertext) {
  Check(!ciphertext.blob.empty() && ciphertext.blob.size() <= kMaxKmsCiphertext,
        "the blob's size");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = InputText(data, size);
  Secret body = Secret::CopyOf(text);
  const Result<KmsPlaintext> plaintext = Read(ReadPlaintext, body);
  if (plaintext) Check(!Read(ReadPlaintext, body), "it cannot be read twice");
  body = Secret::CopyOf(text);
  const Result<KmsCiphertext> ciphertext = Read(ReadCiphertext, body);
  if (ciphertext) CheckCiphertext(*ciphertext);
  body = Secret::CopyOf(text);
  const auto description = Read(ReadKeyDescription, body);
  Check(!description || !description->arn.empty(), "a description has an ARN");
  return 0;
}
