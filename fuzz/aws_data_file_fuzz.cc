// SPDX-License-Identifier: MIT
// Keyring files of keyring_aws: what is written is read back, what is read has
// one form, what is damaged is refused, whoever did it.
#include <fuzzer/FuzzedDataProvider.h>

#include "base/byte_codec.h"
#include "fuzz/check.h"
#include "storage/keyring_aws/aws_data_file_format.h"

using namespace openkeyring;

namespace {

// Whatever is accepted is what the writer writes.
void CheckAnyFile(ByteView content) {
  const Result<AwsKeyringContent> keyring = DecodeAwsDataFile(content);
  if (!keyring) {
    Check(keyring.error().code() == StatusCode::kCorrupt ||
              keyring.error().code() == StatusCode::kMisconfigured,
          "a refusal has a kind");
    return;
  }
  const Result<Bytes> again = EncodeAwsDataFile(*keyring);
  Check(again && std::ranges::equal(*again, content), "one form");
}

AwsKeyringContent Made(FuzzedDataProvider& input) {
  AwsKeyringContent keyring;
  keyring.generation = input.ConsumeIntegral<uint64_t>();
  const int keys = input.ConsumeIntegralInRange(0, 5);
  for (int i = 0; i < keys; ++i) {
    KeyName name = {"k" + input.ConsumeRandomLengthString(40),
                    input.ConsumeRandomLengthString(40)};
    auto key = std::make_shared<EncryptedKey>();
    key->type = input.ConsumeBool() ? "AES" : "SECRET";
    key->wrapped.wrapping_key = input.ConsumeRandomLengthString(60);
    key->wrapped.blob = input.ConsumeBytes<uint8_t>(
        input.ConsumeIntegralInRange<size_t>(1, 200));
    if (key->wrapped.blob.empty()) key->wrapped.blob = {1};
    keyring.keys[std::move(name)] = std::move(key);
  }
  return keyring;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView any(data, size);
  CheckAnyFile(any);
  Bytes digested(any.begin(), any.end());
  PutBytes(digested, *Sha256(any));
  CheckAnyFile(digested);

  FuzzedDataProvider input(data, size);
  const size_t place = input.ConsumeIntegral<uint16_t>();
  const uint8_t flip = input.ConsumeIntegral<uint8_t>();
  const Result<Bytes> content = EncodeAwsDataFile(Made(input));
  Check(content.status().ok(), "what fits is written");
  CheckAnyFile(*content);
  Check(DecodeAwsDataFile(*content).status().ok(), "what was written is read");
  const ByteView cut = ByteView(*content).first(place % content->size());
  Check(!DecodeAwsDataFile(cut), "a cut file is refused");
  Bytes damaged = *content;
  damaged[place % damaged.size()] ^= flip;
  Check(flip == 0 || !DecodeAwsDataFile(damaged), "damage is seen");
  return 0;
}
