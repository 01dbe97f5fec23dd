// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_KEY_SET_LOCATION_H_
#define OPENKEYRING_STORAGE_SEALED_KEY_SET_LOCATION_H_

#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "os/file_system.h"
#include "os/random.h"
#include "storage/installation_id.h"
#include "storage/key_directory.h"
#include "storage/sealed/key_set_names.h"

namespace openkeyring {

// Where MariaDB's key set lies, whose it is, and what lies beside it.
//
// A directory that once had a key set says so (kKeySetMarkName), so that a set
// that was lost never looks like a new installation. Key files beside the set
// are those that it was imported from; any other one shows that a server made
// keys there without the set, so that one number may stand for two keys.
//
// mariadb-backup --prepare reads the set of the incremental backup instead of
// the full backup's, which it must continue.
//
// Threads: all methods may be called concurrently, Prepare before all others.
class KeySetLocation {
 public:
  // `data_directory`: where the installation is noted as well; the same
  // spelling as the directory of the keys means that it is the same. The
  // references are borrowed.
  KeySetLocation(FileSystem& files, Random& random, Log& log,
                 KeyDirectory::Options keys, std::string data_directory);

  // kMisconfigured, with the fix, when this cannot be the right place.
  Status Prepare();

  // The set, which may not exist yet.
  const std::string& path() const { return path_; }
  KeyDirectory& directory() { return directory_; }
  // What the set says that it holds. kNotFound when there is none,
  // kMisconfigured when there was one.
  Result<ListedKeySet> ReadNames();
  // The id of the installation; FindOrMake makes it.
  Result<std::string> FindInstallation() { return installation_.Find(); }
  Result<std::string> FindOrMakeInstallation() {
    return installation_.FindOrMake();
  }
  // kMisconfigured when a key file is there that was not imported.
  Status CheckFilesBeside(const KeyDirectory::Content& there,
                          const KeySetNames& names) const;
  // Notes that there is a set, and its versions' ids, so that releases that
  // know no sets make none of these keys again.
  Status Mark(const KeySetNames& names);

 private:
  Status ChooseCopy();
  Status CheckInstallation();
  // The installation that the set is bound to; "" when there is no set.
  Result<std::string> InstallationOfSet();
  Result<Bytes> Read(const std::string& path);

  FileSystem& files_;
  const KeyDirectory::Options options_;
  KeyDirectory directory_;
  std::unique_ptr<KeyDirectory> data_;  // Null when it is the same one.
  InstallationId installation_;
  std::string path_;
};

constexpr size_t kMaxKeySet = size_t{1} << 30;

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_KEY_SET_LOCATION_H_
