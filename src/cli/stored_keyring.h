// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_STORED_KEYRING_H_
#define OPENKEYRING_CLI_STORED_KEYRING_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/installation.h"
#include "keyring/key.h"
#include "os/file_system.h"

namespace openkeyring {

// One stored key, as far as it is known without its value.
struct StoredKey {
  std::string id;     // Data id, or MariaDB's key id.
  std::string owner;  // "" for the server's own keys, and for MariaDB's.
  std::optional<uint32_t> version;  // MariaDB's.
  std::string type;                 // "" unknown.
  std::optional<size_t> bytes;      // Of the key.
  std::optional<WallTime> created;  // Unknown in most files.
  std::string state;                // "", or what is not ordinary.
  std::string wrapping_key;         // "" unknown or none.
  std::string place;                // A file, or an object's identifier.
};
// "1.3", or the data id: what `show` takes.
std::string IdText(const StoredKey& key);

// The keys of a keyring, in the order of their names. There may be 100,000 of
// them: where they stand in a file that is in memory already, each is made when
// it is asked for.
class StoredKeys {
 public:
  // Fills in a key, of which every member has the value of an earlier call, or
  // none.
  using Maker = std::function<void(size_t i, StoredKey& key)>;

  StoredKeys() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  StoredKeys(std::vector<StoredKey> keys)
      : keys_(std::move(keys)), size_(keys_.size()) {}
  StoredKeys(size_t size, Maker maker)
      : maker_(std::move(maker)), size_(size) {}

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Valid until `scratch` is changed.
  const StoredKey& Get(size_t i, StoredKey& scratch) const {
    if (!maker_) return keys_[i];
    maker_(i, scratch);
    return scratch;
  }
  // For a loop. The key that it shows is gone in the next round.
  class Iterator {
   public:
    Iterator(const StoredKeys& keys, size_t at) : keys_(keys), at_(at) {}
    const StoredKey& operator*() { return keys_.Get(at_, scratch_); }
    void operator++() { ++at_; }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    const StoredKeys& keys_;
    size_t at_;
    StoredKey scratch_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size_}; }

 private:
  std::vector<StoredKey> keys_;
  Maker maker_;
  size_t size_ = 0;
};

// One wrapping of the data key of a sealed file.
struct StoredSlot {
  int number = 0;
  std::string kind;   // "aws-kms", "public-key", "local-file", ...
  std::string name;   // As configured.
  std::string maker;  // An ARN, or a fingerprint.
};

// What a keyring holds, and where.
struct StoredKeyring {
  std::string format;  // "sealed 1", "key files", "KMIP 1.4", ...
  std::string place;   // A path, or servers.
  std::vector<std::string> wrapping_keys;
  // Other facts, for people and for JSON: name and value.
  std::vector<std::pair<std::string, std::string>> facts;
  std::optional<FileInfo> file;   // Of the file or directory.
  int lock_pid = 0;               // Of the process that has the file locked.
  std::string lock_holder;        // "process 12 (mysqld)", "" for none.
  std::vector<StoredSlot> slots;  // Of a sealed file.
  StoredKeys keys;
};

// A key or a file that cannot be read, and why.
struct KeyProblem {
  std::string what;
  Status status;
};
struct Verification {
  std::string place;  // A path, or servers.
  size_t keys = 0;    // That were read and are good.
  // No KMS key opened them: the local unlock file did, as at a start.
  bool by_local_file = false;
  std::vector<KeyProblem> problems;
};

// The storage of one keyring, opened for reading only: no method changes a file
// or an object, takes a lock, or removes what a crash left, even where a start
// of the server would (docs/keyringctl.md, "Reading").
//
// Threads: one object is not synchronized.
class KeyringReader {
 public:
  virtual ~KeyringReader() = default;

  // What is stored. Asks a key server only where the keys are on one.
  virtual tl::expected<StoredKeyring, Failure> List() = 0;

  // Called after each key; false stops.
  using Progress = std::function<bool(size_t done, size_t total)>;
  // Reads every key, with the key server, and checks everything that is
  // checked at a start. A failure is one of the configuration, or of a key
  // server that did not answer at all; what is wrong with single keys is in
  // the result.
  virtual tl::expected<Verification, Failure> Verify(
      const Progress& progress) = 0;

  // Is shown each key of MySQL that Verify reads, with its value, which must
  // not be kept. Nothing is shown of MariaDB's keys.
  using Watcher = std::function<void(const KeyName& name, const Secret& value)>;
  void Watch(Watcher watcher) { watcher_ = std::move(watcher); }

 protected:
  Watcher watcher_;  // May be empty.
};

// The reader of an installation. `log` is borrowed.
tl::expected<std::unique_ptr<KeyringReader>, Failure> OpenForReading(
    const Installation& installation, FileSystem& files, Log& log);

// Who has the file locked; nothing is opened for writing and nothing locked.
void FindLockHolder(const std::string& path, StoredKeyring& keyring);

// The makers, one file each.
std::unique_ptr<KeyringReader> MakeKmsComponentReader(
    const Installation& installation, FileSystem& files, Log& log);
std::unique_ptr<KeyringReader> MakeKeyringAwsReader(
    const Installation& installation, FileSystem& files, Log& log);
std::unique_ptr<KeyringReader> MakeKeyFilesReader(
    const Installation& installation, FileSystem& files, Log& log);
std::unique_ptr<KeyringReader> MakeKmipComponentReader(
    const Installation& installation, FileSystem& files, Log& log);
std::unique_ptr<KeyringReader> MakeKmipVersionsReader(
    const Installation& installation, FileSystem& files, Log& log);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_STORED_KEYRING_H_
