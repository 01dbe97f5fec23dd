// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KEY_ACCESS_H_
#define OPENKEYRING_PRODUCT_KEY_ACCESS_H_

#include <memory>
#include <string>

#include "base/status.h"
#include "keyring/versioned_keys.h"
#include "os/file_system.h"

namespace openkeyring {

class EncryptedFile;

// What the program that uses MariaDB's keys may do with them.
struct KeyAccess {
  // Only the database server makes keys. In mariadb-backup a missing key means
  // that a key file is missing, never that there is no data of that key.
  bool is_server = true;
  // A backup is prepared, that is, changed.
  bool prepares = false;
  // The incremental backup that is being prepared; "" is none. Its keys are
  // needed as well.
  std::string increment = "";
  // Where the server's data is; "." is the current directory, as in MariaDB.
  std::string data_directory = ".";
};

// For programs that are not the server, after the keys were loaded: Ok when
// everything is there that the program will need. mariadb-backup goes on when a
// key is missing, and a backup that was prepared without it is damaged.
Status CheckBackup(const KeyAccess& access, const VersionedKeys& keys,
                   FileSystem& files);

// The rule for VersionedKeys::Options::may_create: only the server makes keys,
// and no first key where data are encrypted. The log and the system tablespace
// are looked at now; tables once, when a first key is really to be made, since
// there may be thousands. Copies share what was found. Borrows `files`.
// Threads: all methods may be called concurrently.
class CreationRule {
 public:
  CreationRule(const KeyAccess& access, FileSystem& files);

  // Why no key may be made; `is_empty`: there is none at all.
  Status operator()(bool is_empty) const;
  // Why a server without keys need not start: as far as is known without
  // tables.
  Status CheckStart() const;
  // Why a place without keys, `place` in the error, must not become the one of
  // this data directory. Looks at tables, too: no first key would be made there
  // later, and the right place would be refused.
  Status CheckNewPlace(const std::string& place) const;

 private:
  bool is_server_;
  std::shared_ptr<EncryptedFile> data_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KEY_ACCESS_H_
