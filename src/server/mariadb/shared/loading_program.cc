// SPDX-License-Identifier: MIT
#include "server/mariadb/shared/loading_program.h"

#include <dlfcn.h>
#include <errno.h>

#include <string_view>

namespace openkeyring {
namespace {

template <typename Object>
Object* FindSymbol(const char* name) {
  return reinterpret_cast<Object*>(dlsym(RTLD_DEFAULT, name));
}

// A second sign, should a later mariadb-backup rename its variables.
bool IsNamedBackup() {
  const std::string_view name = program_invocation_short_name;
  return name.starts_with("mariadb-backup") || name.starts_with("mariabackup");
}

// The same for the server: one whose symbols have other names must not be left
// without new keys.
bool IsNamedServer() {
  const std::string_view name = program_invocation_short_name;
  return name == "mariadbd" || name == "mysqld" ||
         name.starts_with("mariadbd-") || name.starts_with("mysqld-");
}

}  // namespace

LoadingProgram FindLoadingProgram() {
  LoadingProgram program;
  if (FindSymbol<char>("xtrabackup_backup") != nullptr || IsNamedBackup()) {
    program.kind = LoadingProgram::Kind::kBackup;
    const char* prepares = FindSymbol<char>("xtrabackup_prepare");
    const char* increment = FindSymbol<char>("xtrabackup_real_incremental_dir");
    char** given = FindSymbol<char*>("xtrabackup_incremental_dir");
    program.prepares = prepares != nullptr && *prepares != 0;
    const bool is_incremental = given != nullptr && *given != nullptr;
    if (program.prepares && is_incremental && increment != nullptr) {
      program.increment = increment;
    }
  } else if (FindSymbol<char>("_Z11mysqld_mainiPPc") != nullptr ||
             IsNamedServer()) {
    program.kind = LoadingProgram::Kind::kServer;
  }
  return program;
}

}  // namespace openkeyring
