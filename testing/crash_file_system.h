// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_CRASH_FILE_SYSTEM_H_
#define OPENKEYRING_TESTING_CRASH_FILE_SYSTEM_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "os/file_system.h"

namespace openkeyring {

// One directory in memory that forgets, at a crash, whatever was not made
// durable: bytes written since the last Sync of their file, and names created,
// renamed or removed since the last SyncDirectory. Worst case by default; a
// file whose name is durable but whose bytes are not comes back empty or cut.
//
// CrashPartially is the crash of a real disk: of what was not durable, any part
// may have reached it, in any order.
//
// A run can be stopped at any step: with FailAfter(n), the first n steps that
// change anything work, and all later ones fail, as in a process that is dying
// (so that clean-up code cannot help). Crash() then gives the disk as the next
// process finds it.
//
// Paths are plain names, and the directory is ".". Threads: all methods may be
// called at once.
class CrashFileSystem : public FileSystem {
 public:
  // How many changing steps (create, append, sync, rename, remove, sync of the
  // directory) still work. Unlimited by default.
  void FailAfter(size_t steps);
  size_t steps() const;  // Taken so far, failed ones not counted.
  // Every further changing step fails with this, but the "process" lives on:
  // reads work. For a full disk and the like.
  void FailWith(std::optional<Status> status);
  // The append that fails leaves half of its bytes, as a crash or a full disk
  // does.
  void TearAppends(bool tear);

  // What survives: `lucky` keeps all that was written, synced or not.
  void Crash(bool lucky = false);
  // What survives of unsynced changes is drawn from `random`: of a file's
  // bytes, each block of `block_size` is as of any moment since the last Sync,
  // and so is its size; bytes that the disk never had are zero. A block is
  // atomic and does not damage its neighbors, which is all that is assumed of
  // the disk. Of the directory's entries, any of the creations, renames and
  // removals since the last SyncDirectory have happened.
  void CrashPartially(std::mt19937_64& random, size_t block_size);

  Result<Bytes> Read(const std::string& path, size_t max_size) override;
  Result<Secret> ReadSecret(const std::string& path, size_t max_size) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                               mode_t permissions) override;
  Result<std::unique_ptr<WritableFile>> OpenLocked(
      const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status RenameNoReplace(const std::string& from,
                         const std::string& to) override;
  Status SyncDirectory(const std::string& directory) override;
  Status Remove(const std::string& path) override;
  Status RemoveUnlocked(const std::string& path) override;

  // Test access: puts a file there, durable at once; all names; and a file's
  // bytes, for tests that damage them.
  void Put(const std::string& name, Bytes content, mode_t permissions = 0440);
  // Other bytes in the same file, as cp does it; durable at once.
  void Overwrite(const std::string& name, Bytes content);
  std::vector<std::string> Names() const;
  Bytes Content(const std::string& name) const;
  mode_t Permissions(const std::string& name) const;

 private:
  struct Inode {
    Bytes content;                // As processes see it.
    Bytes durable;                // As of the last Sync.
    std::vector<Bytes> unsynced;  // After each change since then.
    mode_t permissions = 0;
    FileOwner owner;
    bool locked = false;
  };
  using Directory = std::map<std::string, std::shared_ptr<Inode>>;
  class File;
  // A change of the directory that is not durable: `name` now is `inode`, or
  // nothing; a rename takes the name `from` away.
  struct Entry {
    std::string name, from;
    std::shared_ptr<Inode> inode;
  };

  size_t TornPart(size_t size);  // Locked. Of an append that fails.
  static void SurvivePartially(Inode& inode, std::mt19937_64& random,
                               size_t block_size);
  void Restart();  // Locked. What there is now is durable.
  Status Step();   // Locked. Whether the next changing step works.
  Status RenameLocked(const std::string& from, const std::string& to);

  mutable std::mutex mutex_;
  Directory names_;
  Directory durable_names_;
  std::vector<Entry> unsynced_names_;  // Since the last SyncDirectory.
  std::optional<size_t> steps_left_;
  size_t steps_ = 0;
  std::optional<Status> fail_with_;
  bool torn_appends_ = false;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_CRASH_FILE_SYSTEM_H_
