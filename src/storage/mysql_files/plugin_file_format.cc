// SPDX-License-Identifier: MIT
#include "storage/mysql_files/plugin_file_format.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>

#include "crypto/digest.h"

namespace openkeyring {
namespace {

constexpr std::string_view kVersion1 = "Keyring file version:1.0";
constexpr std::string_view kVersion2 = "Keyring file version:2.0";
constexpr std::string_view kEnd = "EOF";
constexpr std::string_view kMask = "*305=Ljt0*!@$Hnm(*-9-w;:";
constexpr size_t kWords = 5;  // Total size, key id, type, user, key.
constexpr size_t kDigestBytes = 32;

// How the machine that wrote the file stored a size_t.
struct Layout {
  size_t word;
  bool big_endian;
};
constexpr Layout kLayouts[] = {{8, false}, {4, false}, {8, true}, {4, true}};

Status Corrupt(std::string what) {
  return {StatusCode::kCorrupt, std::move(what)};
}

uint64_t ReadWord(ByteView at, const Layout& layout) {
  uint64_t value = 0;
  for (size_t i = 0; i < layout.word; ++i) {
    const size_t shift = layout.big_endian ? layout.word - 1 - i : i;
    value |= uint64_t{at[i]} << (8 * shift);
  }
  return value;
}

std::string TextOf(ByteView bytes) { return std::string(AsText(bytes)); }

// The key that `keys` starts with, which is shortened by it. Nothing when this
// cannot be one in that layout.
std::optional<Key> TakeKey(ByteView& keys, const Layout& layout) {
  const size_t head = kWords * layout.word;
  if (keys.size() < head) return std::nullopt;
  std::array<uint64_t, kWords> sizes;
  for (size_t i = 0; i < kWords; ++i) {
    sizes[i] = ReadWord(keys.subspan(i * layout.word), layout);
    if (sizes[i] > keys.size()) return std::nullopt;
  }
  const uint64_t used = head + sizes[1] + sizes[2] + sizes[3] + sizes[4];
  const uint64_t padded = (used + layout.word - 1) / layout.word * layout.word;
  if (sizes[0] != padded || padded > keys.size()) return std::nullopt;
  if (sizes[1] == 0 || sizes[2] == 0 || sizes[4] == 0) return std::nullopt;
  const ByteView id = keys.subspan(head, sizes[1]);
  const ByteView type = keys.subspan(head + sizes[1], sizes[2]);
  const ByteView user = keys.subspan(head + sizes[1] + sizes[2], sizes[3]);
  const ByteView data =
      keys.subspan(head + sizes[1] + sizes[2] + sizes[3], sizes[4]);
  Key key{{TextOf(id), TextOf(user)}, TextOf(type), Secret::CopyOf(data)};
  const std::span<uint8_t> plain = key.data.RevealMutable();
  for (size_t i = 0; i < plain.size(); ++i) {
    plain[i] ^= static_cast<uint8_t>(kMask[i % kMask.size()]);
  }
  keys = keys.subspan(padded);
  return key;
}

std::optional<std::vector<Key>> TakeAll(ByteView bytes, const Layout& layout) {
  std::vector<Key> keys;
  while (!bytes.empty()) {
    std::optional<Key> key = TakeKey(bytes, layout);
    if (!key) return std::nullopt;
    keys.push_back(std::move(*key));
  }
  return keys;
}

Status CheckDigest(ByteView keys, ByteView digest) {
  const Result<Digest256> computed = Sha256(keys);
  if (!computed) return computed.error();
  // What the plugin notes for an empty keyring.
  if (keys.empty() && AsText(digest) == "01234567890123456789012345678901") {
    return Status::Ok();
  }
  return std::ranges::equal(*computed, digest)
             ? Status::Ok()
             : Corrupt("its checksum does not match");
}

}  // namespace

bool LooksLikePluginFile(ByteView start) {
  return AsText(start).starts_with("Keyring file version:");
}

Result<std::vector<Key>> ReadPluginFile(const Secret& content) {
  const std::string_view text = content.RevealText();
  const bool has_digest = text.starts_with(kVersion2);
  if (!has_digest && !text.starts_with(kVersion1)) {
    return Corrupt("it is not a file of the plugin keyring_file 1.0 or 2.0");
  }
  const size_t tail = kEnd.size() + (has_digest ? kDigestBytes : 0);
  if (text.size() < kVersion2.size() + tail ||
      text.substr(text.size() - tail, kEnd.size()) != kEnd) {
    return Corrupt("it is truncated");
  }
  const ByteView keys = content.RevealBytes().subspan(
      kVersion2.size(), text.size() - kVersion2.size() - tail);
  if (has_digest) {
    Status status = CheckDigest(keys, content.RevealBytes().last(kDigestBytes));
    if (!status.ok()) return status;
  }
  for (const Layout& layout : kLayouts) {
    std::optional<std::vector<Key>> found = TakeAll(keys, layout);
    if (!found) continue;
    std::set<KeyName> names;
    for (const Key& key : *found) {
      if (!names.insert(key.name).second) {
        return Corrupt(ToString(key.name) + " is duplicate");
      }
    }
    return std::move(*found);
  }
  return Corrupt("it has bytes that are not a key");
}

}  // namespace openkeyring
