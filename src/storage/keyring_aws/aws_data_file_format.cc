// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/aws_data_file_format.h"

#include <algorithm>
#include <utility>

#include "base/byte_codec.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

// No text file starts with the first byte; the line ends reveal a transfer that
// converted them.
constexpr std::array<uint8_t, 8> kMagic = {0x89, 'O',  'K',  'R',
                                           'A',  '\r', '\n', 0x1a};
constexpr uint16_t kVersion = 1;
constexpr size_t kDigest = 32;
constexpr size_t kMaxBlob = 6144;  // AWS KMS's limit for a CiphertextBlob.
constexpr size_t kMaxType = 64;
constexpr size_t kMaxArn = 2048;

Status Damaged(const char* why) {
  return {StatusCode::kCorrupt,
          std::string("it is damaged: ") + why + "; restore it from a backup"};
}

bool Within(size_t size, size_t least, size_t most) {
  return size >= least && size <= most;
}

bool FitsRecord(const KeyName& name, const EncryptedKey& key) {
  return Within(name.data_id.size(), 1, kMaxAwsKeyName) &&
         Within(name.auth_id.size(), 0, kMaxAwsKeyName) &&
         Within(key.type.size(), 1, kMaxType) &&
         Within(key.wrapped.wrapping_key.size(), 0, kMaxArn) &&
         Within(key.wrapped.blob.size(), 1, kMaxBlob);
}

// The next record, after all that are there.
Status ReadRecord(ByteReader& reader, AwsKeyringContent& keyring) {
  ByteView id, owner, type, arn, blob;
  if (!reader.TakeField(id) || !reader.TakeField(owner) ||
      !reader.TakeField(type) || !reader.TakeField(arn) ||
      !reader.TakeField(blob)) {
    return Damaged("a record is truncated");
  }
  KeyName name = {std::string(AsText(id)), std::string(AsText(owner))};
  auto key = std::make_shared<EncryptedKey>();
  key->type = AsText(type);
  key->wrapped.wrapping_key = AsText(arn);
  key->wrapped.blob.assign(blob.begin(), blob.end());
  if (!FitsRecord(name, *key)) return Damaged("a field has an impossible size");
  if (!keyring.keys.empty() && keyring.keys.rbegin()->first >= name) {
    return Damaged("its records are out of order");
  }
  keyring.keys.emplace_hint(keyring.keys.end(), std::move(name),
                            std::move(key));
  return Status::Ok();
}

}  // namespace

Result<Bytes> EncodeAwsDataFile(const AwsKeyringContent& keyring) {
  Bytes out(kMagic.begin(), kMagic.end());
  PutNumber(out, kVersion);
  PutBytes(out, keyring.file_id);
  PutNumber(out, keyring.generation);
  PutNumber(out, static_cast<uint32_t>(keyring.keys.size()));
  for (const auto& [name, key] : keyring.keys) {
    if (!FitsRecord(name, *key)) {
      return Status(StatusCode::kInvalidArgument,
                    ToString(name) + " does not fit into a keyring_aws file");
    }
    PutField(out, AsBytes(name.data_id));
    PutField(out, AsBytes(name.auth_id));
    PutField(out, AsBytes(key->type));
    PutField(out, AsBytes(key->wrapped.wrapping_key));
    PutField(out, key->wrapped.blob);
  }
  if (out.size() + kDigest > kMaxAwsDataFile) {
    return Status(StatusCode::kInvalidArgument,
                  "the keyring_aws file would grow too large: remove keys");
  }
  const Result<Digest256> digest = Sha256(out);
  if (!digest) return digest.error();
  PutBytes(out, *digest);
  return out;
}

Result<Digest256> CheckedDigest(ByteView content) {
  if (content.size() < kMagic.size() + kDigest)
    return Damaged("it is truncated");
  const ByteView body = content.first(content.size() - kDigest);
  const Result<Digest256> digest = Sha256(body);
  if (!digest) return digest.error();
  if (!DigestsEqual(*digest, content.last(kDigest))) {
    return Damaged("its checksum is wrong");
  }
  return digest;
}

Result<AwsKeyringContent> DecodeAwsDataFile(ByteView content) {
  const bool ours = content.size() >= kMagic.size() &&
                    std::ranges::equal(content.first(kMagic.size()), kMagic);
  if (!ours) {
    return Status(
        StatusCode::kCorrupt,
        "it is not a data file of this keyring_aws; migrate the keys of "
        "MySQL Enterprise instead");
  }
  const Result<Digest256> digest = CheckedDigest(content);
  if (!digest) return digest.error();
  ByteReader reader(
      content.first(content.size() - kDigest).subspan(kMagic.size()));
  uint16_t version = 0;
  if (!reader.TakeNumber(version)) return Damaged("it is truncated");
  if (version != kVersion) {
    return Status(StatusCode::kMisconfigured,
                  "it has format version " + std::to_string(version) +
                      ", written by a newer OpenKeyring: use that version");
  }
  AwsKeyringContent keyring;
  ByteView file_id;
  uint32_t count = 0;
  if (!reader.TakeBytes(keyring.file_id.size(), file_id) ||
      !reader.TakeNumber(keyring.generation) || !reader.TakeNumber(count)) {
    return Damaged("it is truncated");
  }
  std::ranges::copy(file_id, keyring.file_id.begin());
  for (uint32_t i = 0; i < count; ++i) {
    const Status status = ReadRecord(reader, keyring);
    if (!status.ok()) return status;
  }
  if (!reader.AtEnd()) return Damaged("something follows its records");
  return keyring;
}

EncryptionContext AwsKeyContext(const FileId& file_id, const KeyName& name,
                                const std::string& type) {
  EncryptionContext binding = {{"openkeyring:product", "keyring_aws"},
                               {"openkeyring:file-id", HexEncode(file_id)},
                               {"openkeyring:key-id", name.data_id},
                               {"openkeyring:type", type}};
  if (!name.auth_id.empty()) binding["openkeyring:owner"] = name.auth_id;
  return binding;
}

}  // namespace openkeyring
