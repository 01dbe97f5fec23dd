// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_log.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/byte_codec.h"

namespace openkeyring {
namespace {

constexpr std::array<uint8_t, 3> kMark = {'O', 'K', 'R'};
constexpr std::string_view kRecordInfo = "openkeyring sealed record";
constexpr std::string_view kSaltInfo = "openkeyring record salt";
constexpr size_t kPrefix = 20, kPrefixChecked = 16, kSalt = 32;
// Three fields and a key, with their sizes, a salt and a tag.
constexpr size_t kMaxRecord =
    3 * (kMaxField + 2) + kMaxKeyBytes + kSalt + kAeadTag;

constexpr char kTruncated[] = "a record is truncated";
constexpr char kNoPrefix[] = "a record does not start with its prefix";

Status BadRecord(const char* why) { return {StatusCode::kCorrupt, why}; }

}  // namespace

Result<std::unique_ptr<SealedLog>> SealedLog::Make(const Secret& data_key,
                                                   const FileId& file_id,
                                                   uint64_t generation,
                                                   Random& random) {
  std::unique_ptr<SealedLog> log(new SealedLog(file_id, generation, random));
  Bytes info(kRecordInfo.begin(), kRecordInfo.end());
  PutBytes(info, file_id);
  Result<std::unique_ptr<DerivedKeyAead>> aead =
      DerivedKeyAead::Make(data_key, info);
  if (!aead) return aead.error();
  log->aead_ = std::move(*aead);
  const Result<HkdfSha256> hkdf = HkdfSha256::Make();
  if (!hkdf) return hkdf.error();
  Result<Secret> salt_key =
      hkdf->Derive(data_key, file_id, AsBytes(kSaltInfo), kSalt);
  if (!salt_key) return salt_key.error();
  log->salt_key_ = std::move(*salt_key);
  return log;
}

// With the file id, so that nobody who may choose a key's name can make a part
// of it look like a record.
Result<Bytes> SealedLog::PrefixCheck(ByteView checked) const {
  Bytes all(file_id_.begin(), file_id_.end());
  PutBytes(all, checked);
  const Result<Digest256> digest = Sha256(all);
  if (!digest) return digest.error();
  return Bytes(digest->begin(), digest->begin() + (kPrefix - kPrefixChecked));
}

Result<Bytes> SealedLog::WritePrefix(const Prefix& prefix) const {
  Bytes out(kMark.begin(), kMark.end());
  out.push_back(static_cast<uint8_t>(prefix.kind));
  PutNumber(out, prefix.size);
  PutNumber(out, prefix.sequence);
  const Result<Bytes> check = PrefixCheck(out);
  if (!check) return check.error();
  PutBytes(out, *check);
  return out;
}

Result<SealedLog::Prefix> SealedLog::ReadPrefix(ByteView bytes) const {
  if (bytes.size() < kPrefix) return BadRecord(kTruncated);
  if (!std::equal(kMark.begin(), kMark.end(), bytes.begin())) {
    return BadRecord(kNoPrefix);
  }
  const Result<Bytes> check = PrefixCheck(bytes.first(kPrefixChecked));
  if (!check) return check.error();
  if (!std::ranges::equal(
          *check, bytes.subspan(kPrefixChecked, kPrefix - kPrefixChecked))) {
    return BadRecord(kNoPrefix);
  }
  Prefix prefix{static_cast<Kind>(bytes[kMark.size()]), 0, 0};
  ByteReader reader(bytes.subspan(kMark.size() + 1));
  if (!reader.TakeNumber(prefix.size) || !reader.TakeNumber(prefix.sequence)) {
    return BadRecord(kTruncated);
  }
  const bool is_done = prefix.kind == Kind::kDone;
  if ((!is_done && prefix.kind != Kind::kPut && prefix.kind != Kind::kRemove) ||
      is_done != (prefix.size == 0) || prefix.size > kMaxRecord) {
    return BadRecord("a record is of an unknown kind");
  }
  return prefix;
}

// Whether anything in `rest` proves that record number `sequence` was synced:
// its mark is written after that, and so is the record that follows it. Blocks
// reach the disk in any order, so nothing else does.
bool SealedLog::ProvesSynced(ByteView rest, uint64_t sequence) const {
  for (;;) {
    const auto next =
        std::search(rest.begin(), rest.end(), kMark.begin(), kMark.end());
    rest = rest.subspan(static_cast<size_t>(next - rest.begin()));
    if (rest.empty()) return false;
    const Result<Prefix> prefix = ReadPrefix(rest);
    if (!prefix && prefix.error().code() != StatusCode::kCorrupt) return true;
    if (prefix) {
      const bool is_done = prefix->kind == Kind::kDone;
      if (prefix->sequence >= sequence + (is_done ? 0 : 1)) return true;
    }
    rest = rest.subspan(1);
  }
}

Bytes SealedLog::AdditionalData(ByteView clear) const {
  Bytes data(file_id_.begin(), file_id_.end());
  PutNumber(data, generation_);
  PutBytes(data, tag_);
  PutBytes(data, clear);
  return data;
}

Result<Bytes> SealedLog::Seal(Kind kind, const Key& record) {
  const KeyName& name = record.name;
  if (name.data_id.size() > kMaxField || name.auth_id.size() > kMaxField ||
      record.type.size() > kMaxField) {
    return Status(StatusCode::kInvalidArgument,
                  "its data id, owner or type has more than 65535 bytes");
  }
  // ReadPrefix takes what is larger for a torn end.
  if (record.data.size() > kMaxKeyBytes) {
    return Status(
        StatusCode::kInvalidArgument,
        "it has more than " + std::to_string(kMaxKeyBytes) + " bytes");
  }
  const size_t size = kSalt + 3 * 2 + name.data_id.size() +
                      name.auth_id.size() + record.type.size() +
                      record.data.size() + kAeadTag;
  Result<Bytes> prefix =
      WritePrefix({kind, static_cast<uint32_t>(size), sequence_ + 1});
  if (!prefix) return prefix.error();
  Bytes fields;
  PutField(fields, AsBytes(name.data_id));
  PutField(fields, AsBytes(name.auth_id));
  PutField(fields, AsBytes(record.type));
  const Result<Digest256> salt = MakeSalt(*prefix, fields, record.data);
  if (!salt) return salt.error();
  Bytes out = std::move(*prefix);
  PutBytes(out, *salt);
  PutBytes(out, fields);
  Result<Bytes> sealed = aead_->Seal(*salt, AdditionalData(out), record.data);
  if (!sealed) return sealed.error();
  PutBytes(out, *sealed);
  std::copy(out.end() - kAeadTag, out.end(), sealed_tag_.begin());
  return out;
}

// Random, and different for different records even where the random source
// repeats itself, as in two clones of one virtual machine.
Result<Digest256> SealedLog::MakeSalt(ByteView prefix, ByteView fields,
                                      const Secret& data) {
  std::array<uint8_t, kSalt> random;
  Status status = random_.Fill(random);
  if (!status.ok()) return status;
  Secret all = Secret::CopyOf(ByteView(random));
  all.Append(AdditionalData(prefix));
  all.Append(fields);
  all.Append(data.RevealBytes());
  return HmacSha256(salt_key_, all.RevealBytes());
}

Result<Bytes> SealedLog::SealPut(const Key& key) {
  return Seal(Kind::kPut, key);
}

Result<Bytes> SealedLog::SealRemove(const Key& key) {
  return Seal(Kind::kRemove, Key{key.name, "", Secret()});
}

void SealedLog::Advance() {
  ++sequence_;
  tag_ = sealed_tag_;
}

Result<Bytes> SealedLog::Done() const {
  return WritePrefix({Kind::kDone, 0, sequence_});
}

size_t SealedLog::RecordSize(const Key& key) {
  return 2 * kPrefix + kSalt + 3 * 2 + key.name.data_id.size() +
         key.name.auth_id.size() + key.type.size() + key.data.size() + kAeadTag;
}

Result<Key> SealedLog::Open(ByteView record) {
  ByteReader reader(record.subspan(kPrefix));
  ByteView salt, data_id, auth_id, type;
  if (!reader.TakeBytes(kSalt, salt) || !reader.TakeField(data_id) ||
      !reader.TakeField(auth_id) || !reader.TakeField(type)) {
    return BadRecord("a record's fields do not add up");
  }
  const ByteView clear = record.first(record.size() - reader.rest().size());
  Result<Secret> data = aead_->Open(salt, AdditionalData(clear), reader.rest());
  if (!data) return data.error();
  std::copy(record.end() - kAeadTag, record.end(), sealed_tag_.begin());
  return Key{{std::string(AsText(data_id)), std::string(AsText(auth_id))},
             std::string(AsText(type)),
             std::move(*data)};
}

// The record or mark at the start of `rest`.
SealedLog::Seen SealedLog::ReplayOne(ByteView rest,
                                     std::map<KeyName, Key>& keys) {
  const Result<Prefix> prefix = ReadPrefix(rest);
  if (!prefix) return {prefix.error(), 0, true};
  const size_t size = kPrefix + prefix->size;
  const bool is_done = prefix->kind == Kind::kDone;
  if (prefix->sequence != sequence_ + (is_done ? 0 : 1)) {
    return {BadRecord("a record is missing or duplicate"), 0, false};
  }
  if (is_done) return {Status::Ok(), size, false};
  if (size > rest.size()) return {BadRecord(kTruncated), 0, true};
  Result<Key> key = Open(rest.first(size));
  if (!key) return {key.error(), 0, true};
  const KeyName name = key->name;
  const bool fits = prefix->kind == Kind::kPut
                        ? keys.emplace(name, std::move(*key)).second
                        : keys.erase(name) == 1;
  if (!fits) {
    return {
        BadRecord("a record stores a key that is there, or removes one that "
                  "is not"),
        0, false};
  }
  Advance();
  return {Status::Ok(), size, false};
}

Result<ReplayedLog> SealedLog::Replay(ByteView records, size_t offset) {
  ReplayedLog log;
  bool after_record = false;
  while (log.good < records.size()) {
    const ByteView rest = records.subspan(log.good);
    const uint64_t before = sequence_;
    const Seen seen = ReplayOne(rest, log.keys);
    log.good += seen.size;
    if (seen.status.ok()) {
      after_record = sequence_ != before;
      continue;
    }
    if (seen.status.code() != StatusCode::kCorrupt) return seen.status;
    if (seen.may_be_torn && !ProvesSynced(rest.subspan(1), sequence_ + 1)) {
      if (after_record) SkipLostMark(rest, log);
      break;
    }
    return Status(StatusCode::kCorrupt,
                  "the file is damaged at byte " +
                      std::to_string(offset + log.good) + " (" +
                      seen.status.message() +
                      "), and not by a crash while it was written; restore it "
                      "from a backup");
  }
  return log;
}

// A mark is not synced: the record behind it may be on the disk without it, and
// was perhaps promised. It proves by its tag that it is the next one.
void SealedLog::SkipLostMark(ByteView rest, ReplayedLog& log) {
  if (rest.size() <= kPrefix) return;
  const uint64_t before = sequence_;
  const Seen seen = ReplayOne(rest.subspan(kPrefix), log.keys);
  if (!seen.status.ok() || sequence_ == before) return;
  log.good += kPrefix + seen.size;
  log.lost_mark = true;
}

}  // namespace openkeyring
