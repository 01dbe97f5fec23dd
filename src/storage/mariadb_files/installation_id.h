// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_MARIADB_FILES_INSTALLATION_ID_H_
#define OPENKEYRING_STORAGE_MARIADB_FILES_INSTALLATION_ID_H_

#include <mutex>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "os/random.h"
#include "storage/mariadb_files/key_directory.h"

namespace openkeyring {

// The id that an installation's key files are bound to, so that key files of
// another server are refused although the same KMS key opens them.
//
// It lies in the directory of the key files and, where that is another one, in
// the data directory too: data whose key directory is empty (not mounted, say)
// or another server's is noticed at start. Both copies travel with backups.
// A lost copy is restored from the other one or from the key files.
//
// Threads: all methods may be called concurrently, also by several servers on
// one directory.
class InstallationId {
 public:
  // `keys`: the directory of the key files. `data`: the data directory, null
  // when it is the same one. All borrowed.
  InstallationId(KeyDirectory& keys, KeyDirectory* data, Random& random,
                 Log& log);

  // At start: finds or restores the id. kMisconfigured when files are of
  // several installations, or when the data directory knows an id and the
  // directory of the key files has no key at all.
  Status Load();
  // The id; "" when there is none yet. Looks again for one that another server
  // made meanwhile.
  Result<std::string> Find();
  // The id, made when there is none. Durable when it returns.
  Result<std::string> FindOrMake();

 private:
  // "" when there is no file.
  static Result<std::string> Read(KeyDirectory& directory);
  // The one id that the key files are bound to; "" when none is bound to any.
  Result<std::string> RecoverFromFiles();
  Status Choose(const std::string& own, const std::string& noted);
  Status Keep(KeyDirectory& directory, const std::string& id);
  void Set(const std::string& id);

  KeyDirectory& keys_;
  KeyDirectory* const data_;
  Random& random_;
  Log& log_;
  std::mutex mutex_;  // Guards id_; not held during I/O.
  std::string id_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_MARIADB_FILES_INSTALLATION_ID_H_
