// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_SECRET_FILE_H_
#define OPENKEYRING_OS_SECRET_FILE_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "os/file_system.h"

namespace openkeyring {

// CreateDurably for plaintext: the file has no name until it is complete,
// durable and read back, so that a crash leaves none of it. kInvalidArgument
// where the file system has no files without a name (O_TMPFILE): nothing was
// written then. kAlreadyExists when the name is taken. What is read back is
// wiped.
Status CreateSecretFile(const std::string& path, const Secret& content,
                        mode_t permissions, std::optional<FileOwner> owner);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_SECRET_FILE_H_
