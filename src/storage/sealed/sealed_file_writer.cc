// SPDX-License-Identifier: MIT
// Changing a sealed keyring file.
#include <algorithm>
#include <utility>

#include "storage/sealed/sealed_file_backend.h"

namespace openkeyring {
namespace {

constexpr size_t kWorthCompacting = 64 << 10;
constexpr size_t kEndBytes = 64;  // More than the last tag and its mark.

}  // namespace

size_t CompactionPoint(size_t live_bytes, size_t max_file) {
  const size_t room = max_file - std::min(live_bytes, max_file);
  return std::min(std::max(kWorthCompacting, 4 * live_bytes),
                  live_bytes + room / 2);
}

// The keyring above knows which keys there are. But should it ever be wrong, a
// log with a key that is there twice could not be read again.
Status SealedFileBackend::Store(const Key& key, const Deadline&) {
  // Some room is left for removing keys from a full file.
  const size_t limit = options_.max_file - options_.max_file / 16;
  std::lock_guard lock(mutex_);
  if (!names_.insert(key.name).second) {
    return {StatusCode::kAlreadyExists, ToString(key.name) + " exists already"};
  }
  Status status = Append(&SealedLog::SealPut, key, limit);
  if (!status.ok()) names_.erase(key.name);
  return NoAnswerAboutKeys(status);
}

Status SealedFileBackend::Remove(const KeyName& name, const Deadline&) {
  std::lock_guard lock(mutex_);
  if (!names_.contains(name)) {
    return {StatusCode::kNotFound, "there is no " + ToString(name)};
  }
  Status status = Append(&SealedLog::SealRemove, Key{name, "", Secret()},
                         options_.max_file);
  if (status.ok()) names_.erase(name);
  return NoAnswerAboutKeys(status);
}

Status SealedFileBackend::Append(SealStep seal, const Key& key, size_t limit) {
  if (options_.read_only) {
    return {StatusCode::kReadOnly, file_->path() + " is only read: read_only"};
  }
  Status status = FixFile();
  if (status.ok()) status = file_->CheckUnchanged(epoch_, end_);
  if (status.ok()) status = CheckEnd();
  if (status.ok()) status = MakeRoom(SealedLog::RecordSize(key), limit);
  if (!status.ok()) return status;
  const Result<Bytes> record = (log_.get()->*seal)(key);
  if (!record) return record.error();
  status = AppendRecord(*record);
  if (!status.ok()) {
    UndoAppend();
    return status;
  }
  log_->Advance();
  end_ += record->size();
  RememberEnd(*record);
  // The mark is not needed, only good to have.
  const Bytes done = log_->Done();
  if (file_->file().Append(done).ok()) {
    end_ += done.size();
    RememberEnd(done);
  } else {
    UndoAppend();
  }
  CompactIfGrown();
  return Status::Ok();
}

Status SealedFileBackend::AppendRecord(const Bytes& record) {
  WritableFile& file = file_->file();
  Status status = file.Append(record);
  if (status.ok()) status = file.Sync();
  if (!status.ok()) return status;
  Result<Bytes> found = file.ReadBack(end_, record.size());
  if (!found) return found.error();
  if (*found == record) return Status::Ok();
  return {StatusCode::kCorrupt,
          file_->path() + " does not hold what was just written to it"};
}

// After a failed write or sync nobody knows what the disk has; so the file is
// cut, and before the next record it is written anew.
void SealedFileBackend::UndoAppend() {
  (void)file_->file().Truncate(end_);
  write_anew_ = true;
}

Status SealedFileBackend::FixFile() {
  if (!write_anew_) return Status::Ok();
  // Its size may be anything, but it must be our file.
  Status status = file_->CheckOurs(epoch_);
  if (status.ok()) status = CheckEnd();
  if (!status.ok()) return status;
  Result<Keys> keys = ReadKeys();
  return keys ? WriteAnew(header_, *keys) : keys.error();
}

Status SealedFileBackend::MakeRoom(size_t bytes, size_t limit) {
  if (end_ + bytes <= limit) return Status::Ok();
  Result<Keys> keys = ReadKeys();
  if (!keys) return keys.error();
  if (LiveSize(*keys) + bytes <= limit) return WriteAnew(header_, *keys);
  return {StatusCode::kUnavailable,
          file_->path() + " would be larger than " +
              std::to_string(options_.max_file) +
              " bytes, the most that is read; remove keys first"};
}

// Who writes other content into the very file cannot keep the last tag, not
// even with an older state of it.
Status SealedFileBackend::CheckEnd() {
  const Result<Bytes> found =
      file_->file().ReadBack(end_ - end_bytes_.size(), end_bytes_.size());
  if (!found) return found.error();
  return *found == end_bytes_ ? Status::Ok() : file_->Changed();
}

void SealedFileBackend::RememberEnd(ByteView written) {
  written = written.last(std::min(written.size(), kEndBytes));
  end_bytes_.insert(end_bytes_.end(), written.begin(), written.end());
  if (end_bytes_.size() > kEndBytes) {
    end_bytes_.erase(end_bytes_.begin(), end_bytes_.end() - kEndBytes);
  }
}

// From the file, up to what is known to be whole.
Result<SealedFileBackend::Keys> SealedFileBackend::ReadKeys() {
  const Result<Bytes> records =
      file_->file().ReadBack(header_size_, end_ - header_size_);
  if (!records) return records.error();
  Result<std::unique_ptr<SealedLog>> log = SealedLog::Make(
      data_key_, header_.file_id, header_.generation, world_.random);
  if (!log) return log.error();
  Result<ReplayedLog> replayed = (*log)->Replay(*records, header_size_);
  if (!replayed) return replayed.error();
  if (replayed->good != records->size()) {
    return file_->Changed();
  }
  return std::move(replayed->keys);
}

Status SealedFileBackend::WriteAnew(const SealedHeader& header,
                                    const Keys& keys) {
  SealedHeader next = header;
  next.generation = header_.generation + 1;
  Result<Bytes> content = WriteSealedHeader(next, data_key_);
  if (!content) return content.error();
  const size_t header_size = content->size();
  Result<std::unique_ptr<SealedLog>> log =
      SealedLog::Make(data_key_, next.file_id, next.generation, world_.random);
  if (!log) return log.error();
  for (const auto& [name, key] : keys) {
    const Result<Bytes> record = (*log)->SealPut(key);
    if (!record) return record.error();
    content->insert(content->end(), record->begin(), record->end());
    (*log)->Advance();
  }
  if (!keys.empty()) {
    const Bytes done = (*log)->Done();
    content->insert(content->end(), done.begin(), done.end());
  }
  bool replaced = false;
  Status status = file_->Replace(*content, replaced);
  if (!replaced) return status;
  header_ = std::move(next);
  log_ = std::move(*log);
  header_size_ = header_size;
  end_ = content->size();
  RememberEnd(*content);
  compact_at_ = CompactionPoint(end_, options_.max_file);
  epoch_ = file_->epoch();
  // As long as the directory is not synced, a power cut may bring the old file
  // back.
  write_anew_ = !status.ok();
  return status;
}

void SealedFileBackend::CompactIfGrown() {
  if (end_ < compact_at_ || write_anew_) return;
  Result<Keys> keys = ReadKeys();
  Status status = keys.status();
  if (keys) {
    compact_at_ = CompactionPoint(LiveSize(*keys), options_.max_file);
    if (end_ < compact_at_) return;
    status = WriteAnew(header_, *keys);
  }
  if (status.ok()) return;
  compact_at_ = 2 * end_;  // Not at every store.
  world_.log.Write(LogLevel::kWarning,
                   "compacting " + file_->path() +
                       " failed (no key is lost): " + status.message());
}

}  // namespace openkeyring
