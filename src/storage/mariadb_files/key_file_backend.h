// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_BACKEND_H_
#define OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_BACKEND_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/log.h"
#include "crypto/digest.h"
#include "keyring/key_wrapper.h"
#include "keyring/versioned_backend.h"
#include "os/file_system.h"
#include "os/random.h"
#include "storage/installation_id.h"
#include "storage/key_directory.h"
#include "storage/mariadb_files/key_file_format.h"

namespace openkeyring {

// How a key's identity is tied to its blob.
enum class BindPolicy {
  kOff,       // New files are raw, as the stock plugin writes and reads them.
  kOn,        // New files are bound; raw ones are still read.
  kRequired,  // As kOn, and raw files are refused.
};

// Keys as wrapped blobs, one file a version, in one directory.
//
// Files are made durable before they are used, are never changed, and have mode
// 0440. A key is opened before its file takes its name, so that what was made
// can also be read at the next start, and is given out once a second answer of
// KMS agrees: data must not be encrypted with what one false answer said.
// Several servers may share the directory:
// the first file of a name stays. Threads: all methods may be called
// concurrently.
class KeyFileBackend : public VersionedBackend {
 public:
  struct Options {
    KeyDirectory::Options keys;
    // Asked at each use, since it may be a variable. Called from any thread.
    std::function<BindPolicy()> bind_policy;
    // The data directory, where the installation is noted as well; the same
    // spelling as the directory of the key files means that it is the same.
    std::string data_directory = "";
  };
  // `wrapper` and the rest are borrowed.
  KeyFileBackend(KeyWrapper& wrapper, FileSystem& files, Random& random,
                 Log& log, Options options);

  // Checks the directory and finds the installation's id; before anything else.
  // kMisconfigured, with the fix, when these cannot be the right files.
  Status Prepare();

  // Versions that were made and have no file any more are listed, too.
  Result<std::vector<KeyVersion>> List() override;
  Result<Secret> Fetch(KeyVersion key, const Deadline& deadline) override;
  Status Create(KeyVersion key, size_t bytes,
                const Deadline& deadline) override;
  // For tools: Create with a key that was made elsewhere, wrapped by KMS,
  // opened again and compared before its file takes its name. kInvalidArgument
  // for what is not an AES key.
  Status Store(KeyVersion key, const Secret& value, const Deadline& deadline);
  std::string Describe(KeyVersion key) const override;

 private:
  Result<KeyFile> ReadAndCheck(KeyVersion key);
  Status CheckBinding(KeyVersion key, const KeyFile& file);
  Status CheckInstallation(KeyVersion key, const KeyFile& file);
  Result<Secret> Open(const KeyFile& file, const std::string& description,
                      const Deadline& deadline);
  Result<EncryptionContext> ContextOfNewKey(KeyVersion key);
  // What the key files say of their installation.
  Result<std::string> InstallationOfFiles();
  // Ok but for a key that was made here and opened as another one.
  Status CheckOpensAsMade(KeyVersion key, const Secret& plaintext);

  KeyWrapper& wrapper_;
  Log& log_;
  const Options options_;
  KeyDirectory directory_;
  std::unique_ptr<KeyDirectory> data_;  // Null when it is the same one.
  InstallationId installation_;
  std::atomic<bool> is_mark_failure_logged_{false};
  std::mutex mutex_;  // Guards what follows.
  // What new keys opened as the last time, until two answers agree.
  std::map<KeyVersion, Digest256> made_;
};

// What a key file of this product is bound to (docs/file_formats.md). With an
// `installation` the file has version 2.
EncryptionContext ContextOf(KeyVersion key, const std::string& installation);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_BACKEND_H_
