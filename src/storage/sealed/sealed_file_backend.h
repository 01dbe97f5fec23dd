// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_FILE_BACKEND_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_FILE_BACKEND_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "keyring/keyring_backend.h"
#include "storage/keyring_file.h"
#include "storage/sealed/sealed_store.h"

namespace openkeyring {

// All keys of a MySQL keyring in one sealed file: SealedStore as a port of
// component_keyring_kms. One call of a key server opens it, none is needed to
// store a key. Load creates the file when it is missing, so that a wrong
// configuration shows at once; not when it is read only.
//
// Threads: all methods may be called concurrently. A mutex is held while a
// record is written to the local file, never during a call of a key server.
class SealedFileBackend : public KeyringBackend {
 public:
  // With one KMS key.
  SealedFileBackend(const FileBackendDependencies& dependencies,
                    std::shared_ptr<KeyringFile> file,
                    const FileBackendOptions& options);
  // With any keys.
  SealedFileBackend(const SealedStoreDependencies& dependencies,
                    std::unique_ptr<KeySlots> slots,
                    std::shared_ptr<KeyringFile> file,
                    const FileBackendOptions& options);

  // One call of the wrapper. When the KMS key or the context in the
  // configuration is another than the file's, its data key is wrapped again; if
  // that fails while options.first_load, it is a warning.
  Result<std::vector<Key>> Load(const Deadline& deadline) override;
  Status Store(const Key& key, const Deadline& deadline) override;
  Status Remove(const KeyName& name, const Deadline& deadline) override;
  std::vector<std::pair<std::string, std::string>> Describe() const override;

  // For status rows and tools.
  SealedStore& store() { return store_; }

 private:
  SealedStore store_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_FILE_BACKEND_H_
