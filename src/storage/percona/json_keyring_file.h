// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_FILE_H_
#define OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_FILE_H_

#include <memory>
#include <string>
#include <utility>

#include "storage/keyring_file.h"
#include "storage/percona/json_keyring_backup.h"
#include "storage/percona/json_keyring_format.h"

namespace openkeyring {

// A JSON key file on the disk, and its document as it is there.
//
// Threads: one object is not synchronised.
class JsonKeyringFile {
 public:
  JsonKeyringFile(const FileBackendDependencies& dependencies,
                  std::shared_ptr<KeyringFile> file, bool read_only,
                  bool may_create);

  // Locks the file, reads it and its backup, and decides which one counts.
  // Changes nothing. A file that is not there is an empty document when its
  // directory is there and can be read; it is made by the first Replace. When
  // the file cannot be locked it can be read nevertheless, after one warning.
  //
  // kCorrupt when neither file can be relied on; kMisconfigured for a missing
  // directory, an unknown version, and for a missing or empty file that may not
  // mean a new keyring.
  Status Open();

  // What follows once the keys have been found good: makes the file durable,
  // which a writer that died may have failed to do, puts a backup in its place
  // or out of the way, and removes leftovers. Does nothing to a file that is
  // only read. A file or directory that turns out not to be writable is only
  // read from then on, after one warning; an error means that what is there may
  // not last.
  Status PrepareToWrite();

  const JsonKeyring& document() const { return document_; }
  void SetWrappingKey(size_t index, std::string wrapping_key) {
    document_.SetWrappingKey(index, std::move(wrapping_key));
  }

  // Ok, or why nothing can be written (kReadOnly).
  const Status& why_read_only() const { return why_read_only_; }

  // Writes `next` durably in the file's place. After an error the file and the
  // document are as they were; only where that could not be brought about are
  // both as `next`. kMisconfigured when somebody else has changed, replaced or
  // removed the file since it was read: then it is left alone.
  Status Replace(JsonKeyring next);
  // The same, with a copy of the old file under `<path>.rewrapped-<16 hex>`
  // until the new one has been read back under its name.
  Status ReplaceKeepingOld(JsonKeyring next);

 private:
  void Lock();
  Status CheckNew(const JsonImage& main) const;
  void WarnOfEmpty(const char* what) const;
  void GiveUpWriting(const Status& reason);
  Status ApplyBackupAction();
  Status RestoreBackup();
  Status ProbeDirectory();

  Status CreateIfMissing();
  Status CheckUnchanged() const;
  Status PutInPlace(Bytes content, JsonKeyring document);

  const std::string& path() const { return file_->path(); }
  std::string BackupPath() const { return path() + ".backup"; }
  std::string Directory() const { return DirectoryName(path()); }

  FileBackendDependencies dependencies_;
  const std::shared_ptr<KeyringFile> file_;
  const bool read_only_;
  const bool may_create_;

  uint64_t epoch_ = 0;  // Of the file as this object knows it.
  Status why_read_only_;
  Bytes content_;  // Of the file, to the byte.
  JsonKeyring document_;
  // Until PrepareToWrite.
  JsonImage backup_;
  BackupAction backup_action_ = BackupAction::kNothing;
  bool main_is_damaged_ = false;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_FILE_H_
