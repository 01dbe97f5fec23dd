// SPDX-License-Identifier: MIT
#include "storage/percona/json_keyring_file.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

Status Changed(const std::string& path) {
  return {StatusCode::kCorrupt,
          path +
              " was changed by somebody else since the keyring was loaded; "
              "nothing was changed. Put the right file there and run ALTER "
              "INSTANCE RELOAD KEYRING"};
}

}  // namespace

Status JsonKeyringFile::Replace(JsonKeyring next) {
  if (!why_read_only_.ok()) return why_read_only_;
  Result<Bytes> content = next.Write();
  if (!content) return content.error().WithContext(path());
  Status status = CreateIfMissing();
  if (status.ok()) status = CheckUnchanged();
  if (!status.ok()) return status;
  return PutInPlace(std::move(*content), std::move(next));
}

Status JsonKeyringFile::ReplaceKeepingOld(JsonKeyring next) {
  if (!why_read_only_.ok()) return why_read_only_;
  const Bytes before = content_;
  Status status = CheckUnchanged();
  if (!status.ok()) return status;
  Result<std::string> old = file_->PutAside("rewrapped", before);
  if (!old) return old.error();
  status = Replace(std::move(next));
  if (status.ok()) status = CheckUnchanged();
  if (!status.ok()) {
    if (content_ == before) (void)world_.files.Remove(*old);
    return status;
  }
  status = world_.files.Remove(*old);
  if (status.ok()) status = world_.files.SyncDirectory(Directory());
  if (!status.ok()) {
    world_.log.Write(LogLevel::kWarning,
                     "a copy of the file as it was before may be left as " +
                         *old + ": " + status.message());
  }
  return Status::Ok();
}

// An empty file is a whole one, and it is locked: who comes second finds it
// taken.
Status JsonKeyringFile::CreateIfMissing() {
  if (file_->locked()) return Status::Ok();
  Status status = file_->Create({});
  if (status.code() == StatusCode::kAlreadyExists) return Changed(path());
  if (!status.ok()) return status;
  file_->Acquire();
  epoch_ = file_->epoch();
  // Locked by somebody else already; that is not the key which is there.
  return file_->locked() ? status : Changed(path());
}

Status JsonKeyringFile::CheckUnchanged() const {
  Status status = file_->CheckUnchanged(epoch_, content_.size());
  if (!status.ok()) return status;
  // The components that this format comes from write in place, without a lock.
  const Result<Bytes> now = file_->file().ReadBack(0, content_.size());
  if (!now) return now.error();
  return *now == content_ ? Status::Ok() : Changed(path());
}

Status JsonKeyringFile::PutInPlace(Bytes content, JsonKeyring document) {
  bool replaced = false;
  Status status = file_->ReplaceOrRestore(content, content_, replaced);
  epoch_ = file_->epoch();
  if (!replaced) return status;
  content_ = std::move(content);
  document_ = std::move(document);
  return status;
}

}  // namespace openkeyring
