// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KEY_ACCESS_H_
#define OPENKEYRING_PRODUCT_KEY_ACCESS_H_

#include <functional>
#include <string>

#include "base/status.h"
#include "keyring/versioned_keys.h"
#include "os/file_system.h"

namespace openkeyring {

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

// The rule for VersionedKeys::Options::may_create. Borrows `files`: the log and
// the system tablespace are looked at now, tables before a first key is made.
std::function<Status(bool is_empty)> CreationRule(const KeyAccess& access,
                                                  FileSystem& files);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KEY_ACCESS_H_
