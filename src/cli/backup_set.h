// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_BACKUP_SET_H_
#define OPENKEYRING_CLI_BACKUP_SET_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/installation.h"
#include "cli/stored_keyring.h"
#include "os/file_system.h"

// A backup that `keyringctl backup` made: a directory with copies of a
// keyring's files, and manifest.json, which says what they are
// (docs/keyringctl.md, "Backups").
namespace openkeyring {

constexpr char kManifestName[] = "manifest.json";
constexpr char kManifestSumName[] = "manifest.json.sha256";

struct BackupFile {
  std::string name;  // In the backup, and beside the keyring.
  uint64_t bytes = 0;
  mode_t mode = 0;
  std::string sha256;  // Hex.
};

// A key as a set of backups is compared by; "" and 0 where a product has none.
struct BackupKey {
  std::string id, owner;
  uint32_t version = 0;
  auto operator<=>(const BackupKey&) const = default;
};
std::set<BackupKey> KeysOf(const StoredKeyring& keyring);
std::string ToString(const BackupKey& key);

struct BackupManifest {
  Product product = Product::kComponentKeyringKms;
  std::string created;  // UTC, ISO 8601.
  std::string format;   // "sealed 1", ...
  std::string name;     // Of the keyring file; "" when there is none.
  std::vector<BackupFile> files;
  std::vector<std::string> wrapping_keys;
  std::map<std::string, std::string> facts;  // file_id, generation, ...
  std::set<BackupKey> keys;
};

std::string WriteManifest(const BackupManifest& manifest);
// kCorrupt for all that is not one; kMisconfigured for one of newer software.
Result<BackupManifest> ReadManifest(ByteView text);

// The manifest in `directory`, without a look at the files beside it. kNotFound
// when there is none: no backup.
Result<BackupManifest> ReadManifestIn(FileSystem& files,
                                      const std::string& directory);
// The manifest of the backup in `directory`, whose files are all there and are
// what it says. kCorrupt, with what is missing, changed or too much.
Result<BackupManifest> CheckBackup(FileSystem& files,
                                   const std::string& directory);

// kUsage when `path` ("": ok) is, or leads to, the directory of a backup, or a
// file in it: after a change its checksums would be wrong, and restore would
// refuse it.
Outcome CheckNotInBackup(FileSystem& files, const std::string& path);

// Where the keyring is, or would be: a file, for MariaDB's key files a
// directory, and for KMIP the note of the object group ("": unknown).
tl::expected<std::string, Failure> PlaceOf(const Installation& installation,
                                           FileSystem& files, Log& log);

// One file of a keyring, as it is now.
struct KeyringPart {
  BackupFile about;
  Bytes content;
};
// The files at `place` that are the keyring. Files that are replaced meanwhile
// are read again. Empty when there is none.
Result<std::vector<KeyringPart>> ReadParts(FileSystem& files, Product product,
                                           const std::string& place);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_BACKUP_SET_H_
