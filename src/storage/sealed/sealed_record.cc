// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_record.h"

#include <algorithm>
#include <array>

#include "base/byte_codec.h"
#include "crypto/aead.h"

namespace openkeyring {
namespace {

constexpr std::array<uint8_t, 3> kMark = {'O', 'K', 'R'};
constexpr size_t kPrefixChecked = 16;
constexpr size_t kPrefixCheck = kRecordPrefix - kPrefixChecked;
// Three fields and a key, with their sizes, a salt and a tag.
constexpr size_t kMaxRecord =
    3 * (kMaxField + 2) + kMaxKeyBytes + kRecordSalt + kAeadTag;

Status BadRecord(const char* why) { return {StatusCode::kCorrupt, why}; }

Status NoPrefix() {
  return BadRecord("a record does not start with its prefix");
}

Status DoNotAddUp() { return BadRecord("a record's fields do not add up"); }

bool TakeName(ByteReader& reader, NamedKey& key) {
  ByteView data_id, auth_id, type;
  if (!reader.TakeField(data_id) || !reader.TakeField(auth_id) ||
      !reader.TakeField(type)) {
    return false;
  }
  key.data_id = AsText(data_id);
  key.auth_id = AsText(auth_id);
  key.type = AsText(type);
  return true;
}

// Of a kPutAll. The sizes of its keys must add up to what follows.
bool TakeNames(ByteReader& reader, std::vector<NamedKey>& keys) {
  uint32_t count = 0;
  if (!reader.TakeNumber(count) || count == 0) return false;
  uint64_t total = 0;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t size = 0;
    NamedKey key;
    if (!TakeName(reader, key) || !reader.TakeNumber(size)) return false;
    key.size = size;
    total += size;
    keys.push_back(key);
  }
  return total + kAeadTag == reader.rest().size();
}

Status CheckKey(const NamedKey& key) {
  if (key.data_id.size() > kMaxField || key.auth_id.size() > kMaxField ||
      key.type.size() > kMaxField) {
    return {StatusCode::kInvalidArgument,
            "its data id, owner or type has more than 65535 bytes"};
  }
  // A reader takes what is larger for a torn end.
  if (key.size > kMaxKeyBytes) {
    return {StatusCode::kInvalidArgument,
            "it has more than " + std::to_string(kMaxKeyBytes) + " bytes"};
  }
  return Status::Ok();
}

}  // namespace

Result<RecordPrefixes> RecordPrefixes::Make(const RecordFile& file) {
  Result<Sha256Hasher> hasher = Sha256Hasher::Make();
  if (!hasher) return hasher.error();
  return RecordPrefixes(file, std::move(*hasher));
}

// With the file id, so that nobody who may choose a key's name can make a part
// of it look like a record.
Result<Digest256> RecordPrefixes::Check(ByteView checked) {
  Digest256 digest;
  Status status = hasher_.Digest({file_.id, checked}, digest);
  if (!status.ok()) return status;
  return digest;
}

bool RecordPrefixes::IsPossible(const RecordPrefix& prefix) const {
  switch (prefix.kind) {
    case RecordKind::kDone:
      return prefix.size == 0;
    case RecordKind::kPut:
    case RecordKind::kRemove:
      return prefix.size > 0 && prefix.size <= kMaxRecord;
    case RecordKind::kPutAll:
      return file_.put_all && prefix.size > 0 && prefix.size <= kMaxPutAll;
  }
  return false;
}

Result<Bytes> RecordPrefixes::Write(const RecordPrefix& prefix) {
  Bytes out(kMark.begin(), kMark.end());
  out.push_back(static_cast<uint8_t>(prefix.kind));
  PutNumber(out, prefix.size);
  PutNumber(out, prefix.sequence);
  const Result<Digest256> check = Check(out);
  if (!check) return check.error();
  PutBytes(out, ByteView(*check).first(kPrefixCheck));
  return out;
}

Result<RecordPrefix> RecordPrefixes::Read(ByteView bytes) {
  if (bytes.size() < kRecordPrefix) return BadRecord("a record is truncated");
  if (!std::equal(kMark.begin(), kMark.end(), bytes.begin())) return NoPrefix();
  const Result<Digest256> check = Check(bytes.first(kPrefixChecked));
  if (!check) return check.error();
  if (!std::equal(check->begin(), check->begin() + kPrefixCheck,
                  bytes.begin() + kPrefixChecked)) {
    return NoPrefix();
  }
  RecordPrefix prefix{static_cast<RecordKind>(bytes[kMark.size()]), 0, 0};
  ByteReader reader(bytes.subspan(kMark.size() + 1));
  if (!reader.TakeNumber(prefix.size) || !reader.TakeNumber(prefix.sequence) ||
      !IsPossible(prefix)) {
    return BadRecord("a record is of an unknown kind");
  }
  return prefix;
}

// The mark of a record is written after it was synced, and so is the record
// that follows it. Blocks reach the disk in any order, so nothing else is
// proof.
bool RecordPrefixes::ProvesSynced(ByteView rest, uint64_t sequence) {
  for (;;) {
    const auto next =
        std::search(rest.begin(), rest.end(), kMark.begin(), kMark.end());
    rest = rest.subspan(static_cast<size_t>(next - rest.begin()));
    if (rest.empty()) return false;
    const Result<RecordPrefix> prefix = Read(rest);
    if (!prefix && prefix.error().code() != StatusCode::kCorrupt) return true;
    if (prefix) {
      const bool is_done = prefix->kind == RecordKind::kDone;
      if (prefix->sequence >= sequence + (is_done ? 0 : 1)) return true;
    }
    rest = rest.subspan(1);
  }
}

Result<RecordFields> ReadRecordFields(RecordKind kind, ByteView record) {
  RecordFields fields;
  ByteView salt;
  ByteReader reader(record.subspan(kRecordPrefix));
  if (!reader.TakeBytes(kRecordSalt, salt)) return DoNotAddUp();
  if (kind == RecordKind::kPutAll) {
    if (!TakeNames(reader, fields.keys)) return DoNotAddUp();
  } else {
    NamedKey key;
    if (!TakeName(reader, key) || reader.rest().size() < kAeadTag) {
      return DoNotAddUp();
    }
    key.size = reader.rest().size() - kAeadTag;
    fields.keys.push_back(key);
  }
  fields.clear_size = record.size() - reader.rest().size();
  return fields;
}

Result<Bytes> WriteRecordFields(RecordKind kind,
                                const std::vector<NamedKey>& keys) {
  Bytes out;
  const bool many = kind == RecordKind::kPutAll;
  if (many) PutNumber(out, static_cast<uint32_t>(keys.size()));
  size_t size = kRecordSalt + kAeadTag;
  for (const NamedKey& key : keys) {
    Status status = CheckKey(key);
    if (!status.ok()) return status;
    PutField(out, AsBytes(key.data_id));
    PutField(out, AsBytes(key.auth_id));
    PutField(out, AsBytes(key.type));
    if (many) PutNumber(out, static_cast<uint32_t>(key.size));
    size += key.size;
  }
  if (!many || size + out.size() <= kMaxPutAll) return out;
  return Status(StatusCode::kInvalidArgument,
                "keys that are stored at once have more than " +
                    std::to_string(kMaxPutAll) + " bytes");
}

}  // namespace openkeyring
