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
constexpr uint16_t kVersion = 1;
constexpr size_t kCheck = 32;             // The MAC, and the digest.
constexpr size_t kMaxHeader = 256 << 10;  // More than any context needs.
constexpr size_t kSizeAt = kMagic.size() + 2;
constexpr size_t kFixed = kSizeAt + 4 + 16 + 8 + 2;  // Up to the pairs.
constexpr std::string_view kMacInfo = "openkeyring sealed header";

Status Damaged(const char* why) {
  return {StatusCode::kCorrupt, std::string("the file's header is damaged: ") +
                                    why + "; restore the file from a backup"};
}

// The checks are not part of it.
Result<SealedHeader> ReadFields(ByteReader reader) {
  const Status damaged = Damaged("its fields do not add up");
  SealedHeader header;
  ByteView file_id, kms_key, arn, blob;
  uint16_t pairs = 0;
  if (!reader.TakeBytes(header.file_id.size(), file_id) ||
      !reader.TakeNumber(header.generation) || !reader.TakeNumber(pairs)) {
    return damaged;
  }
  std::ranges::copy(file_id, header.file_id.begin());
  for (int i = 0; i < pairs; ++i) {
    ByteView name, value;
    if (!reader.TakeField(name) || !reader.TakeField(value) ||
        !header.context.emplace(AsText(name), AsText(value)).second) {
      return damaged;
    }
  }
  if (!reader.TakeField(kms_key) || !reader.TakeField(arn) ||
      !reader.TakeField(blob) || !reader.AtEnd() || blob.empty()) {
    return damaged;
  }
  header.kms_key = AsText(kms_key);
  header.data_key.wrapping_key = AsText(arn);
  header.data_key.blob.assign(blob.begin(), blob.end());
  return header;
}

bool FitsFields(const SealedHeader& header) {
  const auto fits = [](size_t size) { return size <= kMaxField; };
  return fits(header.kms_key.size()) &&
         fits(header.data_key.wrapping_key.size()) &&
         fits(header.data_key.blob.size()) && fits(header.context.size()) &&
         std::ranges::all_of(header.context, [&](const auto& pair) {
           return fits(pair.first.size()) && fits(pair.second.size());
         });
}

Result<Digest256> HeaderMac(const SealedHeader& header, const Secret& data_key,
                            ByteView bytes) {
  const Result<HkdfSha256> hkdf = HkdfSha256::Make();
  if (!hkdf) return hkdf.error();
  const Result<Secret> key =
      hkdf->Derive(data_key, header.file_id, AsBytes(kMacInfo), kCheck);
  if (!key) return key.error();
  return HmacSha256(*key, bytes);
}

}  // namespace

bool LooksSealed(ByteView content) {
  const size_t shared = std::min(content.size(), kMagic.size());
  return shared > 0 &&
         std::equal(kMagic.begin(), kMagic.begin() + shared, content.begin());
}

Result<Bytes> WriteSealedHeader(const SealedHeader& header,
                                const Secret& data_key) {
  Bytes out(kMagic.begin(), kMagic.end());
  PutNumber(out, kVersion);
  PutNumber(out, uint32_t{0});  // The size, when it is known.
  PutBytes(out, header.file_id);
  PutNumber(out, header.generation);
  PutNumber(out, static_cast<uint16_t>(header.context.size()));
  for (const auto& [name, value] : header.context) {
    PutField(out, AsBytes(name));
    PutField(out, AsBytes(value));
  }
  PutField(out, AsBytes(header.kms_key));
  PutField(out, AsBytes(header.data_key.wrapping_key));
  PutField(out, header.data_key.blob);
  if (header.data_key.blob.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "the wrapped data key is empty");
  }
  const size_t size = out.size() + 2 * kCheck;
  if (!FitsFields(header) || size > kMaxHeader) {
    return Status(StatusCode::kInvalidArgument,
                  "the encryption context and the KMS key's name are too long "
                  "for a keyring file");
  }
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
  if (version != kVersion) {
    return Status(StatusCode::kMisconfigured,
                  "the file has format version " + std::to_string(version) +
                      ", which a newer OpenKeyring wrote; use that one");
  }
  const size_t fields = kSizeAt + 4;
  Result<SealedHeader> header = ReadFields(
      ByteReader(content.subspan(fields, size - fields - 2 * kCheck)));
  if (!header) return header.error();
  return ReadHeader{std::move(*header), size};
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
