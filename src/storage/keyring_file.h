// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEYRING_FILE_H_
#define OPENKEYRING_STORAGE_KEYRING_FILE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "keyring/key_wrapper.h"
#include "os/clock.h"
#include "os/durable.h"
#include "os/file_system.h"
#include "os/random.h"

namespace openkeyring {

// What the file backends of a MySQL keyring use. All borrowed.
struct FileBackendDependencies {
  KeyWrapper& wrapper;
  FileSystem& files;
  Random& random;
  Log& log;
};

struct FileBackendOptions {
  bool read_only = false;  // Nothing on disk is touched, no lock is taken.
  // Whether a missing file may mean a new keyring: not while keys are in use.
  bool may_create = true;
  // Nothing is served yet: whatever opens is better than no keyring.
  bool first_load = true;
  // For tools that wrap again: a load fails unless everything is wrapped as
  // configured afterwards. kReadOnly for what `read_only` forbids.
  bool must_rewrap = false;
  // Whether a key that is the last resort may open a sealed file (key_slots.h).
  bool last_resort = false;
  // Pairs of the encryption context, besides our own.
  EncryptionContext encryption_context;
  // How many calls of the wrapper at once.
  size_t parallelism = 16;
  // Of the calls for one key during a load, so that a key server that is away
  // is noticed before the load's own time is over.
  std::optional<Millis> call_deadline = std::nullopt;

  Deadline OfOneCall(const Clock& clock, const Deadline& load) const {
    return call_deadline ? load.Within(clock, *call_deadline) : load;
  }
  // The most bytes that a sealed file may have, to be read and to be written.
  size_t max_file = size_t{1} << 30;
  // For tools: called while a sealed file is read, with bytes of how many.
  std::function<void(size_t done, size_t total)> progress = nullptr;
};

// The file of a MySQL keyring as this process has it: locked, for as long as
// this object lives. The keyrings that reloads make one after another share
// it, so that no other process gets the lock between two of them.
//
// When `path` is a symbolic link, it is followed once, when the file is opened:
// temporary files, side files, renames and directory syncs are at the target,
// so that the link stays and everything that has followed it sees one file. A
// link that leads elsewhere later is treated like a file that was replaced.
//
// Threads: not synchronized; a keyring and the next use it one after the
// other.
class KeyringFile {
 public:
  // `owner` is for files that are made; without it they belong to whoever the
  // process runs as. `cure` is what a person does once the right file is back
  // in its place.
  KeyringFile(FileSystem& files, Random& random, std::string path,
              std::optional<FileOwner> owner,
              std::string cure = "run ALTER INSTANCE RELOAD KEYRING");

  const std::string& path() const { return path_; }
  // The file that path() led to when it was opened; path() before.
  const std::string& target() const { return target_; }
  const std::string& cure() const { return cure_; }

  // Opens and locks the file unless that is done and the path still names it.
  // Afterwards locked(), or why_not_writable() says why not: kNotFound when
  // there is no file, kAlreadyExists when somebody else has it, or a refusal
  // of the system.
  void Acquire();
  bool locked() const { return file_ != nullptr; }
  const Status& why_not_writable() const { return why_not_writable_; }
  // Nothing may be written from now on, for that reason.
  void GiveUpWriting(Status reason);

  // The open file; locked() must be true.
  WritableFile& file() { return *file_; }
  // Ok when the file is locked, still at its path, and of that epoch(). Else
  // what to tell who wants to write: kReadOnly, kDenied, kUnavailable for why
  // it is not locked, kCorrupt when somebody else changed it; never kNotFound
  // or kAlreadyExists, which are answers about keys.
  Status CheckOurs(uint64_t epoch);
  // The same, and of that size.
  Status CheckUnchanged(uint64_t epoch, uint64_t size);

  // Makes the file, with mode 0640, where there is none; kAlreadyExists when
  // somebody was faster. Then Acquire.
  Status Create(ByteView content);
  // Replaces it durably, keeping mode and owner. Refused, as by CheckOurs, when
  // another file is there now. When the new content took the name although this
  // is an error, `replaced` says so.
  Status Replace(ByteView content, bool& replaced);
  // Like Replace, for a change that is either durable or undone: when the
  // directory could not be synced after the rename, `old` is put back, since a
  // power cut might bring it back later. `replaced` says which content the file
  // has afterwards.
  Status ReplaceOrRestore(ByteView content, ByteView old, bool& replaced);
  // Writes bytes to <target>.<label>-<16 hex digits>, which nobody may read who
  // may not read the file itself, and gives the name.
  Result<std::string> PutAside(const std::string& label, ByteView bytes);
  // The error for a file that holds something else than the caller knows.
  Status Changed() const;
  // Removes what writers that died left unfinished, and says so.
  void SweepLeftovers(Log& log);
  // Makes what is there now durable: the process that wrote it may have died
  // before it did so.
  Status SyncAll();

  // Grows whenever another file takes the place: a keyring that neither read
  // nor wrote that one is out of date.
  uint64_t epoch() const { return epoch_; }

 private:
  FileSystem& files_;
  Random& random_;
  const std::string path_;
  std::string target_;
  const std::optional<FileOwner> owner_;
  const std::string cure_;
  std::unique_ptr<WritableFile> file_;
  Status why_not_writable_;
  uint64_t epoch_ = 0;
};

// The same error, unless it would look like an answer about a key: a missing
// file is kUnavailable, and never kNotFound.
Status NotAboutKeys(const Status& status);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEYRING_FILE_H_
