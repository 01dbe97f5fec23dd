// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_outline.h"

#include <algorithm>
#include <optional>

#include "base/byte_codec.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

namespace openkeyring {
namespace {

constexpr size_t kPrefix = 20, kChecked = 16, kSalt = 32;
constexpr uint8_t kPut = 1, kRemove = 2, kDone = 3;

struct Prefix {
  uint8_t kind = 0;
  uint32_t size = 0;
  uint64_t sequence = 0;
};

// Nothing when the bytes are not the beginning of a record of that file.
Result<std::optional<Prefix>> ReadPrefix(ByteView bytes,
                                         const FileId& file_id) {
  if (bytes.size() < kPrefix) return std::optional<Prefix>();
  Bytes checked(file_id.begin(), file_id.end());
  PutBytes(checked, bytes.first(kChecked));
  const Result<Digest256> digest = Sha256(checked);
  if (!digest) return digest.error();
  if (!std::ranges::equal(bytes.subspan(kChecked, kPrefix - kChecked),
                          ByteView(*digest).first(kPrefix - kChecked))) {
    return std::optional<Prefix>();
  }
  Prefix prefix;
  ByteView mark;
  ByteReader reader(bytes);
  const bool complete =
      reader.TakeBytes(3, mark) && reader.TakeNumber(prefix.kind) &&
      reader.TakeNumber(prefix.size) && reader.TakeNumber(prefix.sequence);
  if (!complete || AsText(mark) != "OKR") return std::optional<Prefix>();
  return std::optional(prefix);
}

// False when the body is not that of a put or a remove.
bool Apply(const Prefix& prefix, ByteView body, SealedOutline& outline) {
  ByteReader reader(body);
  ByteView salt, data_id, owner, type;
  if (!reader.TakeBytes(kSalt, salt) || !reader.TakeField(data_id) ||
      !reader.TakeField(owner) || !reader.TakeField(type) ||
      reader.rest().size() < kAeadTag) {
    return false;
  }
  const KeyName name = {std::string(AsText(data_id)),
                        std::string(AsText(owner))};
  if (prefix.kind == kRemove) {
    outline.keys.erase(name);
  } else {
    outline.keys[name] = {std::string(AsText(type)),
                          reader.rest().size() - kAeadTag, prefix.sequence};
  }
  return true;
}

}  // namespace

Result<SealedOutline> OutlineSealedFile(ByteView content,
                                        const ReadHeader& read) {
  SealedOutline outline;
  outline.good = read.size;
  while (outline.good < content.size()) {
    const ByteView rest = content.subspan(outline.good);
    const auto prefix = ReadPrefix(rest, read.header.file_id);
    if (!prefix) return prefix.error();
    if (!*prefix || rest.size() - kPrefix < (*prefix)->size) break;
    const ByteView body = rest.subspan(kPrefix, (*prefix)->size);
    const uint8_t kind = (*prefix)->kind;
    if (kind != kDone && ((kind != kPut && kind != kRemove) ||
                          !Apply(**prefix, body, outline))) {
      break;
    }
    outline.good += kPrefix + body.size();
  }
  return outline;
}

}  // namespace openkeyring
