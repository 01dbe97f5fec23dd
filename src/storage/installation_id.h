// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_INSTALLATION_ID_H_
#define OPENKEYRING_STORAGE_INSTALLATION_ID_H_

#include <functional>
#include <mutex>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "os/random.h"
#include "storage/key_directory.h"

namespace openkeyring {

// What the stored keys themselves say of their installation.
struct InstallationKeys {
  // Whether any key is stored.
  std::function<Result<bool>()> exist;
  // The one id that they are bound to; "" when none is bound to any.
  // kMisconfigured when they disagree.
  std::function<Result<std::string>()> installation;
};

// The id that an installation's keys are bound to, so that the keys of
// another server are refused although the same KMS key opens them.
//
// It lies in the directory of the key files and, where that is another one, in
// the data directory too: data whose key directory is empty (not mounted, say)
// or another server's is noticed at start. Both copies travel with backups.
// A lost copy is restored from the other one or from the keys.
//
// Threads: all methods may be called concurrently, also by several servers on
// one directory.
class InstallationId {
 public:
  // `directory`: where the keys lie. `data`: the data directory, null when it
  // is the same one. All borrowed.
  InstallationId(KeyDirectory& directory, KeyDirectory* data,
                 InstallationKeys keys, Random& random, Log& log);

  // At start: finds or restores the id. kMisconfigured when keys are of
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
  Status Choose(const std::string& own, const std::string& noted);
  Status Keep(KeyDirectory& directory, const std::string& id);
  void Set(const std::string& id);

  KeyDirectory& directory_;
  KeyDirectory* const data_;
  const InstallationKeys keys_;
  Random& random_;
  Log& log_;
  std::mutex mutex_;  // Guards id_; not held during I/O.
  std::string id_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_INSTALLATION_ID_H_
