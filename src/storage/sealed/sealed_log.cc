// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_log.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/byte_codec.h"

namespace openkeyring {
namespace {

constexpr std::string_view kSaltInfo = "openkeyring record salt";

Status BadRecord(const char* why) { return {StatusCode::kCorrupt, why}; }

NamedKey NameOf(const Key& key) {
  return {key.name.data_id, key.name.auth_id, key.type, key.data.size()};
}

size_t NamesSize(const Key& key) {
  return 3 * 2 + key.name.data_id.size() + key.name.auth_id.size() +
         key.type.size();
}

}  // namespace

Result<std::unique_ptr<SealedLog>> SealedLog::Make(const Secret& data_key,
                                                   const FileId& file_id,
                                                   uint64_t generation,
                                                   Random& random,
                                                   bool put_all) {
  Result<RecordPrefixes> prefixes = RecordPrefixes::Make({file_id, put_all});
  if (!prefixes) return prefixes.error();
  Result<RecordOpener> opener =
      RecordOpener::Make(data_key, file_id, generation);
  if (!opener) return opener.error();
  std::unique_ptr<SealedLog> log(
      new SealedLog(random, std::move(*prefixes), std::move(*opener)));
  Result<HkdfSha256> hkdf = HkdfSha256::Make();
  if (!hkdf) return hkdf.error();
  log->salt_key_ = Secret(kRecordSalt);
  Status status = hkdf->Derive(data_key, file_id, AsBytes(kSaltInfo),
                               log->salt_key_.RevealMutable());
  if (!status.ok()) return status;
  return log;
}

Result<Bytes> SealedLog::Seal(RecordKind kind, std::vector<NamedKey> keys,
                              const Secret& data) {
  const Result<Bytes> fields = WriteRecordFields(kind, keys);
  if (!fields) return fields.error();
  const size_t size = kRecordSalt + fields->size() + data.size() + kAeadTag;
  Result<Bytes> prefix =
      prefixes_.Write({kind, static_cast<uint32_t>(size), sequence_ + 1});
  if (!prefix) return prefix.error();
  const Result<Digest256> salt = MakeSalt(*prefix, *fields, data);
  if (!salt) return salt.error();
  Bytes out = std::move(*prefix);
  PutBytes(out, *salt);
  PutBytes(out, *fields);
  Result<Bytes> sealed = opener_.Seal(*salt, tag_, out, data);
  if (!sealed) return sealed.error();
  PutBytes(out, *sealed);
  std::copy(out.end() - kAeadTag, out.end(), sealed_tag_.begin());
  return out;
}

// Random, and different for different records even where the random source
// repeats itself, as in two clones of one virtual machine.
Result<Digest256> SealedLog::MakeSalt(ByteView prefix, ByteView fields,
                                      const Secret& data) {
  std::array<uint8_t, kRecordSalt> random;
  Status status = random_.Fill(random);
  if (!status.ok()) return status;
  Secret all = Secret::CopyOf(ByteView(random));
  all.Append(opener_.AdditionalData(tag_, prefix));
  all.Append(fields);
  all.Append(data.RevealBytes());
  return HmacSha256(salt_key_, all.RevealBytes());
}

Result<Bytes> SealedLog::SealPut(const Key& key) {
  return Seal(RecordKind::kPut, {NameOf(key)}, key.data);
}

Result<Bytes> SealedLog::SealRemove(const Key& key) {
  return Seal(RecordKind::kRemove,
              {{key.name.data_id, key.name.auth_id, "", 0}}, Secret());
}

Result<Bytes> SealedLog::SealPutAll(std::span<const Key> keys) {
  if (keys.empty()) {
    return Status(StatusCode::kInvalidArgument, "there is no key to store");
  }
  std::vector<NamedKey> names;
  size_t size = 0;
  for (const Key& key : keys) {
    names.push_back(NameOf(key));
    size += key.data.size();
  }
  Secret all(size);
  auto end = all.RevealMutable().begin();
  for (const Key& key : keys) {
    end = std::ranges::copy(key.data.RevealBytes(), end).out;
  }
  return Seal(RecordKind::kPutAll, std::move(names), all);
}

void SealedLog::Advance() {
  ++sequence_;
  tag_ = sealed_tag_;
}

Result<Bytes> SealedLog::Done() {
  return prefixes_.Write({RecordKind::kDone, 0, sequence_});
}

size_t SealedLog::RecordSize(const Key& key) {
  return 2 * kRecordPrefix + kRecordSalt + NamesSize(key) + key.data.size() +
         kAeadTag;
}

size_t SealedLog::RecordSize(std::span<const Key> keys) {
  size_t size = 2 * kRecordPrefix + kRecordSalt + 4 + kAeadTag;
  for (const Key& key : keys) size += NamesSize(key) + 4 + key.data.size();
  return size;
}

// Whether the record can follow what `keys` come to.
bool SealedLog::Apply(RecordKind kind, std::vector<Key> record,
                      ReplayedKeys& keys) {
  if (kind == RecordKind::kRemove) return keys.Remove(record[0].name);
  return std::ranges::all_of(
      record, [&](Key& key) { return keys.Put(std::move(key)); });
}

// The record or mark at the start of `rest`.
SealedLog::Seen SealedLog::ReplayOne(ByteView rest, RecordsAhead& opener,
                                     ReplayedKeys& keys) {
  const Result<RecordPrefix> prefix = prefixes_.Read(rest);
  if (!prefix) return {prefix.error(), 0, true};
  const size_t size = kRecordPrefix + prefix->size;
  const bool is_done = prefix->kind == RecordKind::kDone;
  if (prefix->sequence != sequence_ + (is_done ? 0 : 1)) {
    return {BadRecord("a record is missing or duplicate"), 0, false};
  }
  if (is_done) return {Status::Ok(), size, false};
  if (size > rest.size()) return {BadRecord("a record is truncated"), 0, true};
  const ByteView all = rest.first(size);
  Result<std::vector<Key>> record = opener.Open(prefix->kind, tag_, all);
  if (!record) return {record.error(), 0, true};
  std::copy(all.end() - kAeadTag, all.end(), sealed_tag_.begin());
  if (!Apply(prefix->kind, std::move(*record), keys)) {
    return {
        BadRecord("a record stores a key that is there, or removes one that "
                  "is not"),
        0, false};
  }
  Advance();
  return {Status::Ok(), size, false};
}

Result<ReplayedLog> SealedLog::Replay(ByteView records, size_t offset,
                                      const ReplayProgress& progress) {
  ReplayedLog log;
  KeysInMap keys(log.keys);
  const Result<ReplayEnd> end = ReplayInto(keys, records, offset, progress);
  if (!end) return end.error();
  static_cast<ReplayEnd&>(log) = *end;
  return log;
}

Result<ReplayEnd> SealedLog::ReplayInto(ReplayedKeys& keys, ByteView records,
                                        size_t offset,
                                        const ReplayProgress& progress) {
  ReplayEnd end;
  RecordsAhead opener(opener_, records);
  bool after_record = false;
  while (end.good < records.size()) {
    const ByteView rest = records.subspan(end.good);
    const uint64_t before = sequence_;
    const Seen seen = ReplayOne(rest, opener, keys);
    end.good += seen.size;
    if (seen.status.ok()) {
      if (progress) progress(end.good, records.size());
      after_record = sequence_ != before;
      continue;
    }
    if (seen.status.code() != StatusCode::kCorrupt) return seen.status;
    if (seen.may_be_torn &&
        !prefixes_.ProvesSynced(rest.subspan(1), sequence_ + 1)) {
      if (after_record) SkipLostMark(rest, opener, keys, end);
      break;
    }
    return Status(StatusCode::kCorrupt,
                  "the file is damaged at byte " +
                      std::to_string(offset + end.good) + " (" +
                      seen.status.message() +
                      "), and not by a crash while it was written; restore it "
                      "from a backup");
  }
  return end;
}

// A mark is not synced: the record behind it may be on the disk without it, and
// was perhaps promised. It proves by its tag that it is the next one.
void SealedLog::SkipLostMark(ByteView rest, RecordsAhead& opener,
                             ReplayedKeys& keys, ReplayEnd& end) {
  if (rest.size() <= kRecordPrefix) return;
  const uint64_t before = sequence_;
  const Seen seen = ReplayOne(rest.subspan(kRecordPrefix), opener, keys);
  if (!seen.status.ok() || sequence_ == before) return;
  end.good += kRecordPrefix + seen.size;
  end.lost_mark = true;
}

}  // namespace openkeyring
