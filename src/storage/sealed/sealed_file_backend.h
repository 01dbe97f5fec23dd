// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_FILE_BACKEND_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_FILE_BACKEND_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "keyring/keyring_backend.h"
#include "storage/keyring_file.h"
#include "storage/sealed/sealed_file.h"

namespace openkeyring {

// All keys of a MySQL keyring in one sealed file: one call of the wrapper opens
// it, none is needed to store a key. This class knows the wrapper; the file
// itself is SealedFile's.
//
// When another process has the file, or it cannot be written, Load warns and
// every later change is refused with the reason. Load creates the file when it
// is missing, so that a wrong configuration shows at once; not when it is read
// only. An empty file is refused: a sealed file never is. Trouble with files is
// never kNotFound or kAlreadyExists: those are answers about keys.
//
// Threads: all methods may be called concurrently. A mutex is held while a
// record is written to the local file, never during a call of the wrapper.
class SealedFileBackend : public KeyringBackend {
 public:
  SealedFileBackend(const FileBackendDependencies& dependencies,
                    std::shared_ptr<KeyringFile> file,
                    FileBackendOptions options);

  // One call of the wrapper. When the KMS key or the context in the
  // configuration is another than the file's, its data key is wrapped again; if
  // that fails while options.first_load, it is a warning.
  Result<std::vector<Key>> Load(const Deadline& deadline) override;
  Status Store(const Key& key, const Deadline& deadline) override;
  Status Remove(const KeyName& name, const Deadline& deadline) override;
  std::vector<std::pair<std::string, std::string>> Describe() const override;

 private:
  using Keys = SealedFile::Keys;

  // `again`: another process was faster in creating the file, so its file is
  // to be loaded.
  Result<Keys> LoadOnce(const Deadline& deadline, bool& again);
  Status CreateNew(const Deadline& deadline, bool& again);
  Status CheckMissing(bool& again);
  Result<Keys> Open(ByteView content, const Deadline& deadline);
  Status CheckContext(const SealedHeader& header) const;
  Status RewrapIfChanged(const Keys& keys, const Deadline& deadline);
  Status Rewrap(const Keys& keys, const Deadline& deadline);
  EncryptionContext ContextOf(const FileId& file_id) const;

  FileBackendDependencies dependencies_;
  const FileBackendOptions options_;
  const std::shared_ptr<KeyringFile> file_;

  mutable std::mutex mutex_;
  SealedFile sealed_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_FILE_BACKEND_H_
