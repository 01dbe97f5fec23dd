// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_FORMAT_H_
#define OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_FORMAT_H_

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "keyring/key_wrapper.h"
#include "storage/key_names.h"

// MariaDB's key files (docs/file_formats.md, "aws-kms-key files").
namespace openkeyring {

// ---- Key files -------------------------------------------------------------

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

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_MARIADB_FILES_KEY_FILE_FORMAT_H_
