// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_DURABLE_H_
#define OPENKEYRING_OS_DURABLE_H_

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "os/file_system.h"
#include "os/random.h"

namespace openkeyring {

// Puts `content` under directory/name such that a crash at any moment leaves
// either no such file or the whole of it: a temporary file in the same
// directory, write, fsync, read back, rename that does not replace, fsync of
// the directory. When it returns Ok the file survives a power cut.
// kAlreadyExists when the name is taken (by another server, say): the existing
// file is untouched. Without `owner` the file belongs to whom the process runs
// as. What is read back is wiped. The temporary is removed on every failure;
// one that a crash leaves is found by IsTemporaryName.
Status CreateDurably(FileSystem& files, Random& random,
                     const std::string& directory, const std::string& name,
                     ByteView content, mode_t permissions,
                     std::optional<FileOwner> owner = std::nullopt);

// The outcome of ReplaceDurably. `file` is there, locked, exactly when the new
// content has taken the name, which can be so although `status` is an error:
// then only a power cut might still bring the old content back.
struct Replaced {
  Status status;
  std::unique_ptr<WritableFile> file;
};

// The same for a name that may be taken: a crash at any moment leaves the old
// content whole or the new.
Replaced ReplaceDurably(FileSystem& files, Random& random,
                        const std::string& path, ByteView content,
                        mode_t permissions, std::optional<FileOwner> owner);

// True for ".<name>.<16 hex digits>.tmp", as CreateDurably names temporaries of
// files whose name starts with `prefix`.
bool IsTemporaryName(std::string_view name, std::string_view prefix);
// Of the file `own`, and of no other whose name begins with it.
bool IsTemporaryNameOf(std::string_view name, std::string_view own);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_DURABLE_H_
