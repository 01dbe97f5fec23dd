// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_SHARED_LOADING_PROGRAM_H_
#define OPENKEYRING_SERVER_MARIADB_SHARED_LOADING_PROGRAM_H_

#include <string>

namespace openkeyring {

// Which program loaded the plugin, recognized by its symbols and its name. The
// server and mariadb-backup are linked from the same sources, but only the
// latter has variables xtrabackup_...; other programs have neither.
struct LoadingProgram {
  enum class Kind { kServer, kBackup, kOther };
  Kind kind = Kind::kOther;
  // Whether it is mariadb-backup --prepare, which changes the backup.
  bool prepares = false;
  // Of mariadb-backup --prepare --incremental-dir=...: that directory, an
  // absolute path; else "".
  std::string increment;

  bool is_server() const { return kind == Kind::kServer; }
};

// Looked for at each call, since the program sets its variables after the
// library is loaded.
LoadingProgram FindLoadingProgram();

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_SHARED_LOADING_PROGRAM_H_
