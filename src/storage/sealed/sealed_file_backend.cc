// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_file_backend.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "keyring/checked_wrap.h"

namespace openkeyring {
namespace {

constexpr char kProduct[] = "component_keyring_kms";
constexpr char kProductPair[] = "openkeyring:product";
constexpr char kFileIdPair[] = "openkeyring:file-id";

Result<Secret> UnwrapDataKey(KeyWrapper& wrapper, const SealedHeader& header,
                             const Deadline& deadline) {
  Result<UnwrappedKey> opened =
      wrapper.Unwrap(header.data_key, header.context, deadline);
  if (!opened) return opened.error();
  if (opened->key.size() == kDataKeyBytes) return std::move(opened->key);
  return Status(StatusCode::kCorrupt, "its data key has the wrong size");
}

}  // namespace

SealedFileBackend::SealedFileBackend(
    const FileBackendDependencies& dependencies,
    std::shared_ptr<KeyringFile> file, FileBackendOptions options)
    : dependencies_(dependencies),
      options_(std::move(options)),
      file_(file),
      sealed_(dependencies.random, dependencies.log, std::move(file),
              {options_.read_only, options_.max_file}) {}

EncryptionContext SealedFileBackend::ContextOf(const FileId& file_id) const {
  EncryptionContext context = options_.encryption_context;
  context[kProductPair] = kProduct;
  context[kFileIdPair] = HexEncode(file_id);
  return context;
}

Result<std::vector<Key>> SealedFileBackend::Load(const Deadline& deadline) {
  bool again = false;
  Result<Keys> keys = LoadOnce(deadline, again);
  if (again) keys = LoadOnce(deadline, again);
  if (!keys) return NotAboutKeys(keys.error());
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

Status SealedFileBackend::CreateNew(const Deadline& deadline, bool& again) {
  if (!options_.may_create) {
    return {StatusCode::kMisconfigured,
            "it is missing, while keys are in use; restore it from a backup, "
            "or correct the option path"};
  }
  Status status = CheckMissing(again);
  if (!status.ok()) return status;
  if (options_.read_only) {
    dependencies_.log.Write(
        LogLevel::kWarning,
        "there is no keyring file " + file_->path() +
            ", and read_only forbids to create it: the keyring is empty");
    return status;
  }
  const Status& why = file_->why_not_writable();
  if (!file_->locked() && why.code() != StatusCode::kNotFound) return why;
  SealedHeader header;
  status = dependencies_.random.Fill(header.file_id);
  if (!status.ok()) return status;
  header.context = ContextOf(header.file_id);
  header.kms_key = dependencies_.wrapper.CurrentKeyName();
  Result<GeneratedKey> data_key = GenerateChecked(
      dependencies_.wrapper, kDataKeyBytes, header.context, deadline);
  if (!data_key) return data_key.error();
  header.data_key = std::move(data_key->wrapped);
  const std::lock_guard lock(mutex_);
  status = sealed_.Create(std::move(header), std::move(data_key->key));
  again = status.code() == StatusCode::kAlreadyExists ||
          status.code() == StatusCode::kNotFound;
  if (!status.ok()) return status;
  dependencies_.log.Write(LogLevel::kWarning,
                          "no keyring was found: created the new, empty "
                          "keyring file " +
                              file_->path());
  return status;
}

// A directory that is not mounted, and a link that leads nowhere, must not look
// like a new keyring.
Status SealedFileBackend::CheckMissing(bool& again) {
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

Result<SealedFileBackend::Keys> SealedFileBackend::Open(
    ByteView content, const Deadline& deadline) {
  if (content.empty()) {
    return Status(StatusCode::kCorrupt,
                  "it is empty: restore it from a backup, or, if it never had "
                  "a key, remove it and a new one is created");
  }
  Result<ReadHeader> read = ReadSealedHeader(content);
  if (!read) return read.error();
  Status status = CheckContext(read->header);
  if (!status.ok()) return status;
  Result<Secret> data_key =
      UnwrapDataKey(dependencies_.wrapper, read->header, deadline);
  if (!data_key) return data_key.error();
  Result<Keys> keys = [&] {
    const std::lock_guard lock(mutex_);
    return sealed_.Open(content, std::move(*read), std::move(*data_key));
  }();
  if (!keys) return keys;
  status = RewrapIfChanged(*keys, deadline);
  if (!status.ok()) return status;
  return keys;
}

Status SealedFileBackend::CheckContext(const SealedHeader& header) const {
  const EncryptionContext wanted = ContextOf(header.file_id);
  for (const char* name : {kProductPair, kFileIdPair}) {
    const auto pair = header.context.find(name);
    if (pair == header.context.end() || pair->second != wanted.at(name)) {
      return {StatusCode::kCorrupt,
              std::string("its ") + name + " is not ours"};
    }
  }
  return Status::Ok();
}

Status SealedFileBackend::RewrapIfChanged(const Keys& keys,
                                          const Deadline& deadline) {
  const SealedHeader& header = sealed_.header();
  const std::string current = dependencies_.wrapper.CurrentKeyName();
  if (header.kms_key == current &&
      header.context == ContextOf(header.file_id)) {
    return Status::Ok();
  }
  const std::string change =
      "its data key is wrapped under KMS key " + header.kms_key + " (" +
      header.data_key.wrapping_key + "), and the configuration says " +
      current + " or another encryption_context";
  Status status;
  if (options_.read_only) {
    status = {StatusCode::kReadOnly, "read_only forbids to wrap it again"};
  } else if (file_->locked()) {
    status = Rewrap(keys, deadline);
  } else {
    status = {StatusCode::kReadOnly,
              "the process that can write the file must wrap it again"};
  }
  if (status.ok()) return status;
  // A keyring that opened is not withheld from a server that starts.
  if (!options_.first_load && (options_.read_only || file_->locked())) {
    return status.WithContext(change);
  }
  dependencies_.log.Write(LogLevel::kWarning, file_->path() + ": " + change +
                                                  ": " + status.message());
  return Status::Ok();
}

Status SealedFileBackend::Rewrap(const Keys& keys, const Deadline& deadline) {
  SealedHeader header = sealed_.header();
  header.context = ContextOf(header.file_id);
  header.kms_key = dependencies_.wrapper.CurrentKeyName();
  Result<WrappedKey> wrapped =
      WrapChecked(dependencies_.wrapper, sealed_.data_key(), header.context,
                  StoredWith::kWrappingKey, deadline);
  if (!wrapped) return wrapped.error().WithContext("wrapping it again failed");
  header.data_key = std::move(*wrapped);
  const std::string done = file_->path() + " is now wrapped under KMS key " +
                           header.kms_key + " (" +
                           header.data_key.wrapping_key + ")";
  const std::lock_guard lock(mutex_);
  Status status = sealed_.ReplaceHeader(std::move(header), keys);
  if (status.ok()) dependencies_.log.Write(LogLevel::kNote, done);
  return status;
}

Status SealedFileBackend::Store(const Key& key, const Deadline&) {
  const std::lock_guard lock(mutex_);
  return sealed_.Put(key);
}

Status SealedFileBackend::Remove(const KeyName& name, const Deadline&) {
  const std::lock_guard lock(mutex_);
  return sealed_.Remove(name);
}

std::vector<std::pair<std::string, std::string>> SealedFileBackend::Describe()
    const {
  const std::lock_guard lock(mutex_);
  return {{"File_format", "sealed 1"},
          {"Wrapping_key", sealed_.header().data_key.wrapping_key}};
}

}  // namespace openkeyring
