// SPDX-License-Identifier: MIT
#include "backend/key_file_format.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace openkeyring {
namespace {

// The first byte is none that a KMS blob (0x01) or text starts with; the line
// ends show a transfer that meddled with them.
constexpr std::array<uint8_t, 8> kMagic = {0x89, 'O',  'K',  'R',
                                           'K',  '\r', '\n', 0x1a};
constexpr uint16_t kVersion = 1;
constexpr size_t kDigest = 32;
constexpr size_t kMaxBlob = 6144;  // What KMS makes at most.

void PutNumber(Bytes& out, size_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

void PutField(Bytes& out, ByteView field) {
  PutNumber(out, field.size());
  out.insert(out.end(), field.begin(), field.end());
}

std::array<uint8_t, kDigest> Digest(ByteView bytes) {
  std::array<uint8_t, kDigest> digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(),
             nullptr);
  return digest;
}

// Takes from the front of borrowed bytes; does not move on failure.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}
  bool Number(uint16_t& value) {
    if (rest_.size() < 2) return false;
    value = static_cast<uint16_t>(rest_[0] << 8 | rest_[1]);
    rest_ = rest_.subspan(2);
    return true;
  }
  bool Field(ByteView& field) {
    const Reader start = *this;
    uint16_t size = 0;
    if (!Number(size) || rest_.size() < size) {
      *this = start;
      return false;
    }
    field = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }
  bool AtEnd() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

Status Damaged(const char* why) {
  return {StatusCode::kCorrupt, std::string("the key file is damaged: ") + why +
                                    "; restore it from a backup"};
}

Result<KeyFile> ReadFields(Reader reader) {
  const Status damaged = Damaged("its fields do not add up");
  KeyFile file;
  file.bound = true;
  uint16_t pairs = 0;
  if (!reader.Number(pairs)) return damaged;
  for (int i = 0; i < pairs; ++i) {
    ByteView name, value;
    if (!reader.Field(name) || !reader.Field(value)) return damaged;
    if (!file.binding.emplace(AsText(name), AsText(value)).second) {
      return damaged;
    }
  }
  ByteView wrapping_key, blob;
  if (!reader.Field(wrapping_key) || !reader.Field(blob) || !reader.AtEnd() ||
      blob.empty()) {
    return damaged;
  }
  file.wrapped.wrapping_key = AsText(wrapping_key);
  file.wrapped.blob.assign(blob.begin(), blob.end());
  return file;
}

// The whole of `text` as a number from 1 to `most`, in its one spelling.
std::optional<uint32_t> ParseNumber(std::string_view text, uint32_t most) {
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.starts_with('0') ||
      value > most) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::string KeyFileName(KeyVersion key) {
  return std::string(kKeyFilePrefix) + std::to_string(key.id) + "." +
         std::to_string(key.version);
}

std::optional<KeyVersion> ParseKeyFileName(std::string_view name) {
  if (!name.starts_with(kKeyFilePrefix)) return std::nullopt;
  name.remove_prefix(kKeyFilePrefix.size());
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto id = ParseNumber(name.substr(0, dot), 0xffffffff);
  const auto version = ParseNumber(name.substr(dot + 1), kMaxKeyVersion);
  if (!id || !version) return std::nullopt;
  return KeyVersion{*id, *version};
}

Bytes WriteBoundKeyFile(const WrappedKey& wrapped, const Binding& binding) {
  Bytes out(kMagic.begin(), kMagic.end());
  PutNumber(out, kVersion);
  PutNumber(out, binding.size());
  for (const auto& [name, value] : binding) {
    PutField(out, AsBytes(name));
    PutField(out, AsBytes(value));
  }
  PutField(out, AsBytes(wrapped.wrapping_key));
  PutField(out, wrapped.blob);
  const auto digest = Digest(out);
  out.insert(out.end(), digest.begin(), digest.end());
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
    return Damaged("it is cut short");
  }
  const ByteView fields = content.first(content.size() - kDigest);
  // Every version ends with the digest of all before it, so that damage is
  // told apart from news.
  if (!std::ranges::equal(Digest(fields), content.last(kDigest))) {
    return Damaged("its checksum is wrong");
  }
  Reader reader(fields.subspan(kMagic.size()));
  uint16_t version = 0;
  if (!reader.Number(version) || version != kVersion) {
    return Status(StatusCode::kMisconfigured,
                  "the key file has format version " + std::to_string(version) +
                      ", which a newer OpenKeyring wrote; use that one");
  }
  return ReadFields(reader);
}

}  // namespace openkeyring
