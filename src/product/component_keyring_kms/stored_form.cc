// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/stored_form.h"

#include <optional>

#include "product/component_keyring_kms/sealed_note.h"
#include "product/encrypted_data.h"
#include "storage/sealed/sealed_file_backend.h"

namespace openkeyring {
namespace {

constexpr size_t kMagicSize = 8;

// Whether nothing is there that could hold a key: no file, or an empty one, and
// no backup that a crash left.
Result<bool> NothingIsStored(FileSystem& files, const std::string& path) {
  for (const std::string& name : {path, path + ".backup"}) {
    const Result<Bytes> start = files.ReadStart(name, 1);
    if (start && !start->empty()) return false;
    if (!start && start.error().code() != StatusCode::kNotFound) {
      return start.error();
    }
  }
  return true;
}

// By the first bytes of the file; a `.backup` is part of the JSON form.
Result<KeyringFileFormat> FormatOf(
    FileSystem& files, const std::string& path,
    const std::optional<KeyringFileFormat>& wanted) {
  const Result<Bytes> start = files.ReadStart(path, kMagicSize);
  if (start && LooksSealed(*start)) return KeyringFileFormat::kSealed;
  if (start && !start->empty()) return KeyringFileFormat::kPercona;
  if (!start && start.error().code() != StatusCode::kNotFound) {
    return start.error();
  }
  const Result<FileInfo> backup = files.Stat(path + ".backup");
  if (backup) return KeyringFileFormat::kPercona;
  if (backup.error().code() != StatusCode::kNotFound) return backup.error();
  return wanted.value_or(start ? KeyringFileFormat::kPercona
                               : KeyringFileFormat::kSealed);
}

Status CheckOneKey(const KmsComponentConfig& config) {
  if (!config.slots.NeedsSlots()) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "keyring file " + config.path +
              " is in Percona's or Oracle's JSON format, which has one KMS "
              "key: configure one kms_key, without recovery_public_key and "
              "local_unlock_file, or convert the file to the sealed format"};
}

}  // namespace

Result<KeyringFileFormat> ChooseForm(FileSystem& files,
                                     const KmsComponentConfig& config,
                                     bool may_create,
                                     const std::string& data_directory) {
  const Result<bool> nothing = NothingIsStored(files, config.path);
  if (!nothing) return nothing.error();
  // Where no keyring may be made the backend refuses, and says why.
  if (*nothing && may_create && !config.allow_new_keyring) {
    Status status =
        CheckNewKeyringFitsData(files, data_directory,
                                {"key in the keyring file " + config.path,
                                 "allow_new_keyring", kKmsComponent});
    if (!status.ok()) return status;
  }
  Result<KeyringFileFormat> format =
      FormatOf(files, config.path, config.file_format);
  if (!format) return format;
  // An empty file; or none, with an option that may be left from before a
  // conversion.
  if (*nothing && *format == KeyringFileFormat::kPercona) {
    Status status = CheckMayBeEmpty(files, data_directory, config.path);
    if (!status.ok()) return status;
  }
  if (*format == KeyringFileFormat::kSealed) return format;
  Status status = CheckOneKey(config);
  if (!status.ok()) return status;
  return format;
}

}  // namespace openkeyring
