// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_store.h"

#include <algorithm>
#include <utility>

namespace openkeyring {

SealedStore::SealedStore(const SealedStoreDependencies& dependencies,
                         std::unique_ptr<KeySlots> slots,
                         std::shared_ptr<KeyringFile> file,
                         SealedStoreOptions options)
    : dependencies_(dependencies),
      options_(std::move(options)),
      keys_(std::move(slots)),
      file_(file),
      sealed_(dependencies.random, dependencies.log, std::move(file),
              {options_.read_only, options_.max_file, options_.progress}),
      slots_(*keys_, sealed_, *file_, mutex_, dependencies.log,
             {options_.own_context, options_.encryption_context,
              options_.read_only, options_.first_load, options_.must_rewrap}) {}

Result<SealedStore::Keys> SealedStore::Load(const Deadline& deadline) {
  bool again = false;
  Result<Keys> keys = LoadOnce(deadline, again);
  if (again) keys = LoadOnce(deadline, again);
  if (!keys) return NotAboutKeys(keys.error());
  return keys;
}

Result<SealedStore::Keys> SealedStore::LoadOnce(const Deadline& deadline,
                                                bool& again) {
  again = false;
  if (!options_.read_only) file_->Acquire();
  const Result<Bytes> content =
      dependencies_.files.Read(file_->path(), options_.max_file);
  if (content.status().code() == StatusCode::kNotFound) {
    Status status = CreateNew(deadline, again);
    if (status.ok()) return Keys();
    return status.WithContext("creating keyring file " + file_->path());
  }
  if (!content) return content.error();
  Result<Keys> keys = Open(*content, deadline);
  if (keys) return keys;
  return keys.error().WithContext("keyring file " + file_->path());
}

Status SealedStore::CreateNew(const Deadline& deadline, bool& again) {
  if (!options_.may_create) {
    return {StatusCode::kMisconfigured,
            "it is missing, while keys are in use; restore it from a backup, "
            "or correct the option path"};
  }
  Status status = CheckMissing(again);
  if (!status.ok()) return status;
  if (options_.read_only) {
    Warn("there is no keyring file " + file_->path() +
         ", and read_only forbids to create it: the keyring is empty");
    return status;
  }
  const Status& why = file_->why_not_writable();
  if (!file_->locked() && why.code() != StatusCode::kNotFound) return why;
  SealedHeader header;
  status = dependencies_.random.Fill(header.file_id);
  if (!status.ok()) return status;
  header.context = slots_.wanted().ContextOf(header.file_id);
  header.put_all = options_.put_all;
  Result<GeneratedSlots> made =
      keys_->Generate({header.file_id, header.context}, deadline);
  if (!made) return made.error();
  return CreateFile(std::move(header), std::move(*made), again);
}

Status SealedStore::CreateFile(SealedHeader header, GeneratedSlots made,
                               bool& again) {
  header.slots = std::move(made.slots);
  const std::lock_guard lock(mutex_);
  Status status = sealed_.Create(std::move(header), std::move(made.data_key));
  again = status.code() == StatusCode::kAlreadyExists ||
          status.code() == StatusCode::kNotFound;
  if (!status.ok()) return status;
  slots_.TakeCreated(sealed_.header(), std::move(made.missing));
  Warn("no keyring was found: created the new, empty keyring file " +
       file_->path());
  return status;
}

// A directory that is not mounted, and a link that leads nowhere, must not look
// like a new keyring.
Status SealedStore::CheckMissing(bool& again) {
  const Result<std::vector<std::string>> names =
      dependencies_.files.List(DirectoryName(file_->path()));
  if (!names) {
    if (names.error().IsTransient()) return names.error();
    return {
        StatusCode::kMisconfigured,
        names.error().message() +
            "; the directory of the keyring file must exist and be readable, "
            "or keys in use would look as if they did not exist"};
  }
  again = std::ranges::find(*names, BaseName(file_->path())) != names->end();
  if (!again) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "it is a symbolic link to a file that does not exist"};
}

template <typename T>
Result<T> SealedStore::OpenWith(
    ByteView content, const Deadline& deadline,
    const std::function<Result<T>(ReadHeader, Secret)>& use) {
  if (content.empty()) {
    return Status(StatusCode::kCorrupt,
                  "it is empty: restore it from a backup, or, if it never had "
                  "a key, remove it and a new one is created");
  }
  Result<ReadHeader> read = ReadSealedHeader(content);
  if (!read) return read.error();
  Status status = CheckContext(read->header);
  if (!status.ok()) return status;
  Result<OpenedSlots> opened =
      keys_->Open(content, *read, options_.last_resort, deadline);
  if (!opened) return opened.error();
  Result<T> result = [&] {
    const std::lock_guard lock(mutex_);
    slots_.TakeOpened(*opened);
    return use(std::move(*read), std::move(opened->data_key));
  }();
  if (result) slots_.LogOpened();
  return result;
}

Result<SealedStore::Keys> SealedStore::Open(ByteView content,
                                            const Deadline& deadline) {
  Result<Keys> keys =
      OpenWith<Keys>(content, deadline, [&](ReadHeader read, Secret data_key) {
        return sealed_.Open(content, std::move(read), std::move(data_key));
      });
  if (!keys) return keys;
  Status status = slots_.Update(*keys, deadline);
  if (!status.ok()) return status;
  return keys;
}

Result<size_t> SealedStore::Verify(const Deadline& deadline) {
  const Result<Bytes> content =
      dependencies_.files.Read(file_->path(), options_.max_file);
  if (content.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kMisconfigured, content.error().message());
  }
  if (!content) return content.error();
  const Result<size_t> count = OpenWith<size_t>(
      *content, deadline, [&](ReadHeader read, Secret data_key) {
        return sealed_.Verify(*content, std::move(read), std::move(data_key));
      });
  // Which slots are not as configured. Of a file that is only read, no keys are
  // needed for that.
  Status status = count ? slots_.Update({}, deadline) : count.error();
  if (status.ok()) return count;
  return NotAboutKeys(status.WithContext("keyring file " + file_->path()));
}

// The pairs that are ours are never changed.
Status SealedStore::CheckContext(const SealedHeader& header) const {
  SealedFileSlots::Wanted ours = slots_.wanted();
  ours.encryption_context.clear();
  for (const auto& [name, value] : ours.ContextOf(header.file_id)) {
    const auto pair = header.context.find(name);
    if (pair == header.context.end() || pair->second != value) {
      return {StatusCode::kCorrupt, "its " + name + " is not ours"};
    }
  }
  return Status::Ok();
}

void SealedStore::Warn(const std::string& line) const {
  dependencies_.log.Write(LogLevel::kWarning, line);
}

Status SealedStore::Put(const Key& key) {
  const std::lock_guard lock(mutex_);
  return sealed_.Put(key);
}

Status SealedStore::PutAll(std::span<const Key> keys) {
  const std::lock_guard lock(mutex_);
  return sealed_.PutAll(keys);
}

Status SealedStore::Remove(const KeyName& name) {
  const std::lock_guard lock(mutex_);
  return sealed_.Remove(name);
}

Result<SealedStore::Keys> SealedStore::ReadBack() {
  const std::lock_guard lock(mutex_);
  if (!file_->locked()) {
    return Status(StatusCode::kReadOnly, file_->why_not_writable().message());
  }
  return sealed_.ReadKeys();
}

SealedHeader SealedStore::header() const {
  const std::lock_guard lock(mutex_);
  return sealed_.header();
}

}  // namespace openkeyring
