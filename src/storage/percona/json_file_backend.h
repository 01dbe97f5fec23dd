// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_PERCONA_JSON_FILE_BACKEND_H_
#define OPENKEYRING_STORAGE_PERCONA_JSON_FILE_BACKEND_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "keyring/keyring_backend.h"
#include "os/clock.h"
#include "storage/keyring_file.h"
#include "storage/percona/json_keyring_file.h"

namespace openkeyring {

// All keys of a MySQL keyring in one JSON file, each wrapped on its own, as
// Percona's component_keyring_kms writes it, or Oracle's component_keyring_aws:
// a file stays in the form that it has. Nothing binds a wrapped key to its
// name: whoever can write the file can swap keys (docs/file_formats.md).
//
// When another process has the file, or it cannot be written, Load warns and
// every later change is refused with the reason (kReadOnly). A file that does
// not exist is created by the first Store.
//
// Threads: all methods may be called concurrently, Load before the others. A
// mutex is held while the local file is replaced, never during a call of the
// wrapper.
class JsonFileBackend : public KeyringBackend {
 public:
  // `clock` is borrowed. The options' encryption context is not used.
  JsonFileBackend(const FileBackendDependencies& dependencies, Clock& clock,
                  std::shared_ptr<KeyringFile> file,
                  FileBackendOptions options);

  // One call of the wrapper a key. Keys that another wrapping key wrapped than
  // the current one are wrapped again, each checked, and the file is replaced;
  // a warning when that fails while options.first_load, or when the file can
  // only be read. A wrapping key that the service may not describe (kDenied) is
  // taken as current. With options.must_rewrap each of these is an error.
  Result<std::vector<Key>> Load(const Deadline& deadline) override;
  // kInvalidArgument for an empty key or one above 4096 bytes, and for names
  // that JSON cannot hold; kCorrupt when somebody else changed the file.
  Status Store(const Key& key, const Deadline& deadline) override;
  Status Remove(const KeyName& name, const Deadline& deadline) override;
  // File_format, Wrapping_key.
  std::vector<std::pair<std::string, std::string>> Describe() const override;

 private:
  Result<std::vector<Key>> UnwrapAll(const Deadline& deadline);
  Status RewrapIfChanged(const std::vector<Key>& keys,
                         const Deadline& deadline);
  Result<std::vector<size_t>> NotCurrent(const Deadline& deadline);
  Status Rewrap(const std::vector<Key>& keys, const std::vector<size_t>& which,
                const Deadline& deadline);

  FileBackendDependencies dependencies_;
  Clock& clock_;
  const FileBackendOptions options_;
  const std::string path_;

  mutable std::mutex mutex_;
  JsonKeyringFile file_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_PERCONA_JSON_FILE_BACKEND_H_
