// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_BACKUP_H_
#define OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_BACKUP_H_

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "os/file_system.h"
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
enum class BackupFate {
  kNone,      // There is none.
  kRestore,   // It is what counts: put it in the file's place.
  kRemove,    // It holds nothing that the file does not hold: remove it.
  kSetAside,  // It is torn, or older or other than the file: keep it elsewhere.
};

// kCorrupt when neither file can be relied on.
Result<BackupFate> JudgeBackup(const JsonImage& main, const JsonImage& backup);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_BACKUP_H_
