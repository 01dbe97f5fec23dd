// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEY_NAMES_H_
#define OPENKEYRING_STORAGE_KEY_NAMES_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "keyring/versioned_backend.h"

// The names of aws_key_management's files, and the file of an installation's id
// (docs/file_formats.md, "aws-kms-key files").
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

// The sealed key set, and the empty file that says that there is one: without
// the latter's word, a set that was lost would look like a new installation.
constexpr std::string_view kKeySetFileName = "aws-kms-key-set";
constexpr std::string_view kKeySetMarkName = "aws-kms-key-set-made";
// A set that key files are being imported into. Not of the family: an
// incomplete one is in no backup.
constexpr std::string_view kKeySetImportName = ".aws-kms-key-set-import";

// ---- Installations ---------------------------------------------------------

// The name in an encryption context under which a file of version 2 is bound to
// its installation.
constexpr char kInstallationContext[] = "openkeyring:installation";

// The name, and our value, under which every key is bound to its product.
constexpr char kProductContext[] = "openkeyring:product";
constexpr char kMariaDbProduct[] = "aws_key_management";

// `id`: 32 lower-case hex digits.
Result<Bytes> WriteInstallationFile(const std::string& id);
// The id; kCorrupt when the content is not complete and intact.
Result<std::string> ReadInstallationFile(ByteView content);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEY_NAMES_H_
