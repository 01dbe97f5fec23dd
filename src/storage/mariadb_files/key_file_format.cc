// SPDX-License-Identifier: MIT
#include "storage/mariadb_files/key_file_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_codec.h"
#include "base/encoding.h"
#include "crypto/digest.h"

namespace openkeyring {
namespace {

// Neither a KMS blob (0x01) nor text starts with the first byte; the line ends
// show a transfer that converted them.
constexpr std::array<uint8_t, 8> kMagic = {0x89, 'O',  'K',  'R',
                                           'K',  '\r', '\n', 0x1a};
constexpr uint16_t kVersion = 1, kVersionWithInstallation = 2;
constexpr size_t kDigest = 32;
constexpr size_t kMaxBlob = 6144;  // What KMS makes at most.

Status Damaged(const char* why) {
  return {StatusCode::kCorrupt, std::string("the key file is damaged: ") + why +
                                    "; restore it from a backup"};
}

std::string InstallationOf(const EncryptionContext& binding) {
  const auto found = binding.find(kInstallationContext);
  return found == binding.end() ? "" : found->second;
}

Result<KeyFile> ReadFields(uint16_t version, ByteReader reader) {
  const Status damaged = Damaged("its fields do not add up");
  KeyFile file;
  file.bound = true;
  uint16_t pairs = 0;
  if (!reader.TakeNumber(pairs)) return damaged;
  for (int i = 0; i < pairs; ++i) {
    ByteView name, value;
    if (!reader.TakeField(name) || !reader.TakeField(value)) return damaged;
    if (!file.binding.emplace(AsText(name), AsText(value)).second) {
      return damaged;
    }
  }
  ByteView wrapping_key, blob;
  if (!reader.TakeField(wrapping_key) || !reader.TakeField(blob) ||
      !reader.AtEnd() || blob.empty()) {
    return damaged;
  }
  file.wrapped.wrapping_key = AsText(wrapping_key);
  file.wrapped.blob.assign(blob.begin(), blob.end());
  const bool has_installation = !file.installation().empty();
  if (has_installation != (version == kVersionWithInstallation)) return damaged;
  return file;
}

}  // namespace

std::string KeyFile::installation() const { return InstallationOf(binding); }

Result<Bytes> WriteBoundKeyFile(const WrappedKey& wrapped,
                                const EncryptionContext& binding) {
  Bytes out(kMagic.begin(), kMagic.end());
  PutNumber(out, InstallationOf(binding).empty() ? kVersion
                                                 : kVersionWithInstallation);
  PutNumber(out, static_cast<uint16_t>(binding.size()));
  for (const auto& [name, value] : binding) {
    PutField(out, AsBytes(name));
    PutField(out, AsBytes(value));
  }
  PutField(out, AsBytes(wrapped.wrapping_key));
  PutField(out, wrapped.blob);
  const Result<Digest256> digest = Sha256(out);
  if (!digest) return digest.error();
  PutBytes(out, *digest);
  return out;
}

Result<KeyFile> ReadKeyFile(ByteView content) {
  if (content.empty()) return Damaged("it is empty");
  const size_t shared = std::min(content.size(), kMagic.size());
  if (!std::equal(kMagic.begin(), kMagic.begin() + shared, content.begin())) {
    if (content.size() > kMaxBlob) {
      return Damaged("it is larger than any wrapped key");
    }
    return KeyFile{{Bytes(content.begin(), content.end()), ""}, false, {}};
  }
  if (content.size() < kMagic.size() + 2 + kDigest) {
    return Damaged("it is truncated");
  }
  const ByteView fields = content.first(content.size() - kDigest);
  // Every version ends with the digest of all before it, so that damage can be
  // told from a newer version.
  const Result<Digest256> digest = Sha256(fields);
  if (!digest) return digest.error();
  if (!DigestsEqual(*digest, content.last(kDigest))) {
    return Damaged("its checksum is wrong");
  }
  ByteReader reader(fields.subspan(kMagic.size()));
  uint16_t version = 0;
  if (!reader.TakeNumber(version) ||
      (version != kVersion && version != kVersionWithInstallation)) {
    return Status(StatusCode::kMisconfigured,
                  "the key file has format version " + std::to_string(version) +
                      ", which a newer OpenKeyring wrote; use that one");
  }
  return ReadFields(version, reader);
}

}  // namespace openkeyring
