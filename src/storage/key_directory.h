// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEY_DIRECTORY_H_
#define OPENKEYRING_STORAGE_KEY_DIRECTORY_H_

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "keyring/versioned_backend.h"
#include "os/file_system.h"
#include "os/random.h"

namespace openkeyring {

// The directory of the key files, as files: what is there, durable creation,
// and a mark of the highest version ever made of each key id, so that a version
// whose file is missing is known to be missing and its number is not used
// again.
//
// Threads: all methods may be called concurrently, also by several servers on
// one directory.
class KeyDirectory {
 public:
  struct Options {
    std::string directory;  // "" is the current one, MariaDB's datadir.
    // Nothing is written: for programs that are not the database server.
    bool read_only = false;
    // A second directory to read from; "" is none. mariadb-backup --prepare
    // needs the keys of an incremental backup before it copies their files.
    std::string increment = "";
  };
  // All borrowed.
  KeyDirectory(FileSystem& files, Random& random, Log& log, Options options);

  // Checks that the directory is there, and removes what crashes left of files
  // that were never finished. kMisconfigured when it cannot be read, or when
  // the increment has another file under the same name.
  Status Prepare();
  // Everything of ours that is there.
  struct Content {
    std::set<KeyVersion> files;           // Versions that have a key file.
    std::map<uint32_t, uint32_t> marked;  // Key id -> highest version marked.
    bool has_key_set = false;
    bool has_key_set_mark = false;
  };
  Result<Content> Look();
  // The versions that have a file.
  Result<std::vector<KeyVersion>> ListFiles();
  // Those, and the versions that were made and have none any more.
  Result<std::vector<KeyVersion>> ListMade();

  // kNotFound when neither directory has a file of that name.
  Result<Bytes> Read(const std::string& name);
  // The first file of a name stays: kAlreadyExists, durable as well.
  Status Create(const std::string& name, const Bytes& content);
  // Notes durably that `key` was made, unless a higher version of its id is.
  Status Mark(KeyVersion key);
  // Notes durably that there is a key set, unless that is done.
  Status MarkKeySet();

  // A file's path, for messages.
  std::string PathOf(const std::string& name) const;
  // The directory, for messages and calls.
  std::string name() const;
  bool is_read_only() const { return options_.read_only; }

 private:
  Status RemoveLeftovers();
  Status CheckIncrement();
  Result<std::vector<std::string>> ListNames();
  Status CreateMark(const std::string& name);

  FileSystem& files_;
  Random& random_;
  Log& log_;
  const Options options_;
  std::mutex mutex_;
  std::map<uint32_t, uint32_t> marks_;  // Key id -> highest version marked.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEY_DIRECTORY_H_
