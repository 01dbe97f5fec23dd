// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_FORMAT_H_
#define OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_FORMAT_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "keyring/key_wrapper.h"
#include "keyring/versioned_backend.h"

// MariaDB's key files (docs/file_formats.md, "aws-kms-key files").
namespace openkeyring {

// More than any of these files can be.
constexpr size_t kMaxKeyFile = 32768;

// All key files start with this.
constexpr std::string_view kKeyFilePrefix = "aws-kms-key.";
// All files of ours start with this; mariadb-backup copies by it.
constexpr std::string_view kFamilyPrefix = "aws-kms-key";

// ---- Names -----------------------------------------------------------------

// "aws-kms-key.<id>.<version>", decimal.
std::string KeyFileName(KeyVersion key);
// The reverse; nothing for any other name. Only the exact spelling counts: no
// leading zeros, no signs, both numbers from 1 to their maximum.
std::optional<KeyVersion> ParseKeyFileName(std::string_view name);

// "aws-kms-key-made.<id>.<version>": an empty file that says that this version
// was made, and none above it.
std::string VersionMarkName(KeyVersion key);
std::optional<KeyVersion> ParseVersionMarkName(std::string_view name);

constexpr std::string_view kInstallationFileName = "aws-kms-key-installation";

// ---- Key files -------------------------------------------------------------

// The name in an encryption context under which a file of version 2 is bound to
// its installation.
constexpr char kInstallationContext[] = "openkeyring:installation";

// What a file says. A raw file, as the stock plugin writes it, is the blob and
// nothing else; a bound file also says what the blob is bound to.
struct KeyFile {
  WrappedKey wrapped;
  bool bound = false;
  EncryptionContext binding;  // Empty when not bound.

  // Of a file of version 2; "" of others.
  std::string installation() const;
};

// Of a bound file: of version 2 when `binding` names an installation.
Result<Bytes> WriteBoundKeyFile(const WrappedKey& wrapped,
                                const EncryptionContext& binding);
// Decides by the first bytes. kCorrupt for an empty, truncated, damaged or
// oversized file; kMisconfigured for a bound file of a version made by newer
// software.
Result<KeyFile> ReadKeyFile(ByteView content);

// ---- The installation file -------------------------------------------------

// `id`: 32 lower-case hex digits.
Result<Bytes> WriteInstallationFile(const std::string& id);
// The id; kCorrupt when the content is not complete and intact.
Result<std::string> ReadInstallationFile(ByteView content);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_FORMAT_H_
