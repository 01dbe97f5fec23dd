// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_STAGED_DIRECTORY_H_
#define OPENKEYRING_OS_STAGED_DIRECTORY_H_

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "os/file_system.h"
#include "os/locked_directory.h"
#include "os/random.h"

namespace openkeyring {

// A new directory that is filled under a temporary name beside its own, and
// gets its own once it is complete, durable and checked: a crash leaves no
// directory, or all of it. What a crash left under a temporary name is removed
// by the next one for the same name: a directory that is ours or of the owner
// of the directory around it, and that nobody has locked.
//
// Who may write to the directory around it may be somebody else than we are,
// root say. So it is open and locked from its beginning to its end, everything
// is written through the descriptor, and no symbolic link is followed.
//
// Threads: one object is not synchronized.
class StagedDirectory {
 public:
  // kAlreadyExists when there is something at `path`. The directory and its
  // files belong to `owner`, or to the owner of the directory around it, where
  // we may say so. `files` and `random` are borrowed.
  static Result<std::unique_ptr<StagedDirectory>> Begin(
      FileSystem& files, Random& random, const std::string& path,
      mode_t permissions, std::optional<FileOwner> owner = std::nullopt);
  // Removes it unless it was published.
  ~StagedDirectory();
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;

  // Its temporary path; after Publish, its own. To read what was added.
  const std::string& path() const { return path_; }
  // Durable, and read back, when it returns.
  Status Add(const std::string& name, ByteView content, mode_t permissions);
  // Durable. kAlreadyExists when somebody else took the name.
  Status Publish();

 private:
  StagedDirectory(FileSystem& files, Random& random, std::string final_path,
                  std::optional<FileOwner> owner);
  Status Make(mode_t permissions);
  void Sweep();
  bool MayRemove(const LockedDirectory& leftover) const;
  void RemoveAll(const LockedDirectory& directory, const std::string& path);

  FileSystem& files_;
  Random& random_;
  const std::string final_path_;
  const std::optional<FileOwner> owner_;
  std::unique_ptr<LockedDirectory> directory_;
  std::string path_;
  bool published_ = false;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_STAGED_DIRECTORY_H_
