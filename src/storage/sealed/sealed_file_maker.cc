// SPDX-License-Identifier: MIT
// Making a sealed keyring file.
#include <algorithm>
#include <utility>

#include "storage/sealed/sealed_file_backend.h"

namespace openkeyring {

Status SealedFileBackend::CreateNew(bool missing, const Deadline& deadline,
                                    bool& again) {
  if (!options_.may_create) {
    return {StatusCode::kMisconfigured,
            "it is gone or empty, while its keys are in use; restore it from a "
            "backup"};
  }
  Status status = missing ? CheckMissing(again) : Status::Ok();
  if (!status.ok()) return status;
  if (options_.read_only) {
    world_.log.Write(LogLevel::kWarning,
                     "there are no keys in " + file_->path() +
                         ", and read_only forbids to make a keyring there");
    return status;
  }
  if (!file_->locked()) {
    const Status& why = file_->why_not_writable();
    again = !missing && why.code() == StatusCode::kNotFound;
    if (!missing && why.code() == StatusCode::kAlreadyExists) {
      return {StatusCode::kUnavailable, "it is empty, and " + why.message()};
    }
    if (again || why.code() != StatusCode::kNotFound) return why;
  }
  SealedHeader header;
  status = world_.random.Fill(header.file_id);
  if (!status.ok()) return status;
  header.binding = WantedBinding(header.file_id);
  header.kms_key = world_.wrapper.CurrentKeyName();
  Result<WrappedKey> wrapped =
      world_.wrapper.Generate(kDataKeyBytes, header.binding, deadline);
  if (!wrapped) return wrapped.error();
  header.data_key = std::move(*wrapped);
  Result<Secret> data_key = Unwrap(header.data_key, header.binding, deadline);
  if (!data_key) return data_key.error();
  return MakeFile(header, *data_key, again);
}

// A directory that is not mounted, and a link that leads nowhere, must not look
// like a new keyring.
Status SealedFileBackend::CheckMissing(bool& again) {
  const Result<std::vector<std::string>> names =
      world_.files.List(DirectoryName(file_->path()));
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
          "it is a symbolic link to what is not there"};
}

Status SealedFileBackend::MakeFile(const SealedHeader& header,
                                   const Secret& data_key, bool& again) {
  Result<Bytes> content = WriteSealedHeader(header, data_key);
  if (!content) return content.error();
  Result<std::unique_ptr<SealedLog>> log = SealedLog::Make(
      data_key, header.file_id, header.generation, world_.random);
  if (!log) return log.error();
  std::lock_guard lock(mutex_);
  const bool exists = file_->locked();  // An empty one.
  bool replaced = false;
  Status status =
      exists ? file_->Replace(*content, replaced) : file_->Create(*content);
  again = !exists && status.code() == StatusCode::kAlreadyExists;
  if (!status.ok()) return status;
  file_->Acquire();
  again = !file_->locked();
  if (again) return file_->why_not_writable();
  world_.log.Write(LogLevel::kNote, "made keyring file " + file_->path() +
                                        (exists ? ", which was empty" : ""));
  header_ = header;
  data_key_ = data_key.Clone();
  log_ = std::move(*log);
  header_size_ = end_ = content->size();
  RememberEnd(*content);
  return TakeUp({}, {});
}

}  // namespace openkeyring
