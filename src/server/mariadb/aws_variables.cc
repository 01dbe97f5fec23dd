// SPDX-License-Identifier: MIT
// The system variables aws_key_management_*: names, types, defaults and which
// are dynamic as in MariaDB's plugin, and a few of ours.
#include <string.h>

#include <array>
#include <string>

#include "server/guard.h"
// Last: it brings in MariaDB's headers.
#include "server/mariadb/aws_plugin.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxMasterKeyId = 2048;  // AWS's limit for key ids.

// The server stores into these, under LOCK_global_system_variables.
char* master_key_id_value;
char* region_value;
char* endpoint_url_value;
char* keyfile_dir_value;
unsigned long key_spec_value;
unsigned long log_level_value;
unsigned long encryption_algorithm_value;
unsigned long bind_key_id_value;
int request_timeout_value;
int load_parallelism_value;
int startup_deadline_value;
int operation_deadline_value;
long long rotate_key_value;
#ifdef OPENKEYRING_MOCK_KMS
char mock_value;
#endif

// What SET GLOBAL put into master_key_id; the server keeps a pointer to it.
std::array<char, kMaxMasterKeyId + 1> master_key_id_storage;

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
const char* bind_names[] = {"OFF", "ON", "REQUIRED", nullptr};
constinit RoomyTypelib bind_policies(bind_names, 3);

std::string Text(const char* value) { return value == nullptr ? "" : value; }

LogLevel LevelOf(unsigned long value) {
  constexpr unsigned long kDebug = 5, kTrace = 6;  // In log_level_names.
  if (value >= kTrace) return LogLevel::kTrace;
  return value >= kDebug ? LogLevel::kDebug : LogLevel::kNote;
}

void AdoptKeySpec() {
  ThePlugin().live.key_bytes = key_spec_value == 0 ? 16 : 32;
}
void AdoptLogLevel() { ThePlugin().log.SetLevel(LevelOf(log_level_value)); }
void AdoptBindPolicy() {
  ThePlugin().live.bind_policy = static_cast<BindPolicy>(bind_key_id_value);
}
void AdoptOperationDeadline() {
  ThePlugin().live.operation_deadline_ms = operation_deadline_value * 1000LL;
}

void EndPauses() {
  if (ThePlugin().host != nullptr) ThePlugin().host->keys().EndPauses();
}

// An update function: stores the checked value, then tells the plugin.
template <typename T, void (*Adopt)()>
void Update(MYSQL_THD, st_mysql_sys_var*, void* variable, const void* save) {
  *static_cast<T*>(variable) = *static_cast<const T*>(save);
  Adopt();
  EndPauses();
}

// The text of a SET statement between its check and its update, which one
// thread does one after the other: the server's answer may lie in the buffer
// that it was lent, and that ends with the check.
thread_local std::array<char, kMaxMasterKeyId + 1> checked_master_key_id;

int CheckMasterKeyId(MYSQL_THD, st_mysql_sys_var*, void* save,
                     st_mysql_value* value) {
  static constexpr int kRefused = 1;
  std::array<char, kMaxMasterKeyId + 2> buffer;
  int length = buffer.size();
  const char* text = value->val_str(value, buffer.data(), &length);
  if (text == nullptr || static_cast<size_t>(length) > kMaxMasterKeyId) {
    return kRefused;
  }
  memcpy(checked_master_key_id.data(), text, static_cast<size_t>(length));
  checked_master_key_id[static_cast<size_t>(length)] = '\0';
  *static_cast<const char**>(save) = checked_master_key_id.data();
  return 0;
}

void UpdateMasterKeyId(MYSQL_THD, st_mysql_sys_var*, void* variable,
                       const void* save) {
  const char* text = *static_cast<const char* const*>(save);
  const size_t length = strnlen(text, kMaxMasterKeyId);
  memmove(master_key_id_storage.data(), text, length);
  master_key_id_storage[length] = '\0';
  *static_cast<char**>(variable) = master_key_id_storage.data();
  ThePlugin().live.SetMasterKeyId(master_key_id_storage.data());
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
  AwsPlugin& plugin = ThePlugin();
  if (plugin.host == nullptr) return;
  if (plugin.live.master_key_id().empty()) {
    return Warn(
        "no key is rotated, since aws_key_management_master_key_id is not set");
  }
  if (id == -1) {
    for (const auto& rotated : plugin.host->keys().RotateAll()) {
      ReportRotation(rotated.id, rotated.version);
    }
  } else {
    const auto key_id = static_cast<uint32_t>(id);
    ReportRotation(key_id, plugin.host->keys().Rotate(key_id));
  }
}

// SET GLOBAL aws_key_management_rotate_key = N acts here and not in the update
// function, since the server holds LOCK_global_system_variables during updates,
// which every new connection needs: a slow KMS would stop them all.
int CheckRotateKey(MYSQL_THD, st_mysql_sys_var*, void* save,
                   st_mysql_value* value) {
  static constexpr int kRefused = 1;
  AwsPlugin& plugin = ThePlugin();
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

MYSQL_SYSVAR_STR(
    master_key_id, master_key_id_value, PLUGIN_VAR_RQCMDARG,
    "AWS KMS key that new keys are made under: id, alias/name or ARN. When it "
    "is not set, existing keys can be used and no new ones made",
    CheckMasterKeyId, UpdateMasterKeyId, "");
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
    "are; Debug adds a line for each call to AWS, and Trace its parts",
    nullptr, (Update<unsigned long, AdoptLogLevel>), 0, &log_levels.library);
MYSQL_SYSVAR_INT(
    request_timeout, request_timeout_value,
    PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "Milliseconds that connecting, and one exchange with AWS, may take. 0 is "
    "the default: 2000 to connect, 3000 for an exchange",
    nullptr, nullptr, 0, 0, 2147483647, 1);
MYSQL_SYSVAR_STR(region, region_value,
                 PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
                 "AWS region, e.g. eu-central-1. When it is empty: AWS_REGION, "
                 "the AWS profile, the EC2 instance's region, us-east-1",
                 nullptr, nullptr, "");
MYSQL_SYSVAR_STR(
    endpoint_url, endpoint_url_value, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "URL of AWS KMS, for VPC endpoints and emulators. Requests are "
    "still signed for the region",
    nullptr, nullptr, "");
MYSQL_SYSVAR_STR(keyfile_dir, keyfile_dir_value,
                 PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
                 "Folder of the key files; the data folder when empty. Only "
                 "there does mariadb-backup find them",
                 nullptr, nullptr, "");
MYSQL_SYSVAR_ENUM(encryption_algorithm, encryption_algorithm_value,
                  PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
                  "Mode that data is encrypted in: aes_cbc or aes_ctr. Data "
                  "that was written in the other mode cannot be read",
                  nullptr, nullptr, 0, &algorithms.library);
MYSQL_SYSVAR_ENUM(
    bind_key_id, bind_key_id_value, PLUGIN_VAR_RQCMDARG,
    "Bind new key files to key id and version, so that renamed or swapped ones "
    "are refused. OFF writes files that MariaDB's own plugin can read; "
    "REQUIRED refuses to read files that are not bound",
    nullptr, (Update<unsigned long, AdoptBindPolicy>), 1,
    &bind_policies.library);
MYSQL_SYSVAR_INT(load_parallelism, load_parallelism_value,
                 PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
                 "How many keys are decrypted, or rotated, at once", nullptr,
                 nullptr, 16, 1, 256, 1);
MYSQL_SYSVAR_INT(
    startup_deadline, startup_deadline_value,
    PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "Seconds that the server waits at start for keys that can't be "
    "decrypted because AWS KMS does not answer. What is missing "
    "then is tried again when it is needed",
    nullptr, nullptr, 60, 0, 86400, 1);
MYSQL_SYSVAR_INT(
    operation_deadline, operation_deadline_value, PLUGIN_VAR_RQCMDARG,
    "Seconds that loading, making or rotating a key may take, with "
    "all retries",
    nullptr, (Update<int, AdoptOperationDeadline>), 5, 1, 3600, 1);
#ifdef OPENKEYRING_MOCK_KMS
MYSQL_SYSVAR_BOOL(mock, mock_value, PLUGIN_VAR_OPCMDARG | PLUGIN_VAR_READONLY,
                  "Use no AWS KMS and protect nothing (for tests)", nullptr,
                  nullptr, 0);
#endif

}  // namespace

st_mysql_sys_var* aws_system_variables[] = {MYSQL_SYSVAR(master_key_id),
                                            MYSQL_SYSVAR(key_spec),
                                            MYSQL_SYSVAR(rotate_key),
                                            MYSQL_SYSVAR(log_level),
                                            MYSQL_SYSVAR(request_timeout),
                                            MYSQL_SYSVAR(region),
                                            MYSQL_SYSVAR(endpoint_url),
                                            MYSQL_SYSVAR(keyfile_dir),
                                            MYSQL_SYSVAR(encryption_algorithm),
                                            MYSQL_SYSVAR(bind_key_id),
                                            MYSQL_SYSVAR(load_parallelism),
                                            MYSQL_SYSVAR(startup_deadline),
                                            MYSQL_SYSVAR(operation_deadline),
#ifdef OPENKEYRING_MOCK_KMS
                                            MYSQL_SYSVAR(mock),
#endif
                                            nullptr};

AwsFixedOptions FixedOptionsFromVariables() {
  AwsFixedOptions fixed;
  fixed.region = Text(region_value);
  fixed.endpoint_url = Text(endpoint_url_value);
  fixed.keyfile_dir = Text(keyfile_dir_value);
  fixed.request_timeout = Millis(request_timeout_value);
  fixed.load_parallelism = static_cast<size_t>(load_parallelism_value);
  fixed.startup_deadline = Millis(startup_deadline_value * 1000LL);
#ifdef OPENKEYRING_MOCK_KMS
  fixed.mock = mock_value != 0;
#endif
  return fixed;
}

void AdoptVariables() {
  rotate_key_value = 0;  // On the command line it does nothing.
  AdoptKeySpec();
  AdoptLogLevel();
  AdoptBindPolicy();
  AdoptOperationDeadline();
  ThePlugin().live.SetMasterKeyId(Text(master_key_id_value));
}

bool UsesCtrMode() { return encryption_algorithm_value == 1; }

}  // namespace openkeyring
