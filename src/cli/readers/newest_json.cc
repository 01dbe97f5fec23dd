// SPDX-License-Identifier: MIT
#include "cli/readers/newest_json.h"

#include "storage/percona/json_keyring_backup.h"

namespace openkeyring {

Result<JsonKeyring> ReadNewestJson(FileSystem& files, const std::string& path,
                                   Log& log) {
  Result<JsonImage> main = ReadJsonImage(files, path);
  if (!main) return main.error();
  Result<JsonImage> backup = ReadJsonImage(files, path + ".backup");
  if (!backup) return backup.error();
  const Result<BackupAction> action = DecideOnBackup(*main, *backup);
  if (!action) return action.error();
  if (*action == BackupAction::kRestore) {
    log.Write(LogLevel::kWarning,
              "the keys are those of " + path +
                  ".backup, which a crash left and which is newer");
    return std::move(backup->document);
  }
  return std::move(main->document);
}

}  // namespace openkeyring
