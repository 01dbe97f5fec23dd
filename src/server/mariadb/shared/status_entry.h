// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_SHARED_STATUS_ENTRY_H_
#define OPENKEYRING_SERVER_MARIADB_SHARED_STATUS_ENTRY_H_

#include <string.h>

#include <algorithm>
#include <string>

#include "base/secret_arena.h"
#include "server/guard.h"
#include "server/mariadb/shared/encryption_plugin.h"
// Last: MariaDB's headers.
#include <my_global.h>
#include <mysql/plugin.h>

// Status variables whose values are strings, computed when they are asked for.
namespace openkeyring {

// A show function, which the server gives a buffer of SHOW_VAR_FUNC_BUFF_SIZE
// bytes for the text.
template <std::string (*kRow)()>
int ShowStatus(MYSQL_THD, st_mysql_show_var* variable, void* buffer,
               system_status_var*, enum_var_type) {
  EncryptionPlugin& plugin = ThePlugin();
  char* text = static_cast<char*>(buffer);
  *text = '\0';
  variable->type = SHOW_CHAR;
  variable->value = text;
  return Guarded(plugin.log, 0, [&] {
    if (plugin.keys == nullptr) return 0;
    const std::string value = kRow();
    const size_t size =
        std::min<size_t>(value.size(), SHOW_VAR_FUNC_BUFF_SIZE - 1);
    memcpy(text, value.data(), size);
    text[size] = '\0';
    return 0;
  });
}

// `kRow` gives the value; it is called while the keys are loaded only.
template <std::string (*kRow)()>
st_mysql_show_var Entry(const char* name) {
  return {name, reinterpret_cast<void*>(&ShowStatus<kRow>), SHOW_FUNC};
}

// Rows that every plugin has.
inline std::string Keys() {
  return std::to_string(ThePlugin().keys->counts().ids);
}
inline std::string VersionsLoaded() {
  return std::to_string(ThePlugin().keys->counts().versions_loaded);
}
inline std::string VersionsFailed() {
  return std::to_string(ThePlugin().keys->counts().versions_failed);
}

// How much of the memory that holds secrets is locked against swapping.
inline std::string SecretMemoryText() {
  return Describe(SecretArena::Instance().Usage());
}

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_SHARED_STATUS_ENTRY_H_
