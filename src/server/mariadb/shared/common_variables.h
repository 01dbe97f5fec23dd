// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_SHARED_COMMON_VARIABLES_H_
#define OPENKEYRING_SERVER_MARIADB_SHARED_COMMON_VARIABLES_H_

// The system variables that every plugin has. MariaDB's macros define static
// objects, so this is included once in each plugin: by its ..._variables.cc.
#include <string>

#include "server/guard.h"
#include "server/mariadb/shared/encryption_plugin.h"
// Last: MariaDB's headers.
#include <my_global.h>
#include <mysql/plugin.h>
#include <typelib.h>

namespace openkeyring {
namespace {

// The server stores into these, under LOCK_global_system_variables.
unsigned long key_spec_value;
unsigned long log_level_value;
unsigned long encryption_algorithm_value;
int startup_deadline_value;
int operation_deadline_value;
long long rotate_key_value;

// Later servers' TYPELIB has more members than the one we are built with; they
// must find nulls there and not what happens to follow.
struct RoomyTypelib {
  constexpr RoomyTypelib(const char** names, unsigned count)
      : library{count, "", names, nullptr} {}
  TYPELIB library;
  void* later_members[4] = {};
};

const char* key_spec_names[] = {"AES_128", "AES_256", nullptr};
constinit RoomyTypelib key_specs(key_spec_names, 2);
const char* log_level_names[] = {"Off",  "Fatal", "Error", "Warn",
                                 "Info", "Debug", "Trace", nullptr};
constinit RoomyTypelib log_levels(log_level_names, 7);
const char* algorithm_names[] = {"aes_cbc", "aes_ctr", nullptr};
constinit RoomyTypelib algorithms(algorithm_names, 2);
std::string Text(const char* value) { return value == nullptr ? "" : value; }

LogLevel LevelOf(unsigned long value) {
  constexpr unsigned long kDebug = 5, kTrace = 6;  // In log_level_names.
  if (value >= kTrace) return LogLevel::kTrace;
  return value >= kDebug ? LogLevel::kDebug : LogLevel::kNote;
}

void AdoptKeySpec() {
  DynamicOptions().key_bytes = key_spec_value == 0 ? 16 : 32;
}
void AdoptLogLevel() { ThePlugin().log.SetLevel(LevelOf(log_level_value)); }
void AdoptOperationDeadline() {
  DynamicOptions().operation_deadline_ms = operation_deadline_value * 1000LL;
}

void EndPauses() {
  if (ThePlugin().keys != nullptr) ThePlugin().keys->EndPauses();
}

// An update function: stores the checked value, then tells the plugin.
template <typename T, void (*Adopt)()>
void Update(MYSQL_THD, st_mysql_sys_var*, void* variable, const void* save) {
  *static_cast<T*>(variable) = *static_cast<const T*>(save);
  Adopt();
  EndPauses();
}

void Warn(const std::string& text) {
  ThePlugin().log.TellClient(text);
  ThePlugin().log.Write(LogLevel::kWarning, text);
}

void ReportRotation(uint32_t id, const Result<uint32_t>& version) {
  if (version) {
    ThePlugin().log.Write(LogLevel::kNote, "key " + std::to_string(id) +
                                               " is rotated to version " +
                                               std::to_string(*version));
  } else {
    Warn("rotation of key " + std::to_string(id) +
         " failed: " + version.error().message());
  }
}

void RotateKeys(long long id) {
  EncryptionPlugin& plugin = ThePlugin();
  if (plugin.keys == nullptr) return;
  if (const Status status = MayMakeKeys(); !status.ok()) {
    return Warn("no key is rotated, since " + status.message());
  }
  if (id == -1) {
    for (const auto& rotated : plugin.keys->RotateAll()) {
      ReportRotation(rotated.id, rotated.version);
    }
  } else {
    const auto key_id = static_cast<uint32_t>(id);
    ReportRotation(key_id, plugin.keys->Rotate(key_id));
  }
}

// SET GLOBAL ..._rotate_key = N acts here and not in the update
// function, since the server holds LOCK_global_system_variables during updates,
// which every new connection needs: a slow key server would stop them all.
int CheckRotateKey(MYSQL_THD, st_mysql_sys_var*, void* save,
                   st_mysql_value* value) {
  static constexpr int kRefused = 1;
  EncryptionPlugin& plugin = ThePlugin();
  return Guarded(plugin.log, kRefused, [&] {
    long long id = 0;
    if (value->val_int(value, &id) != 0) return kRefused;  // NULL
    const bool too_large = id < 0 && value->is_unsigned(value);
    if (too_large || id < -1 || id > 0xffffffffLL) {
      Warn(
          "no key is rotated: an id is 1 to 4294967295, "
          "and -1 means all");
      return kRefused;
    }
    if (id != 0) RotateKeys(id);
    *static_cast<long long*>(save) = 0;  // An action: it reads back 0.
    return 0;
  });
}

MYSQL_SYSVAR_ENUM(key_spec, key_spec_value, PLUGIN_VAR_RQCMDARG,
                  "Kind of new keys: AES_128 or AES_256", nullptr,
                  (Update<unsigned long, AdoptKeySpec>), 0, &key_specs.library);
MYSQL_SYSVAR_LONGLONG(
    rotate_key, rotate_key_value, PLUGIN_VAR_RQCMDARG,
    "Set it to a key id to make a new version of that key, or to -1 for a new "
    "version of every key",
    CheckRotateKey, nullptr, 0, -1, 0xffffffffLL, 1);
MYSQL_SYSVAR_ENUM(
    log_level, log_level_value, PLUGIN_VAR_RQCMDARG,
    "How much is written to the error log. Errors, warnings and notes always "
    "are; Debug adds a line for each remote call, and Trace its parts",
    nullptr, (Update<unsigned long, AdoptLogLevel>), 0, &log_levels.library);
MYSQL_SYSVAR_ENUM(encryption_algorithm, encryption_algorithm_value,
                  PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
                  "Mode that data is encrypted in: aes_cbc or aes_ctr. Data "
                  "that was written in the other mode cannot be read",
                  nullptr, nullptr, 0, &algorithms.library);
MYSQL_SYSVAR_INT(
    startup_deadline, startup_deadline_value,
    PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "Seconds that the server waits at start for keys that can't be had "
    "because the key server does not answer. What is missing then is tried "
    "again when it is needed",
    nullptr, nullptr, 60, 0, 86400, 1);
MYSQL_SYSVAR_INT(
    operation_deadline, operation_deadline_value, PLUGIN_VAR_RQCMDARG,
    "Seconds that loading, making or rotating a key may take, with "
    "all retries",
    nullptr, (Update<int, AdoptOperationDeadline>), 5, 1, 3600, 1);
void AdoptCommonVariables() {
  rotate_key_value = 0;  // On the command line it does nothing.
  AdoptKeySpec();
  AdoptLogLevel();
  AdoptOperationDeadline();
}

}  // namespace

bool UsesCtrMode() { return encryption_algorithm_value == 1; }

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_SHARED_COMMON_VARIABLES_H_
