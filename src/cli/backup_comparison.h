// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_BACKUP_COMPARISON_H_
#define OPENKEYRING_CLI_BACKUP_COMPARISON_H_

#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/backup_set.h"
#include "os/file_system.h"

// Whether a backup has everything that is in use now (docs/keyringctl.md,
// "backup and restore"). Names do not tell it: a key that was removed and
// stored again, or made again after an older copy was started with, has the
// same name and another value.
namespace openkeyring {

// Why a copy is not the keyring that is in place, nor the same with more keys.
struct CopyDifference {
  // Keys would be lost, or stored values. Otherwise only the bytes differ, as
  // they do when a file was rewritten, too: opened, all keys may be equal.
  bool is_older = false;
  std::string reason;
};

// Nothing when the keyring file `in_place` is the backup's file `copy`, or is
// the same with fewer keys. Compares bytes, and needs no key server. Both must
// be readable keyrings.
//
// The records of sealed files are equal as far as they go, in one generation:
// each change is appended. Of the others each key that is in place is in the
// copy, wrapped by the same bytes.
Result<std::optional<CopyDifference>> CompareCopy(FileSystem& files,
                                                  Product product,
                                                  const std::string& in_place,
                                                  const std::string& copy,
                                                  Log& log);

// For the names in a directory of MariaDB's keys: Ok when every version that
// was made, as the marks say, is one of the backup's, and a backup of key files
// does not go into a directory of a key set, nor a key set beside key files
// that it was not made of. Else kDenied. That files of one name are equal, the
// plan of a restore says.
Status CheckMarksAreInBackup(const std::vector<KeyringPart>& in_place,
                             const BackupManifest& manifest);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_BACKUP_COMPARISON_H_
