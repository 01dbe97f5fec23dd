// SPDX-License-Identifier: MIT
// Headers of sealed keyring files: what is written is read back and proves
// itself, what is damaged does not, whoever did it.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>

#include "base/byte_codec.h"
#include "crypto/digest.h"
#include "fuzz/check.h"
#include "storage/sealed/key_slots.h"
#include "storage/sealed/sealed_header.h"
#include "storage/sealed/sealed_names.h"

using namespace openkeyring;

namespace {

const Secret& DataKey() {
  static const Secret key = Secret::CopyOf(std::string(kDataKeyBytes, 'k'));
  return key;
}

// Ends with the digest of all before it, as everybody can make it.
Bytes Digested(ByteView content) {
  Bytes digested(content.begin(), content.end());
  PutBytes(digested, *Sha256(content));
  return digested;
}

void CheckAnyFile(ByteView content) {
  const Result<ReadHeader> read = ReadSealedHeader(content);
  Check(read.has_value() == ListSealedNames(content).has_value(),
        "names are listed of what has a header");
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
  // Version 2 may say what version 1 could have said.
  const bool same_version = VersionOf(read->header) == read->version;
  Check(again && (again->size() == read->size || !same_version),
        "as long as it was");
  const Result<ReadHeader> same = ReadSealedHeader(*again);
  SealedHeader expected = read->header;
  if (!same_version) expected.slots[0].number = 1;
  Check(same && same->header == expected, "any header round trip");
}

Bytes BytesOf(const std::string& text) { return {text.begin(), text.end()}; }

SealedHeader Made(FuzzedDataProvider& input) {
  SealedHeader header;
  for (uint8_t& byte : header.file_id) byte = input.ConsumeIntegral<uint8_t>();
  header.generation = input.ConsumeIntegral<uint64_t>();
  const int pairs = input.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < pairs; ++i) {
    header.context[input.ConsumeRandomLengthString(40)] =
        input.ConsumeRandomLengthString(40);
  }
  header.put_all = input.ConsumeBool();
  const int slots = input.ConsumeIntegralInRange(1, 4);
  uint16_t number = 0;
  for (int i = 0; i < slots; ++i) {
    KeySlot slot;
    number = static_cast<uint16_t>(
        number + input.ConsumeIntegralInRange<uint16_t>(1, 300));
    slot.number = number;
    slot.kind = static_cast<SlotKind>(input.ConsumeIntegralInRange(1, 5));
    slot.name = input.ConsumeRandomLengthString(60);
    slot.maker = input.ConsumeRandomLengthString(100);
    slot.parameters = BytesOf(input.ConsumeRandomLengthString(40));
    slot.blob = BytesOf(input.ConsumeRandomLengthString(600));
    if (slot.blob.empty()) slot.blob = {1};
    header.slots.push_back(std::move(slot));
  }
  if (VersionOf(header) == 1) header.slots[0].number = 1;
  return header;
}

// Another context in the header leaves each slot bound to what it was.
void CheckContexts(const SealedHeader& header) {
  const EncryptionContext other = {{"other", "pair"}};
  const Result<SealedHeader> changed = WithContext(header, other);
  if (!changed) {
    Check(changed.error().code() == StatusCode::kCorrupt, "bad parameters");
    return;
  }
  for (size_t i = 0; i < header.slots.size(); ++i) {
    if (header.slots[i].kind != SlotKind::kAwsKms) {
      Check(changed->slots[i] == header.slots[i], "not ours to change");
      continue;
    }
    const auto before = ContextOf(header.slots[i], header.context);
    const auto after = ContextOf(changed->slots[i], other);
    Check(before && after && *before == *after, "bound to the same pairs");
  }
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
  Check(read && read->header == header, "what was written is read");
  Check(read->version == VersionOf(header), "in the version that fits");
  CheckContexts(header);
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
