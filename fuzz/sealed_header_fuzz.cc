// SPDX-License-Identifier: MIT
// Headers of sealed keyring files: what is written is read back and proves
// itself, what is damaged does not, whoever did it.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>

#include "base/byte_codec.h"
#include "crypto/digest.h"
#include "fuzz/check.h"
#include "storage/sealed/sealed_header.h"

using namespace openkeyring;

namespace {

const Secret& DataKey() {
  static const Secret key = Secret::CopyOf(std::string(kDataKeyBytes, 'k'));
  return key;
}

bool Same(const SealedHeader& a, const SealedHeader& b) {
  return a.file_id == b.file_id && a.generation == b.generation &&
         a.context == b.context && a.kms_key == b.kms_key &&
         a.data_key.blob == b.data_key.blob &&
         a.data_key.wrapping_key == b.data_key.wrapping_key;
}

// Ends with the digest of all before it, as everybody can make it.
Bytes Digested(ByteView content) {
  Bytes digested(content.begin(), content.end());
  PutBytes(digested, *Sha256(content));
  return digested;
}

void CheckAnyFile(ByteView content) {
  const Result<ReadHeader> read = ReadSealedHeader(content);
  if (!read) {
    Check(read.error().code() == StatusCode::kCorrupt ||
              read.error().code() == StatusCode::kMisconfigured,
          "a file is damaged, or too new");
    return;
  }
  Check(LooksSealed(content), "what is read looks sealed");
  Check(read->size <= content.size(), "records start within the file");
  Check(!CheckSealedHeader(content, *read, DataKey()).ok(), "nobody can forge");
  const Result<Bytes> again = WriteSealedHeader(read->header, DataKey());
  Check(again && again->size() == read->size, "as long as it was");
  const Result<ReadHeader> same = ReadSealedHeader(*again);
  Check(same && Same(same->header, read->header), "any header round trip");
}

SealedHeader Made(FuzzedDataProvider& input) {
  SealedHeader header;
  for (uint8_t& byte : header.file_id) byte = input.ConsumeIntegral<uint8_t>();
  header.generation = input.ConsumeIntegral<uint64_t>();
  const int pairs = input.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < pairs; ++i) {
    header.context[input.ConsumeRandomLengthString(40)] =
        input.ConsumeRandomLengthString(40);
  }
  header.kms_key = input.ConsumeRandomLengthString(60);
  header.data_key.wrapping_key = input.ConsumeRandomLengthString(100);
  header.data_key.blob = input.ConsumeRemainingBytes<uint8_t>();
  if (header.data_key.blob.empty()) header.data_key.blob = {1};
  return header;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckAnyFile({data, size});
  CheckAnyFile(Digested({data, size}));
  FuzzedDataProvider input(data, size);
  const size_t place = input.ConsumeIntegral<uint16_t>();
  const uint8_t flip = input.ConsumeIntegral<uint8_t>();
  const SealedHeader header = Made(input);
  const Result<Bytes> written = WriteSealedHeader(header, DataKey());
  if (!written) {
    Check(size > kMaxField, "what fits is written");
    return 0;
  }
  Bytes content = *written;
  const Result<ReadHeader> read = ReadSealedHeader(content);
  Check(read && Same(read->header, header), "what was written is read");
  Check(CheckSealedHeader(content, *read, DataKey()).ok(), "it proves itself");
  Check(!ReadSealedHeader(ByteView(content).first(place % content.size())),
        "a cut header is refused");
  if (flip == 0) return 0;
  content[place % content.size()] ^= flip;
  Check(!ReadSealedHeader(content), "damage is seen");
  if (place % content.size() >= content.size() - 32) return 0;
  const Bytes forged = Digested(ByteView(content).first(content.size() - 32));
  const Result<ReadHeader> changed = ReadSealedHeader(forged);
  Check(!changed || !CheckSealedHeader(forged, *changed, DataKey()).ok(),
        "a changed header does not prove itself");
  return 0;
}
