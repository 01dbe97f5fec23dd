// SPDX-License-Identifier: MIT
#include "storage/installation_id.h"

#include <utility>

#include "storage/key_names.h"

namespace openkeyring {
namespace {

constexpr size_t kIdBytes = 16;
// Not an object: nothing runs when the library is loaded.
std::string FileName() { return std::string(kInstallationFileName); }

}  // namespace

InstallationId::InstallationId(KeyDirectory& directory, KeyDirectory* data,
                               InstallationKeys keys, Random& random, Log& log)
    : directory_(directory),
      data_(data),
      keys_(std::move(keys)),
      random_(random),
      log_(log) {}

Result<std::string> InstallationId::Read(KeyDirectory& directory) {
  const Result<Bytes> content = directory.Read(FileName());
  if (content.status().code() == StatusCode::kNotFound) return std::string();
  if (!content) return content.error();
  Result<std::string> id = ReadInstallationFile(*content);
  if (id) return id;
  return Status(StatusCode::kMisconfigured,
                directory.PathOf(FileName()) +
                    " is damaged: restore it from a backup, or remove it to "
                    "have it restored from the key files");
}

Status InstallationId::Load() {
  Result<std::string> own = Read(directory_);
  if (!own) return own.error();
  if (own->empty()) {
    Result<std::string> recovered = keys_.installation();
    if (!recovered) return recovered.error();
    if (!recovered->empty()) {
      log_.Write(LogLevel::kWarning,
                 directory_.PathOf(FileName()) +
                     " is missing and is restored from the key files: "
                     "installation " +
                     *recovered);
    }
    own = recovered;
  }
  std::string noted;
  if (data_ != nullptr) {
    Result<std::string> note = Read(*data_);
    if (!note) return note.error();
    noted = *note;
  }
  return Choose(*own, noted);
}

Status InstallationId::Choose(const std::string& own,
                              const std::string& noted) {
  if (own.empty() && noted.empty()) return Status::Ok();
  if (!own.empty() && !noted.empty() && own != noted) {
    return {StatusCode::kMisconfigured,
            "the keys in " + directory_.name() + " belong to installation " +
                own + ", and the data directory to installation " + noted +
                ": set the directory of the key files that belongs to this "
                "data"};
  }
  if (own.empty()) {
    const Result<bool> exist = keys_.exist();
    if (!exist) return exist.error();
    if (!*exist) {
      return {StatusCode::kMisconfigured,
              "the data directory belongs to installation " + noted + ", and " +
                  directory_.name() +
                  " has no key of it: check that this directory is the right "
                  "one and is mounted"};
    }
  }
  const std::string id = own.empty() ? noted : own;
  Set(id);
  if (directory_.is_read_only()) return Status::Ok();
  Status status = Keep(directory_, id);
  if (status.ok() && data_ != nullptr) status = Keep(*data_, id);
  if (!status.ok()) {
    log_.Write(LogLevel::kWarning,
               "the id of this installation cannot be "
               "written everywhere it should be: " +
                   status.message());
  }
  return Status::Ok();
}

Result<std::string> InstallationId::Find() {
  {
    const std::lock_guard lock(mutex_);
    if (!id_.empty()) return id_;
  }
  Result<std::string> id = Read(directory_);
  if (id && !id->empty()) Set(*id);
  return id;
}

Result<std::string> InstallationId::FindOrMake() {
  Result<std::string> id = Find();
  if (!id || !id->empty()) return id;
  Status status = Keep(directory_, RandomHex(random_, kIdBytes));
  if (!status.ok()) return status;
  id = Find();  // Another server may have been first.
  if (!id) return id;
  if (data_ != nullptr) status = Keep(*data_, *id);
  if (!status.ok()) return status;
  return id;
}

Status InstallationId::Keep(KeyDirectory& directory, const std::string& id) {
  const Result<std::string> kept = Read(directory);
  if (!kept || !kept->empty()) return kept.status();
  const Result<Bytes> content = WriteInstallationFile(id);
  if (!content) return content.error();
  const Status status = directory.Create(FileName(), *content);
  return status.code() == StatusCode::kAlreadyExists ? Status::Ok() : status;
}

void InstallationId::Set(const std::string& id) {
  const std::lock_guard lock(mutex_);
  id_ = id;
}

}  // namespace openkeyring
