// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_KEYRING_STORE_H_
#define OPENKEYRING_CLI_KEYRING_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/installation.h"
#include "keyring/key.h"
#include "os/file_system.h"
#include "product/component_keyring_kms/kms_component_config.h"

namespace openkeyring {

// What a keyring is opened for.
enum class StoreRole {
  kSource,  // To be read. It must be there; its file is locked meanwhile.
  kTarget,  // To get keys. It need not be there.
};

// All keys of one keyring with their values, of whatever product, and the way
// to put more into it. Keys are read and written by the product's own code. A
// version of one of MariaDB's keys is a key with the name "ID.VERSION".
//
// Nothing is changed but by Add, and Add overwrites nothing. Threads: one
// object is not synchronized.
class KeyringStore {
 public:
  using Keys = std::vector<Key>;
  // Called after each key; false stops.
  using Progress = std::function<bool(size_t done, size_t total)>;

  virtual ~KeyringStore() = default;

  // "component_keyring_kms in /var/lib/...": for people.
  virtual std::string Description() const = 0;
  // Reads what is stored, each time again. kInUse when another process has the
  // file locked. A target that is not there has no keys.
  virtual tl::expected<Keys, Failure> ReadAll() = 0;
  // MariaDB names keys by number and version: MySQL's keyrings hold none.
  virtual bool is_for_mariadb() const { return false; }
  // Whether `source` may be copied beside `target`, which this store has.
  virtual Outcome CheckTarget(const Keys& /*source*/,
                              const Keys& /*target*/) const {
    return ExitCode::kOk;
  }
  // What Add would do with the first of these keys: "create" a new keyring
  // file, or "add to" the one that is there.
  virtual const char* ActionOfAdd() = 0;
  // Adds keys that are not there. Where there is no file yet, one is made with
  // all of them or none; else each key is durable by itself, and `progress`
  // says how many are.
  virtual Outcome Add(const std::vector<const Key*>& keys,
                      const Progress& progress) = 0;
};

// The keyring that a word of the command line means: PRODUCT, PRODUCT:FILE, or
// the FILE alone (help topic "keyrings"). The rest is found by the rules of
// discovery, with the context's --datadir, --plugin-dir and --defaults-file.
// kUsage for a keyring that cannot have that role.
tl::expected<std::unique_ptr<KeyringStore>, Failure> OpenKeyringStore(
    CommandContext& context, const std::string& word, StoreRole role);
// The same for what is already found. `log` is borrowed.
tl::expected<std::unique_ptr<KeyringStore>, Failure> OpenKeyringStore(
    const Installation& installation, StoreRole role, Log& log);

// The same for MariaDB's products. kInUse when a server runs on them.
tl::expected<std::unique_ptr<KeyringStore>, Failure> OpenVersionsStore(
    CommandContext& context, const Installation& installation, StoreRole role);

// ---- What the stores share -------------------------------------------------

// For what nobody shall hear of: a load that makes a plan, whose warnings are
// that plan, and a file in memory, which is always new.
class NoLog : public Log {
 public:
  void Write(LogLevel, std::string_view) override {}
};

// kUsage when the configuration has read_only, which is for everybody who has
// this configuration.
Outcome CheckNotReadOnly(const Installation& installation, Log& log);

// kUsage when there is no file; a file that cannot be looked for is another
// error, and never taken for one that is not there.
Outcome CheckIsThere(FileSystem& files, const std::string& path);

// kInUse, with the pid, when another process has the file at `path` locked.
// Else locks it for as long as `lock` lives; a file that cannot be opened for
// writing, or is not there, is not locked. A lock that is there already stays.
Outcome LockFile(FileSystem& files, const std::string& path,
                 std::unique_ptr<WritableFile>& lock);

// For key files, which no server locks: a server that uses them runs.
Failure ServerRuns(int pid);

// Whether the keys of a directory of MariaDB's are in a key set, also where
// that is lost, which must not look like a directory of key files.
bool HasKeySet(const std::string& directory);

// Before a plan is made: kFailed when something is at `path`, where a command
// is to make a file or a directory; kUsage when the directory around it is not
// there, or may not be looked at.
Outcome CheckNewPlace(FileSystem& files, std::string path);

// Who a new file in the directory of `path` belongs to: the directory's owner.
std::optional<FileOwner> OwnerForNewFile(FileSystem& files,
                                         const std::string& path);

// Makes the file at `path` with this content, durably; kFailed, with nothing
// changed, when one is there. It belongs to the owner of its directory.
// What a killed run left under a temporary name is removed first.
Outcome PublishFile(FileSystem& files, const std::string& path,
                    ByteView content, mode_t permissions);
// The same for plaintext, on the real file system: mode 0600, and without a
// name until it is complete, where the file system can do that.
Outcome PublishSecretFile(const std::string& path, const Secret& content);

// Of a Failure that says which keys were added before it.
Outcome AddFailed(Status status, size_t added, size_t total);

// The makers, one file each.
struct StoreSettings {
  Installation installation;
  StoreRole role;
  Log& log;
  // For a new file of component_keyring_kms; nothing: as configured.
  std::optional<KeyringFileFormat> file_format = std::nullopt;
  mode_t new_file_mode = 0640;
};
std::unique_ptr<KeyringStore> MakeKmsComponentStore(StoreSettings settings);
std::unique_ptr<KeyringStore> MakeKmipComponentStore(StoreSettings settings);
std::unique_ptr<KeyringStore> MakeKeyringAwsStore(StoreSettings settings);
// MySQL's own files, in which the keys are not encrypted.
std::unique_ptr<KeyringStore> MakeComponentFileStore(std::string path,
                                                     StoreRole role);
std::unique_ptr<KeyringStore> MakePluginFileStore(std::string path);
// MariaDB's keys. The options are read when they are needed.
std::unique_ptr<KeyringStore> MakeKeyFilesStore(StoreSettings settings);
std::unique_ptr<KeyringStore> MakeKmipVersionsStore(StoreSettings settings);
// A sealed file whose recovery key is at hand. Read only.
struct RecoverySource {
  std::string path, private_key;
  std::string passphrase_file;                      // "": none.
  Product product = Product::kComponentKeyringKms;  // Whose sealed file it is.
  // Of the installation.
  std::function<void(size_t done, size_t total)> progress = nullptr;
};
std::unique_ptr<KeyringStore> MakeRecoveryStore(RecoverySource source,
                                                Log& log);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_KEYRING_STORE_H_
