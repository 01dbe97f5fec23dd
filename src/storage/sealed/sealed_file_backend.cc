// SPDX-License-Identifier: MIT
// Loading a sealed keyring file; sealed_file_maker.cc makes one, and
// sealed_file_writer.cc changes it.
#include "storage/sealed/sealed_file_backend.h"

#include <utility>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr char kProduct[] = "component_keyring_kms";
constexpr char kProductPair[] = "openkeyring:product";
constexpr char kFileIdPair[] = "openkeyring:file-id";

}  // namespace

SealedFileBackend::SealedFileBackend(const FileBackendDependencies& world,
                                     std::shared_ptr<KeyringFile> file,
                                     FileBackendOptions options)
    : world_(world), options_(std::move(options)), file_(std::move(file)) {}

EncryptionContext SealedFileBackend::WantedBinding(
    const FileId& file_id) const {
  EncryptionContext binding = options_.binding;
  binding[kProductPair] = kProduct;
  binding[kFileIdPair] = HexEncode(file_id);
  return binding;
}

Result<std::vector<Key>> SealedFileBackend::Load(const Deadline& deadline) {
  bool again = false;
  Result<Keys> keys = LoadOnce(deadline, again);
  if (again) keys = LoadOnce(deadline, again);
  if (!keys) return NoAnswerAboutKeys(keys.error());
  std::vector<Key> list;
  list.reserve(keys->size());
  for (auto& [name, key] : *keys) list.push_back(std::move(key));
  return list;
}

Result<SealedFileBackend::Keys> SealedFileBackend::LoadOnce(
    const Deadline& deadline, bool& again) {
  again = false;
  if (!options_.read_only) file_->Acquire();
  const Result<Bytes> content =
      world_.files.Read(file_->path(), options_.max_file);
  const bool missing = content.status().code() == StatusCode::kNotFound;
  if (missing || (content && content->empty())) {
    Status status = CreateNew(missing, deadline, again);
    if (status.ok()) return Keys();
    return status.WithContext("making keyring file " + file_->path());
  }
  if (!content) return content.error();
  Result<Keys> keys = Open(*content, deadline);
  if (keys) return keys;
  return keys.error().WithContext("keyring file " + file_->path());
}

Status SealedFileBackend::NoAnswerAboutKeys(const Status& status) {
  const bool is_one = status.code() == StatusCode::kNotFound ||
                      status.code() == StatusCode::kAlreadyExists;
  return is_one ? Status(StatusCode::kUnavailable, status.message()) : status;
}

Result<Secret> SealedFileBackend::Unwrap(const WrappedKey& wrapped,
                                         const EncryptionContext& binding,
                                         const Deadline& deadline) {
  Result<UnwrappedKey> key = world_.wrapper.Unwrap(wrapped, binding, deadline);
  if (!key) return key.error();
  if (key->key.size() != kDataKeyBytes) {
    return Status(StatusCode::kCorrupt, "its data key has the wrong size");
  }
  return std::move(key->key);
}

Result<SealedFileBackend::Keys> SealedFileBackend::Open(
    ByteView content, const Deadline& deadline) {
  Result<ReadHeader> read = ReadSealedHeader(content);
  if (!read) return read.error();
  for (const char* name : {kProductPair, kFileIdPair}) {
    const auto pair = read->header.binding.find(name);
    const EncryptionContext wanted = WantedBinding(read->header.file_id);
    if (pair == read->header.binding.end() || pair->second != wanted.at(name)) {
      return Status(StatusCode::kCorrupt,
                    std::string("its ") + name + " is not ours");
    }
  }
  Result<Secret> data_key =
      Unwrap(read->header.data_key, read->header.binding, deadline);
  if (!data_key) return data_key.error();
  Status status = CheckSealedHeader(content, *read, *data_key);
  if (!status.ok()) return status;
  Result<std::unique_ptr<SealedLog>> log = SealedLog::Make(
      *data_key, read->header.file_id, read->header.generation, world_.random);
  if (!log) return log.error();
  const ByteView records = content.subspan(read->size);
  Result<ReplayedLog> replayed = (*log)->Replay(records, read->size);
  if (!replayed) return replayed.error();
  std::unique_lock lock(mutex_);
  header_ = std::move(read->header);
  data_key_ = std::move(*data_key);
  log_ = std::move(*log);
  header_size_ = read->size;
  end_ = header_size_ + replayed->good;
  RememberEnd(content.first(end_));
  status = TakeUp(replayed->keys, records.subspan(replayed->good));
  lock.unlock();
  if (status.ok() && !IsAsConfigured()) {
    status = Rewrap(replayed->keys, deadline);
  }
  if (!status.ok()) return status;
  return std::move(replayed->keys);
}

// Gets ready to write: what was read is made durable, a torn end goes aside.
Status SealedFileBackend::TakeUp(const Keys& keys, ByteView torn) {
  names_.clear();
  for (const auto& [name, key] : keys) names_.insert(name);
  compact_at_ = CompactionPoint(LiveSize(keys), options_.max_file);
  epoch_ = file_->epoch();
  if (options_.read_only) return Status::Ok();
  if (!file_->locked()) {
    world_.log.Write(LogLevel::kWarning,
                     "keys can be read, but not stored or removed: " +
                         file_->why_not_writable().message());
    return Status::Ok();
  }
  Status status = PutTornEndAside(torn);
  if (!status.ok()) {
    file_->GiveUpWriting(status.WithContext(
        "the end of the file, torn by a crash, could not be put aside"));
    world_.log.Write(LogLevel::kWarning, file_->why_not_writable().message());
    return Status::Ok();
  }
  status = file_->SyncAll();
  if (status.ok()) file_->SweepLeftovers(world_.log);
  return status;
}

Status SealedFileBackend::PutTornEndAside(ByteView torn) {
  if (torn.empty()) return Status::Ok();
  // What was read may be another file than the one that is locked.
  Status status = file_->CheckUnchanged(epoch_, end_ + torn.size());
  if (!status.ok()) return status;
  const Result<std::string> aside = file_->PutAside("torn", torn);
  status = aside ? file_->file().Truncate(end_) : aside.error();
  if (!status.ok()) return status;
  world_.log.Write(LogLevel::kWarning,
                   file_->path() + " ended with a record that a crash cut (" +
                       std::to_string(torn.size()) +
                       " bytes of a store that never succeeded); it is now "
                       "in " +
                       *aside);
  return status;
}

size_t SealedFileBackend::LiveSize(const Keys& keys) const {
  size_t live = header_size_;
  for (const auto& [name, key] : keys) live += SealedLog::RecordSize(key);
  return live;
}

bool SealedFileBackend::IsAsConfigured() const {
  return header_.kms_key == world_.wrapper.CurrentKeyName() &&
         header_.binding == WantedBinding(header_.file_id);
}

// Under the KMS key and the context that are configured now.
Status SealedFileBackend::Rewrap(const Keys& keys, const Deadline& deadline) {
  const std::string change =
      "its data key was wrapped under KMS key " + header_.kms_key + " (" +
      header_.data_key.wrapping_key + "), and the configuration now says " +
      world_.wrapper.CurrentKeyName() + " or another encryption_context";
  if (options_.read_only) {
    return {StatusCode::kReadOnly,
            change + "; read_only forbids to wrap it anew"};
  }
  if (!file_->locked()) {
    world_.log.Write(LogLevel::kWarning,
                     change + "; whoever can write the file must wrap it anew");
    return Status::Ok();
  }
  SealedHeader header = header_;
  header.binding = WantedBinding(header.file_id);
  header.kms_key = world_.wrapper.CurrentKeyName();
  Result<WrappedKey> wrapped =
      world_.wrapper.Wrap(data_key_, header.binding, deadline);
  if (!wrapped) {
    return wrapped.error().WithContext(change + "; wrapping it anew failed");
  }
  header.data_key = std::move(*wrapped);
  Result<Secret> opened = Unwrap(header.data_key, header.binding, deadline);
  if (!opened) {
    return opened.error().WithContext(change +
                                      "; what was wrapped anew does not open");
  }
  if (!opened->Equals(data_key_)) {
    return {StatusCode::kCorrupt,
            change + "; what was wrapped anew opens as something else"};
  }
  std::lock_guard lock(mutex_);
  Status status = WriteAnew(header, keys);
  if (!status.ok()) return status;
  world_.log.Write(LogLevel::kNote, file_->path() +
                                        " is now wrapped under KMS key " +
                                        header.kms_key + " (" +
                                        header.data_key.wrapping_key + ")");
  return status;
}

std::vector<std::pair<std::string, std::string>> SealedFileBackend::Describe()
    const {
  std::lock_guard lock(mutex_);
  return {{"File_format", "sealed 1"},
          {"Wrapping_key", header_.data_key.wrapping_key}};
}

}  // namespace openkeyring
