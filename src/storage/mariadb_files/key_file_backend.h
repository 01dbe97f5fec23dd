// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_BACKEND_H_
#define OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_BACKEND_H_

#include <functional>
#include <string>
#include <vector>

#include "base/log.h"
#include "keyring/key_wrapper.h"
#include "keyring/versioned_backend.h"
#include "os/file_system.h"
#include "os/random.h"
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
// 0440. Several servers may share the directory: the first file of a name
// stays. Threads: all methods may be called concurrently.
class KeyFileBackend : public VersionedBackend {
 public:
  struct Options {
    std::string directory;  // "" or "." is the current one, MariaDB's datadir.
    // Asked at each use, since it may be a variable. Called from any thread.
    std::function<BindPolicy()> bind_policy;
  };
  // `wrapper` and the rest are borrowed.
  KeyFileBackend(KeyWrapper& wrapper, FileSystem& files, Random& random,
                 Log& log, Options options);

  // Checks that the directory is there and removes what crashes left of files
  // that were never finished. kMisconfigured, with the cure, when it is not a
  // directory that can be read.
  Status Prepare();

  Result<std::vector<KeyVersion>> List() override;
  Result<Secret> Fetch(KeyVersion key, const Deadline& deadline) override;
  Status Create(KeyVersion key, size_t bytes,
                const Deadline& deadline) override;
  std::string Describe(KeyVersion key) const override;

 private:
  Result<KeyFile> ReadAndCheck(KeyVersion key);
  std::string DirectoryName() const;

  KeyWrapper& wrapper_;
  FileSystem& files_;
  Random& random_;
  Log& log_;
  const Options options_;
};

// What files of this product are bound to (see docs/file_formats.md).
EncryptionContext BindingOf(KeyVersion key);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_BACKEND_H_
