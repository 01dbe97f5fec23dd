// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_file.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace openkeyring {
namespace {

constexpr size_t kWorthCompacting = 64 << 10;
constexpr size_t kEndBytes = 64;  // More than the last tag and its mark.

Result<std::unique_ptr<SealedLog>> MakeLog(const SealedHeader& header,
                                           const Secret& data_key,
                                           Random& random) {
  return SealedLog::Make(data_key, header.file_id, header.generation, random,
                         header.put_all);
}

// The names alone; a key is wiped once its record was read.
class Names : public ReplayedKeys {
 public:
  bool Put(Key key) override {
    return names_.insert(std::move(key.name)).second;
  }
  bool Remove(const KeyName& name) override { return names_.erase(name) == 1; }
  size_t size() const { return names_.size(); }

 private:
  struct Hash {
    size_t operator()(const KeyName& name) const {
      const std::hash<std::string> hash;
      return hash(name.data_id) ^ (hash(name.auth_id) << 1);
    }
  };
  std::unordered_set<KeyName, Hash> names_;
};

}  // namespace

size_t CompactionPoint(size_t live_bytes, size_t max_file) {
  const size_t room = max_file - std::min(live_bytes, max_file);
  return std::min(std::max(kWorthCompacting, 4 * live_bytes),
                  live_bytes + room / 2);
}

SealedFile::SealedFile(Random& random, Log& log,
                       std::shared_ptr<KeyringFile> file, Options options)
    : random_(random),
      server_log_(log),
      file_(std::move(file)),
      options_(options) {}

Result<ReplayEnd> SealedFile::Replay(ByteView content, ReadHeader read,
                                     Secret data_key, ReplayedKeys& keys) {
  Status status = CheckSealedHeader(content, read, data_key);
  if (!status.ok()) return status;
  Result<std::unique_ptr<SealedLog>> log =
      MakeLog(read.header, data_key, random_);
  if (!log) return log.error();
  const Result<ReplayEnd> end = (*log)->ReplayInto(
      keys, content.subspan(read.size), read.size, options_.progress);
  if (!end) return end;
  header_ = std::move(read.header);
  data_key_ = std::move(data_key);
  log_ = std::move(*log);
  header_size_ = read.size;
  end_ = header_size_ + end->good;
  RememberEnd(content.first(end_));
  return end;
}

Result<SealedFile::Keys> SealedFile::Open(ByteView content, ReadHeader read,
                                          Secret data_key) {
  Keys keys;
  KeysInMap table(keys);
  const Result<ReplayEnd> end =
      Replay(content, std::move(read), std::move(data_key), table);
  if (!end) return end.error();
  Status status = PrepareToWrite(keys, content.subspan(end_));
  if (!status.ok()) return status;
  must_rewrite_ = end->lost_mark;
  return keys;
}

Result<size_t> SealedFile::Verify(ByteView content, ReadHeader read,
                                  Secret data_key) {
  if (!options_.read_only) {
    return Status(StatusCode::kInternal,
                  "only a file that is read only is "
                  "verified without its keys");
  }
  Names names;
  const Result<ReplayEnd> end =
      Replay(content, std::move(read), std::move(data_key), names);
  if (!end) return end.error();
  const size_t torn = content.size() - end_;
  if (torn > 0) {
    server_log_.Write(LogLevel::kWarning,
                      file_->path() +
                          " ends with an incomplete record, left by a crash (" +
                          std::to_string(torn) +
                          " bytes of a store that never succeeded); it is "
                          "left out, and the next start puts it aside");
  }
  return names.size();
}

Status SealedFile::PrepareToWrite(const Keys& keys, ByteView torn) {
  names_.clear();
  epoch_ = file_->epoch();
  must_rewrite_ = false;
  if (options_.read_only) return Status::Ok();
  for (const auto& [name, key] : keys) names_.insert(names_.end(), name);
  compact_at_ = CompactionPoint(LiveSize(keys), options_.max_file);
  if (!file_->locked()) {
    server_log_.Write(LogLevel::kWarning,
                      "keys can be read, but not stored or removed: " +
                          file_->why_not_writable().message());
    return Status::Ok();
  }
  Status status = PutTornEndAside(torn);
  if (!status.ok()) {
    file_->GiveUpWriting(status.WithContext(
        "the end of the file, torn by a crash, could not be put aside"));
    server_log_.Write(LogLevel::kWarning, file_->why_not_writable().message());
    return Status::Ok();
  }
  status = file_->SyncAll();
  if (status.ok()) file_->SweepLeftovers(server_log_);
  return status;
}

Status SealedFile::PutTornEndAside(ByteView torn) {
  if (torn.empty()) return Status::Ok();
  // What was read may be another file than the one that is locked.
  Status status = file_->CheckUnchanged(epoch_, end_ + torn.size());
  if (!status.ok()) return status;
  const Result<std::string> aside = file_->PutAside("torn", torn);
  status = aside ? file_->file().Truncate(end_) : aside.error();
  if (!status.ok()) return status;
  server_log_.Write(LogLevel::kWarning,
                    file_->path() +
                        " ended with an incomplete record, left by a crash (" +
                        std::to_string(torn.size()) +
                        " bytes of a store that never succeeded); it is now "
                        "in " +
                        *aside);
  return status;
}

Status SealedFile::Create(SealedHeader header, Secret data_key) {
  Result<Bytes> content = WriteSealedHeader(header, data_key);
  if (!content) return content.error();
  Result<std::unique_ptr<SealedLog>> log = MakeLog(header, data_key, random_);
  if (!log) return log.error();
  Status status = file_->Create(*content);
  if (!status.ok()) return status;
  file_->Acquire();
  if (!file_->locked()) return file_->why_not_writable();
  header_ = std::move(header);
  data_key_ = std::move(data_key);
  log_ = std::move(*log);
  header_size_ = end_ = content->size();
  RememberEnd(*content);
  return PrepareToWrite({}, {});
}

// Some room is left for removing keys from a full file.
size_t SealedFile::LimitOfPuts() const {
  return options_.max_file - options_.max_file / 16;
}

// The keyring above knows which keys there are. But should it ever be wrong, a
// log with a duplicate key could not be read again.
Status SealedFile::Put(const Key& key) {
  Status status = CheckMayChange();
  if (!status.ok()) return status;
  if (!names_.insert(key.name).second) {
    return {StatusCode::kAlreadyExists, ToString(key.name) + " exists already"};
  }
  status = Append(SealedLog::RecordSize(key), LimitOfPuts(),
                  [&] { return log_->SealPut(key); });
  if (!status.ok()) names_.erase(key.name);
  return NotAboutKeys(status);
}

Status SealedFile::Remove(const KeyName& name) {
  Status status = CheckMayChange();
  if (!status.ok()) return status;
  if (!names_.contains(name)) {
    return {StatusCode::kNotFound, "there is no " + ToString(name)};
  }
  const Key key{name, "", Secret()};
  status = Append(SealedLog::RecordSize(key), options_.max_file,
                  [&] { return log_->SealRemove(key); });
  if (status.ok()) names_.erase(name);
  return NotAboutKeys(status);
}

Status SealedFile::PutAll(std::span<const Key> keys) {
  Status status = CheckMayChange();
  if (!status.ok()) return status;
  std::set<KeyName> names;
  for (const Key& key : keys) {
    if (names_.contains(key.name) || !names.insert(key.name).second) {
      return {StatusCode::kAlreadyExists,
              ToString(key.name) + " exists already"};
    }
  }
  if (keys.empty()) return Status::Ok();
  status = AllowPutAll();
  if (status.ok()) {
    status = Append(SealedLog::RecordSize(keys), LimitOfPuts(),
                    [&] { return log_->SealPutAll(keys); });
  }
  if (status.ok()) names_.merge(names);
  return NotAboutKeys(status);
}

Status SealedFile::AllowPutAll() {
  if (header_.put_all) return Status::Ok();
  SealedHeader header = header_;
  header.put_all = true;
  return ReplaceHeader(std::move(header));
}

Status SealedFile::CheckMayChange() const {
  if (!options_.read_only) return Status::Ok();
  return {StatusCode::kReadOnly,
          file_->path() + " cannot be changed: read_only is set"};
}

Status SealedFile::Append(size_t size, size_t limit, const SealStep& seal) {
  Status status = FixFile();
  if (status.ok()) status = CheckIntact();
  if (status.ok()) status = MakeRoom(size, limit);
  if (!status.ok()) return status;
  const Result<Bytes> record = seal();
  if (!record) return record.error();
  status = AppendRecord(*record);
  if (!status.ok()) {
    UndoAppend();
    return status;
  }
  log_->Advance();
  end_ += record->size();
  RememberEnd(*record);
  AppendDoneMark();
  CompactIfGrown();
  return Status::Ok();
}

Status SealedFile::AppendRecord(const Bytes& record) {
  WritableFile& file = file_->file();
  Status status = file.Append(record);
  if (status.ok()) status = file.Sync();
  if (!status.ok()) return status;
  const Result<Bytes> found = file.ReadBack(end_, record.size());
  if (!found) return found.error();
  if (*found != record) {
    return {StatusCode::kCorrupt,
            file_->path() + " does not hold what was just written to it"};
  }
  // Whoever put another file there meanwhile would not have this record.
  return file_->CheckOurs(epoch_);
}

// Not needed to read the log, and therefore not synced.
void SealedFile::AppendDoneMark() {
  const Result<Bytes> done = log_->Done();
  if (!done || !file_->file().Append(*done).ok()) return UndoAppend();
  end_ += done->size();
  RememberEnd(*done);
}

// After a failed write or sync nobody knows what the disk has: the file is
// truncated, and rewritten before the next record.
void SealedFile::UndoAppend() {
  (void)file_->file().Truncate(end_);
  must_rewrite_ = true;
}

Status SealedFile::FixFile() {
  if (!must_rewrite_) return Status::Ok();
  // Its size may be anything, but it must be our file.
  Status status = file_->CheckOurs(epoch_);
  if (status.ok()) status = CheckEnd();
  if (!status.ok()) return status;
  const Result<Keys> keys = ReadKeys();
  return keys ? Rewrite(header_, *keys) : keys.error();
}

Status SealedFile::CheckIntact() {
  Status status = file_->CheckUnchanged(epoch_, end_);
  return status.ok() ? CheckEnd() : status;
}

// Whoever writes other content into this very file cannot keep the last tag,
// not even with an older state of it.
Status SealedFile::CheckEnd() {
  const Result<Bytes> found =
      file_->file().ReadBack(end_ - end_bytes_.size(), end_bytes_.size());
  if (!found) return found.error();
  return *found == end_bytes_ ? Status::Ok() : file_->Changed();
}

void SealedFile::RememberEnd(ByteView written) {
  written = written.last(std::min(written.size(), kEndBytes));
  end_bytes_.insert(end_bytes_.end(), written.begin(), written.end());
  if (end_bytes_.size() > kEndBytes) {
    end_bytes_.erase(end_bytes_.begin(), end_bytes_.end() - kEndBytes);
  }
}

Status SealedFile::MakeRoom(size_t bytes, size_t limit) {
  if (end_ + bytes <= limit) return Status::Ok();
  const Result<Keys> keys = ReadKeys();
  if (!keys) return keys.error();
  if (LiveSize(*keys) + bytes <= limit) return Rewrite(header_, *keys);
  return {StatusCode::kUnavailable,
          file_->path() + " would be larger than " +
              std::to_string(options_.max_file) +
              " bytes, the most that is read; remove keys first"};
}

void SealedFile::CompactIfGrown() {
  if (end_ < compact_at_ || must_rewrite_) return;
  const Result<Keys> keys = ReadKeys();
  Status status = keys.status();
  if (keys) {
    compact_at_ = CompactionPoint(LiveSize(*keys), options_.max_file);
    if (end_ < compact_at_) return;
    status = Rewrite(header_, *keys);
  }
  if (status.ok()) return;
  compact_at_ = 2 * end_;  // Not at every store.
  server_log_.Write(LogLevel::kWarning,
                    "compacting " + file_->path() +
                        " failed (no key is lost): " + status.message());
}

// From the file, up to the last complete record.
Result<SealedFile::Keys> SealedFile::ReadKeys() {
  const Result<Bytes> records =
      file_->file().ReadBack(header_size_, end_ - header_size_);
  if (!records) return records.error();
  Result<std::unique_ptr<SealedLog>> log = MakeLog(header_, data_key_, random_);
  if (!log) return log.error();
  Result<ReplayedLog> replayed = (*log)->Replay(*records, header_size_);
  if (!replayed) return replayed.error();
  if (replayed->good != records->size()) return file_->Changed();
  return std::move(replayed->keys);
}

Status SealedFile::ReplaceHeader(SealedHeader header, const Keys& keys) {
  Status status = CheckIntact();
  return status.ok() ? Rewrite(std::move(header), keys) : status;
}

Result<SealedFile::Keys> SealedFile::KeysToRewrite() {
  Status status = CheckMayChange();
  if (status.ok()) status = FixFile();
  if (status.ok()) status = CheckIntact();
  if (!status.ok()) return status;
  return ReadKeys();
}

Status SealedFile::ReplaceHeader(SealedHeader header) {
  const Result<Keys> keys = KeysToRewrite();
  return keys ? Rewrite(std::move(header), *keys) : keys.error();
}

Status SealedFile::Reseal(SealedHeader header, Secret data_key) {
  const Result<Keys> keys = KeysToRewrite();
  if (!keys) return keys.error();
  return RewriteWith(std::move(header), std::move(data_key), *keys);
}

Status SealedFile::Rewrite(SealedHeader header, const Keys& keys) {
  return RewriteWith(std::move(header), data_key_.Clone(), keys);
}

Status SealedFile::RewriteWith(SealedHeader header, Secret data_key,
                               const Keys& keys) {
  header.generation = header_.generation + 1;
  Result<std::unique_ptr<SealedLog>> log = MakeLog(header, data_key, random_);
  if (!log) return log.error();
  Result<Bytes> content = WriteSealedHeader(header, data_key);
  if (!content) return content.error();
  const size_t header_size = content->size();
  Status status = AppendPuts(**log, keys, *content);
  if (!status.ok()) return status;
  bool replaced = false;
  status = file_->Replace(*content, replaced);
  if (!replaced) return status;
  header_ = std::move(header);
  data_key_ = std::move(data_key);
  log_ = std::move(*log);
  header_size_ = header_size;
  end_ = content->size();
  RememberEnd(*content);
  compact_at_ = CompactionPoint(end_, options_.max_file);
  epoch_ = file_->epoch();
  // As long as the directory is not synced, a power cut may bring the old file
  // back.
  must_rewrite_ = !status.ok();
  return status;
}

Status SealedFile::AppendPuts(SealedLog& log, const Keys& keys,
                              Bytes& content) {
  for (const auto& [name, key] : keys) {
    const Result<Bytes> record = log.SealPut(key);
    if (!record) return record.error();
    content.insert(content.end(), record->begin(), record->end());
    log.Advance();
  }
  if (keys.empty()) return Status::Ok();
  const Result<Bytes> done = log.Done();
  if (!done) return done.error();
  content.insert(content.end(), done->begin(), done->end());
  return Status::Ok();
}

size_t SealedFile::LiveSize(const Keys& keys) const {
  size_t live = header_size_;
  for (const auto& [name, key] : keys) live += SealedLog::RecordSize(key);
  return live;
}

}  // namespace openkeyring
