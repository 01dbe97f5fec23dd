// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_STORE_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_STORE_H_

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/log.h"
#include "os/file_system.h"
#include "os/random.h"
#include "storage/keyring_file.h"
#include "storage/sealed/key_slots.h"
#include "storage/sealed/sealed_file.h"
#include "storage/sealed/sealed_file_slots.h"

namespace openkeyring {

struct SealedStoreOptions {
  bool read_only = false;  // Nothing on the disk is touched.
  bool may_create = true;  // Whether a missing file may mean a new keyring.
  // Nothing is served yet: whatever opens is better than no keyring.
  bool first_load = true;
  bool must_rewrap = false;  // Of FileBackendOptions.
  // Whether a key that is the last resort may open the file: when every other
  // one has failed and there is no time left.
  bool last_resort = false;
  // Pairs that the file must have, besides its file id, and that are never
  // changed; and those of the configuration.
  EncryptionContext own_context;
  EncryptionContext encryption_context;
  bool put_all = false;  // New files may have PutAll's records.
  size_t max_file = size_t{1} << 30;
  ReplayProgress progress = nullptr;  // For tools.
};

// All borrowed.
struct SealedStoreDependencies {
  FileSystem& files;
  Random& random;
  Log& log;
};

// A sealed file together with the keys that open it: what the keyring of a
// component and MariaDB's key set have in common. Rules of keys are above.
//
// Load opens the file, creates it when it is missing, and brings its key slots
// up to date. When another process has the file, or it cannot be written, Load
// warns and every later change is refused with the reason. An empty file is
// refused: a sealed file never is. Trouble with files is never kNotFound or
// kAlreadyExists: those are answers about keys.
//
// Threads: all methods may be called concurrently. A mutex is held while the
// file is written, never during a call of a key server.
class SealedStore {
 public:
  using Keys = SealedFile::Keys;

  SealedStore(const SealedStoreDependencies& dependencies,
              std::unique_ptr<KeySlots> slots,
              std::shared_ptr<KeyringFile> file, SealedStoreOptions options);

  Result<Keys> Load(const Deadline& deadline);
  // Reads the file with all checks of Load, and keeps no key: how many there
  // are. For a store with read_only. kNotFound is not an answer: a missing file
  // is an error of the file.
  Result<size_t> Verify(const Deadline& deadline);
  Status Put(const Key& key);
  // All of them or none, also after a crash: one append where the file may have
  // such records, else the file is rewritten.
  Status PutAll(std::span<const Key> keys);
  Status Remove(const KeyName& name);
  // All keys again, from the disk and without a key server. kReadOnly where the
  // file is not locked.
  Result<Keys> ReadBack();

  // How the key slots are opened and changed, after a Load.
  SealedFileSlots& slots() { return slots_; }
  const SealedFileSlots& slots() const { return slots_; }
  SealedHeader header() const;

 private:
  Result<Keys> LoadOnce(const Deadline& deadline, bool& again);
  Status CreateNew(const Deadline& deadline, bool& again);
  Status CheckMissing(bool& again);
  Status CreateFile(SealedHeader header, GeneratedSlots made, bool& again);
  Result<Keys> Open(ByteView content, const Deadline& deadline);
  // Brings the header and the data key to `use`, under the lock.
  template <typename T>
  Result<T> OpenWith(
      ByteView content, const Deadline& deadline,
      const std::function<Result<T>(ReadHeader read, Secret data_key)>& use);
  Status CheckContext(const SealedHeader& header) const;
  void Warn(const std::string& line) const;

  const SealedStoreDependencies dependencies_;
  const SealedStoreOptions options_;
  const std::unique_ptr<KeySlots> keys_;
  const std::shared_ptr<KeyringFile> file_;

  mutable std::mutex mutex_;
  SealedFile sealed_;
  SealedFileSlots slots_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_STORE_H_
