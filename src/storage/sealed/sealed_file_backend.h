// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_FILE_BACKEND_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_FILE_BACKEND_H_

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "keyring/keyring_backend.h"
#include "storage/keyring_file.h"
#include "storage/sealed/sealed_header.h"
#include "storage/sealed/sealed_log.h"

namespace openkeyring {

// All keys of a MySQL keyring in one sealed file (docs/file_formats.md): one
// call of the wrapper opens it, none is needed to store a key.
//
// When somebody else has the file, or it cannot be written to, Load warns and
// every later change is refused with the reason. Load makes the file when
// there is none, or an empty one, so that a wrong configuration shows at once;
// not when it is read only. Trouble with files is never kNotFound or
// kAlreadyExists: those are answers about keys.
//
// Threads: all methods may be called concurrently. A mutex is held while a
// record is written to the local file, never during a call of the wrapper.
class SealedFileBackend : public KeyringBackend {
 public:
  SealedFileBackend(const FileBackendDependencies& world,
                    std::shared_ptr<KeyringFile> file,
                    FileBackendOptions options);

  Result<std::vector<Key>> Load(const Deadline& deadline) override;
  Status Store(const Key& key, const Deadline& deadline) override;
  Status Remove(const KeyName& name, const Deadline& deadline) override;
  std::vector<std::pair<std::string, std::string>> Describe() const override;

 private:
  using Keys = std::map<KeyName, Key>;

  // `again`: somebody was faster in making the file, so theirs it is.
  Result<Keys> LoadOnce(const Deadline& deadline, bool& again);
  Status CreateNew(bool missing, const Deadline& deadline, bool& again);
  Status CheckMissing(bool& again);
  Status MakeFile(const SealedHeader& header, const Secret& data_key,
                  bool& again);
  Result<Keys> Open(ByteView content, const Deadline& deadline);
  Result<Secret> Unwrap(const WrappedKey& wrapped,
                        const EncryptionContext& binding,
                        const Deadline& deadline);
  Status TakeUp(const Keys& keys, ByteView torn);
  Status PutTornEndAside(ByteView torn);
  Status Rewrap(const Keys& keys, const Deadline& deadline);
  EncryptionContext WantedBinding(const FileId& file_id) const;
  bool IsAsConfigured() const;
  size_t LiveSize(const Keys& keys) const;
  static Status NoAnswerAboutKeys(const Status& status);

  // With mutex_ held.
  using SealStep = Result<Bytes> (SealedLog::*)(const Key&);
  Status Append(SealStep seal, const Key& key, size_t limit);
  Status AppendRecord(const Bytes& record);
  void UndoAppend();
  Result<Keys> ReadKeys();
  Status WriteAnew(const SealedHeader& header, const Keys& keys);
  Status FixFile();
  Status MakeRoom(size_t bytes, size_t limit);
  Status CheckEnd();
  void RememberEnd(ByteView written);
  void CompactIfGrown();

  FileBackendDependencies world_;
  const FileBackendOptions options_;

  mutable std::mutex mutex_;
  const std::shared_ptr<KeyringFile> file_;
  uint64_t epoch_ = 0;  // Of the file as this object knows it.
  SealedHeader header_;
  Secret data_key_;
  std::unique_ptr<SealedLog> log_;
  std::set<KeyName> names_;  // Of all keys in the log.
  size_t header_size_ = 0;
  size_t end_ = 0;           // Of the last whole record or mark.
  Bytes end_bytes_;          // The last ones before it.
  size_t compact_at_ = 0;    // The end at which to look for waste.
  bool write_anew_ = false;  // What the file holds behind end_ is unknown.
};

// The size at which a file whose keys take `live_bytes` is worth a look, when
// it may have `max_file` bytes.
size_t CompactionPoint(size_t live_bytes, size_t max_file);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_FILE_BACKEND_H_
