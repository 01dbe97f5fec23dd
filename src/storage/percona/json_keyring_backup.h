// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_BACKUP_H_
#define OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_BACKUP_H_

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "os/file_system.h"
#include "storage/keyring_file.h"
#include "storage/percona/json_keyring_format.h"

// Percona's and Oracle's components write all of `<path>.backup`, then all of
// `<path>`, in place, then remove the backup. Whoever finds a backup has found
// a crash, in which either file may be torn (docs/file_formats.md).
namespace openkeyring {

// What one of the two files holds.
struct JsonImage {
  enum class State { kMissing, kEmpty, kValid, kDamaged };
  State state = State::kMissing;
  Bytes content;
  JsonKeyring document;  // Empty unless valid.
  std::string damage;    // Why it is damaged.
};

// An error when it could not be read, or is of an unknown version: then nothing
// can be decided.
Result<JsonImage> ReadJsonImage(FileSystem& files, const std::string& path);

// What to do about a backup.
enum class BackupAction {
  kNothing,   // There is none.
  kRestore,   // It has the newest keys: put it in the file's place.
  kRemove,    // It holds nothing that the file does not hold: remove it.
  kSetAside,  // It is torn, lacks keys or has others: keep it elsewhere.
};

// kCorrupt when neither file can be relied on.
Result<BackupAction> DecideOnBackup(const JsonImage& main,
                                    const JsonImage& backup);

// Renames the backup at `path` to `<path>.ignored-<16 hex digits>` and says so.
Status SetBackupAside(const FileBackendDependencies& dependencies,
                      const std::string& path, const JsonImage& backup);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_BACKUP_H_
