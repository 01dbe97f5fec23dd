// SPDX-License-Identifier: MIT
#include "storage/percona/json_keyring_backup.h"

#include <map>
#include <utility>

namespace openkeyring {
namespace {

using State = JsonImage::State;

// Whether every key of `part` is in `whole`, wrapped in the same bytes.
bool Contains(const JsonKeyring& whole, const JsonKeyring& part) {
  std::map<KeyName, const JsonElement*> names;
  for (size_t i = 0; i < whole.size(); ++i) {
    names[whole.element(i).name] = &whole.element(i);
  }
  for (size_t i = 0; i < part.size(); ++i) {
    const JsonElement& element = part.element(i);
    const auto found = names.find(element.name);
    if (found == names.end() || found->second->type != element.type ||
        found->second->wrapped.blob != element.wrapped.blob) {
      return false;
    }
  }
  return true;
}

Status Unusable(const JsonImage& main, const JsonImage& backup) {
  std::string text =
      main.state == State::kDamaged
          ? "it is not a complete JSON keyring file: " + main.damage
          : "it holds nothing";
  if (backup.state == State::kDamaged) {
    text += "; and its backup, left by a crash, is torn: " + backup.damage;
  } else if (backup.state == State::kEmpty) {
    text += "; and its backup, left by a crash, is empty";
  }
  text += main.state == State::kDamaged
              ? "; restore it from a copy"
              : "; if no key was ever stored, remove the backup, else restore "
                "the file from a copy";
  return {StatusCode::kCorrupt, std::move(text)};
}

}  // namespace

Result<JsonImage> ReadJsonImage(FileSystem& files, const std::string& path) {
  JsonImage image;
  Result<Bytes> content = files.Read(path, kMaxJsonKeyring);
  if (!content) {
    const StatusCode code = content.error().code();
    if (code == StatusCode::kNotFound) return image;
    if (code != StatusCode::kCorrupt) return content.error();
    image.state = State::kDamaged;
    image.damage = content.error().message();
    return image;
  }
  image.content = std::move(*content);
  if (image.content.empty()) {
    image.state = State::kEmpty;
    return image;
  }
  Result<JsonKeyring> document = JsonKeyring::Parse(image.content);
  if (document) {
    image.state = State::kValid;
    image.document = std::move(*document);
  } else if (document.error().code() == StatusCode::kCorrupt) {
    image.state = State::kDamaged;
    image.damage = document.error().message();
  } else {
    return document.error().WithContext(path);
  }
  return image;
}

Result<BackupAction> DecideOnBackup(const JsonImage& main,
                                    const JsonImage& backup) {
  const bool main_is_valid = main.state == State::kValid;
  if (backup.state == State::kMissing) {
    if (main.state == State::kDamaged) return Unusable(main, backup);
    return BackupAction::kNothing;
  }
  if (backup.state == State::kEmpty) {
    // A power cut can empty both files, since nothing is synced.
    if (!main_is_valid) return Unusable(main, backup);
    return BackupAction::kRemove;
  }
  if (backup.state == State::kDamaged) {
    if (!main_is_valid) return Unusable(main, backup);
    return BackupAction::kSetAside;
  }
  if (!main_is_valid) return BackupAction::kRestore;
  if (!Contains(backup.document, main.document)) return BackupAction::kSetAside;
  return backup.document.size() > main.document.size() ? BackupAction::kRestore
                                                       : BackupAction::kRemove;
}

Status SetBackupAside(const FileBackendDependencies& dependencies,
                      const std::string& path, const JsonImage& backup) {
  const std::string aside =
      path + ".ignored-" + RandomHex(dependencies.random, 8);
  Status status = dependencies.files.RenameNoReplace(path, aside);
  if (!status.ok()) return status;
  dependencies.log.Write(
      LogLevel::kWarning,
      path + ", left by a crash, " +
          (backup.state == State::kDamaged
               ? "is incomplete (" + backup.damage + ")"
               : "lacks keys of the keyring file or has others in their "
                 "place") +
          ": it is not used, and kept as " + aside);
  return status;
}

}  // namespace openkeyring
