// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_header.h"

#include <algorithm>
#include <utility>

#include "base/byte_codec.h"
#include "crypto/digest.h"

namespace openkeyring {
namespace {

// Neither JSON nor a KMS blob starts with the first byte; the line ends show a
// transfer that changed them.
constexpr std::array<uint8_t, 8> kMagic = {0x89, 'O',  'K',  'R',
                                           'S',  '\r', '\n', 0x1a};
constexpr uint16_t kNewestVersion = 2;
constexpr uint16_t kPutAllFeature = 1;
constexpr size_t kCheck = 32;             // The MAC, and the digest.
constexpr size_t kMaxHeader = 256 << 10;  // More than any context needs.
constexpr size_t kSizeAt = kMagic.size() + 2;
constexpr size_t kFixed = kSizeAt + 4 + 16 + 8 + 2;  // Up to the pairs.
constexpr std::string_view kMacInfo = "openkeyring sealed header";

Status Damaged(const char* why) {
  return {StatusCode::kCorrupt, std::string("the file's header is damaged: ") +
                                    why + "; restore the file from a backup"};
}

Status Newer(const std::string& what) {
  return {StatusCode::kMisconfigured,
          "the file has " + what +
              ", which a newer OpenKeyring wrote; use that one"};
}

bool TakeOnlySlot(ByteReader& reader, std::vector<KeySlot>& slots) {
  ByteView name, maker, blob;
  if (!reader.TakeField(name) || !reader.TakeField(maker) ||
      !reader.TakeField(blob)) {
    return false;
  }
  slots = {{1,
            SlotKind::kAwsKms,
            std::string(AsText(name)),
            std::string(AsText(maker)),
            {},
            Bytes(blob.begin(), blob.end())}};
  return CanBeWritten(slots);
}

// The checks are not part of it.
Result<SealedHeader> ReadFields(ByteReader reader, uint16_t version) {
  const Status damaged = Damaged("its fields do not add up");
  SealedHeader header;
  ByteView file_id;
  uint16_t features = 0;
  if (!reader.TakeBytes(header.file_id.size(), file_id) ||
      !reader.TakeNumber(header.generation) ||
      (version > 1 && !reader.TakeNumber(features))) {
    return damaged;
  }
  if (features > kPutAllFeature) {
    return Newer("format features " + std::to_string(features));
  }
  header.put_all = features != 0;
  std::ranges::copy(file_id, header.file_id.begin());
  if (!TakePairs(reader, header.context)) return damaged;
  const bool slots = version == 1 ? TakeOnlySlot(reader, header.slots)
                                  : TakeSlots(reader, header.slots);
  if (!slots || !reader.AtEnd()) return damaged;
  return header;
}

Status CheckFits(const SealedHeader& header, size_t size) {
  const auto fits = [](size_t length) { return length <= kMaxField; };
  if (CanBeWritten(header.slots) && size <= kMaxHeader &&
      fits(header.context.size()) &&
      std::ranges::all_of(header.context, [&](const auto& pair) {
        return fits(pair.first.size()) && fits(pair.second.size());
      })) {
    return Status::Ok();
  }
  return {StatusCode::kInvalidArgument,
          "the encryption context, the names of the keys and the key slots are "
          "too long for a keyring file, or a key slot is empty"};
}

Bytes WriteFields(const SealedHeader& header, uint16_t version) {
  Bytes out(kMagic.begin(), kMagic.end());
  PutNumber(out, version);
  PutNumber(out, uint32_t{0});  // The size, when it is known.
  PutBytes(out, header.file_id);
  PutNumber(out, header.generation);
  if (version > 1) {
    PutNumber(out, header.put_all ? kPutAllFeature : uint16_t{0});
  }
  PutPairs(out, header.context);
  if (version > 1) {
    PutSlots(out, header.slots);
    return out;
  }
  PutField(out, AsBytes(header.slots[0].name));
  PutField(out, AsBytes(header.slots[0].maker));
  PutField(out, header.slots[0].blob);
  return out;
}

Result<Digest256> HeaderMac(const SealedHeader& header, const Secret& data_key,
                            ByteView bytes) {
  Result<HkdfSha256> hkdf = HkdfSha256::Make();
  if (!hkdf) return hkdf.error();
  Secret key(kCheck);
  Status status = hkdf->Derive(data_key, header.file_id, AsBytes(kMacInfo),
                               key.RevealMutable());
  if (!status.ok()) return status;
  return HmacSha256(key, bytes);
}

}  // namespace

bool LooksSealed(ByteView content) {
  const size_t shared = std::min(content.size(), kMagic.size());
  return shared > 0 &&
         std::equal(kMagic.begin(), kMagic.begin() + shared, content.begin());
}

uint16_t VersionOf(const SealedHeader& header) {
  const bool first = !header.put_all && header.slots.size() == 1 &&
                     header.slots[0].kind == SlotKind::kAwsKms &&
                     header.slots[0].parameters.empty();
  return first ? 1 : 2;
}

Result<Bytes> WriteSealedHeader(const SealedHeader& header,
                                const Secret& data_key) {
  Bytes out = WriteFields(header, VersionOf(header));
  const size_t size = out.size() + 2 * kCheck;
  Status status = CheckFits(header, size);
  if (!status.ok()) return status;
  Bytes size_bytes;
  PutNumber(size_bytes, static_cast<uint32_t>(size));
  std::ranges::copy(size_bytes, out.begin() + kSizeAt);
  const Result<Digest256> mac = HeaderMac(header, data_key, out);
  if (!mac) return mac.error();
  PutBytes(out, *mac);
  const Result<Digest256> digest = Sha256(out);
  if (!digest) return digest.error();
  PutBytes(out, *digest);
  return out;
}

Result<ReadHeader> ReadSealedHeader(ByteView content) {
  if (content.size() < kMagic.size() || !LooksSealed(content)) {
    return Status(StatusCode::kCorrupt, "this is not a sealed keyring file");
  }
  ByteReader reader(content.subspan(kMagic.size()));
  uint16_t version = 0;
  uint32_t size = 0;
  if (!reader.TakeNumber(version) || !reader.TakeNumber(size)) {
    return Damaged("it is truncated");
  }
  if (size < kFixed + 2 * kCheck || size > kMaxHeader ||
      size > content.size()) {
    return Damaged("it is truncated, or its size is wrong");
  }
  // Every version has its size here and ends with the digest of all before it,
  // so that damage is told apart from news.
  const Result<Digest256> digest = Sha256(content.first(size - kCheck));
  if (!digest) return digest.error();
  if (!DigestsEqual(*digest, content.subspan(size - kCheck, kCheck))) {
    return Damaged("its checksum is wrong");
  }
  if (version == 0 || version > kNewestVersion) {
    return Newer("format version " + std::to_string(version));
  }
  const size_t fields = kSizeAt + 4;
  Result<SealedHeader> header = ReadFields(
      ByteReader(content.subspan(fields, size - fields - 2 * kCheck)), version);
  if (!header) return header.error();
  return ReadHeader{std::move(*header), version, size};
}

Status CheckSealedHeader(ByteView content, const ReadHeader& read,
                         const Secret& data_key) {
  const size_t mac_at = read.size - 2 * kCheck;
  const Result<Digest256> mac =
      HeaderMac(read.header, data_key, content.first(mac_at));
  if (!mac) return mac.error();
  if (DigestsEqual(*mac, content.subspan(mac_at, kCheck))) return Status::Ok();
  return {StatusCode::kCorrupt,
          "the file's header was changed by somebody without its data key; "
          "restore the file from a backup"};
}

}  // namespace openkeyring
