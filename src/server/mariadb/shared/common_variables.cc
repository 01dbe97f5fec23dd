// SPDX-License-Identifier: MIT
#include "server/mariadb/shared/common_variables.h"

#include "server/guard.h"
#include "server/mariadb/shared/encryption_plugin.h"
#include "server/mariadb/shared/loading_program.h"

namespace openkeyring {
namespace {

unsigned long key_spec_value;
unsigned long log_level_value;
unsigned long encryption_algorithm_value;
int startup_deadline_value;
int operation_deadline_value;
long long rotate_key_value;

const char* key_spec_names[] = {"AES_128", "AES_256", nullptr};
constinit PaddedTypelib key_specs(key_spec_names, 2);
const char* log_level_names[] = {"Off",  "Fatal", "Error", "Warn",
                                 "Info", "Debug", "Trace", nullptr};
constinit PaddedTypelib log_levels(log_level_names, 7);
const char* algorithm_names[] = {"aes_cbc", "aes_ctr", nullptr};
constinit PaddedTypelib algorithms(algorithm_names, 2);

// Trace, which MariaDB's own plugin has, is Debug: there is no more to tell.
LogLevel LevelOf(unsigned long value) {
  constexpr unsigned long kDebug = 5;  // In log_level_names.
  return value >= kDebug ? LogLevel::kDebug : LogLevel::kNote;
}

void AdoptKeySpec() {
  DynamicOptions().key_bytes = key_spec_value == 0 ? 16 : 32;
}
void AdoptLogLevel() { ThePlugin().log.SetLevel(LevelOf(log_level_value)); }
void AdoptOperationDeadline() {
  DynamicOptions().operation_deadline_ms = operation_deadline_value * 1000LL;
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

constexpr int kDynamic = PLUGIN_VAR_RQCMDARG;
constexpr int kFixed = PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY;

}  // namespace

EnumVariable MYSQL_SYSVAR_NAME(key_spec) = {
    PLUGIN_VAR_ENUM | kDynamic,
    "key_spec",
    "Kind of new keys: AES_128 or AES_256",
    nullptr,
    Update<unsigned long, AdoptKeySpec>,
    &key_spec_value,
    0,
    &key_specs.library};
LongLongVariable MYSQL_SYSVAR_NAME(rotate_key) = {
    PLUGIN_VAR_LONGLONG | kDynamic,
    "rotate_key",
    "Set it to a key id to make a new version of that key, or to -1 for a new "
    "version of every key. It acts while the SET statement is being checked: "
    "use a statement of its own, since an error in another assignment of the "
    "same statement does not undo the rotation",
    CheckRotateKey,
    nullptr,
    &rotate_key_value,
    0,
    -1,
    0xffffffffLL,
    1};
EnumVariable MYSQL_SYSVAR_NAME(log_level) = {
    PLUGIN_VAR_ENUM | kDynamic,
    "log_level",
    "How much is written to the error log. Errors, warnings and notes always "
    "are; Debug, and Trace, which is the same, add a line for each remote call",
    nullptr,
    Update<unsigned long, AdoptLogLevel>,
    &log_level_value,
    0,
    &log_levels.library};
EnumVariable MYSQL_SYSVAR_NAME(encryption_algorithm) = {
    PLUGIN_VAR_ENUM | kFixed,
    "encryption_algorithm",
    "Mode that data is encrypted in: aes_cbc or aes_ctr. Data that was written "
    "in the other mode cannot be read",
    nullptr,
    nullptr,
    &encryption_algorithm_value,
    0,
    &algorithms.library};
IntVariable MYSQL_SYSVAR_NAME(startup_deadline) = {
    PLUGIN_VAR_INT | kFixed,
    "startup_deadline",
    "Seconds that the server waits at start for keys while the key server does "
    "not answer. What is missing then is tried again when it is needed",
    nullptr,
    nullptr,
    &startup_deadline_value,
    60,
    0,
    86400,
    1};
IntVariable MYSQL_SYSVAR_NAME(operation_deadline) = {
    PLUGIN_VAR_INT | kDynamic,
    "operation_deadline",
    "Seconds that loading, making or rotating a key may take, with all retries",
    nullptr,
    Update<int, AdoptOperationDeadline>,
    &operation_deadline_value,
    5,
    1,
    3600,
    1};

void EndPauses() {
  if (ThePlugin().keys != nullptr) ThePlugin().keys->EndPauses();
}

void AdoptCommonVariables() {
  rotate_key_value = 0;  // On the command line it does nothing.
  AdoptKeySpec();
  AdoptLogLevel();
  AdoptOperationDeadline();
}

Millis StartupDeadline() { return Millis(startup_deadline_value * 1000LL); }

KeyAccess AccessOfThisProgram() {
  const LoadingProgram program = FindLoadingProgram();
  KeyAccess access;
  access.is_server = program.is_server();
  access.prepares = program.prepares;
  access.increment = program.increment;
  return access;
}

bool UsesCtrMode() { return encryption_algorithm_value == 1; }

}  // namespace openkeyring
