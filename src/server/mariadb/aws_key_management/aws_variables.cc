// SPDX-License-Identifier: MIT
// The system variables aws_key_management_*: names, types, defaults and which
// are dynamic as in MariaDB's plugin, and a few of ours.
#include <string.h>

#include <array>
#include <string>
#include <utility>

// Last: they bring in MariaDB's headers.
#include "server/mariadb/aws_key_management/aws_plugin.h"
#include "server/mariadb/shared/common_variables.h"

namespace openkeyring {
namespace {

AwsDynamicOptions& TheOptions() {
  static AwsDynamicOptions options;
  return options;
}

// A plain pointer, so that nothing runs when the library is unloaded.
constinit AwsKeyManagement* loaded_keys = nullptr;

constexpr size_t kMaxMasterKeyId = 2048;  // AWS's limit for key ids.

// The server stores into these, under LOCK_global_system_variables.
char* master_key_id_value;
char* region_value;
char* endpoint_url_value;
char allow_unencrypted_endpoint_value;
char* keyfile_dir_value;
unsigned long bind_key_id_value;
unsigned long key_store_value;
unsigned long key_source_value;
int request_timeout_value;
int load_parallelism_value;
#ifdef OPENKEYRING_MOCK_KMS
char mock_value;
#endif

// What SET GLOBAL put into master_key_id; the server keeps a pointer to it.
std::array<char, kMaxMasterKeyId + 1> master_key_id_storage;

const char* bind_names[] = {"OFF", "ON", "REQUIRED", nullptr};
constinit PaddedTypelib bind_policies(bind_names, 3);

const char* store_names[] = {"AUTO", "FILES", "SEALED", nullptr};
constinit PaddedTypelib stores(store_names, 3);
const char* source_names[] = {"KMS", "LOCAL", nullptr};
constinit PaddedTypelib sources(source_names, 2);

void AdoptBindPolicy() {
  TheOptions().bind_policy = static_cast<BindPolicy>(bind_key_id_value);
}
// The string of a SET statement between its check and its update, which one
// thread does one after the other: what the server gives may lie in the buffer
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
  TheOptions().SetMasterKeyId(master_key_id_storage.data());
  EndPauses();
}

MYSQL_SYSVAR_STR(
    master_key_id, master_key_id_value, PLUGIN_VAR_RQCMDARG,
    "AWS KMS key that new keys are made under: id, alias/name or ARN. When it "
    "is not set, existing keys can be used and no new ones made",
    CheckMasterKeyId, UpdateMasterKeyId, "");
MYSQL_SYSVAR_INT(
    request_timeout, request_timeout_value,
    PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "Milliseconds that connecting, and one exchange with AWS, may take. 0 is "
    "the default: 2000 to connect, 3000 for an exchange",
    nullptr, nullptr, 0, 0, 2147483647, 1);
MYSQL_SYSVAR_STR(
    region, region_value, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "AWS region, e.g. eu-central-1. When it is empty: AWS_REGION, "
    "the AWS profile, the ARN of the key, the EC2 instance's region",
    nullptr, nullptr, "");
MYSQL_SYSVAR_STR(
    endpoint_url, endpoint_url_value, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "URL of AWS KMS, for VPC endpoints and emulators. Requests are "
    "still signed for the region",
    nullptr, nullptr, "");
MYSQL_SYSVAR_BOOL(
    allow_unencrypted_endpoint, allow_unencrypted_endpoint_value,
    PLUGIN_VAR_OPCMDARG | PLUGIN_VAR_READONLY,
    "Let endpoint_url be http:// to another host: plaintext keys then cross "
    "the network unencrypted",
    nullptr, nullptr, 0);
MYSQL_SYSVAR_STR(
    keyfile_dir, keyfile_dir_value, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "Directory of the key files; the data directory when empty. Only "
    "there does mariadb-backup find them",
    nullptr, nullptr, "");
MYSQL_SYSVAR_ENUM(
    bind_key_id, bind_key_id_value, PLUGIN_VAR_RQCMDARG,
    "Bind new key files to key id, version and installation, so that renamed, "
    "swapped or foreign ones are refused. OFF writes files that MariaDB's own "
    "plugin can read; REQUIRED refuses to read files that are not bound",
    nullptr, (Update<unsigned long, AdoptBindPolicy>), 1,
    &bind_policies.library);
MYSQL_SYSVAR_ENUM(
    key_store, key_store_value, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "Where keys lie. FILES: a file for each version, which takes a call of KMS "
    "each at start. SEALED: one key set, which takes one call; key files that "
    "are there are imported into it. AUTO: what is there, and SEALED in a new "
    "directory",
    nullptr, nullptr, 0, &stores.library);
MYSQL_SYSVAR_ENUM(
    key_source, key_source_value, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
    "Who makes the bytes of new keys in a key set. KMS: AWS, one call for each "
    "key. LOCAL: OpenSSL's random generator in this process, without a call",
    nullptr, nullptr, 0, &sources.library);
MYSQL_SYSVAR_INT(load_parallelism, load_parallelism_value,
                 PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
                 "How many keys are decrypted, or rotated, at once", nullptr,
                 nullptr, 16, 1, 256, 1);
#ifdef OPENKEYRING_MOCK_KMS
MYSQL_SYSVAR_BOOL(mock, mock_value, PLUGIN_VAR_OPCMDARG | PLUGIN_VAR_READONLY,
                  "Use no AWS KMS and protect nothing (for tests)", nullptr,
                  nullptr, 0);
#endif

AwsStartupOptions StartupOptionsFromVariables() {
  AwsStartupOptions startup;
  startup.region = Text(region_value);
  startup.endpoint_url = Text(endpoint_url_value);
  startup.allow_unencrypted_endpoint = allow_unencrypted_endpoint_value != 0;
  startup.keyfile_dir = Text(keyfile_dir_value);
  startup.request_timeout = Millis(request_timeout_value);
  startup.load_parallelism = static_cast<size_t>(load_parallelism_value);
  startup.startup_deadline = StartupDeadline();
  startup.key_store = static_cast<KeyStore>(key_store_value);
  startup.key_source = static_cast<KeySource>(key_source_value);
  startup.access = AccessOfThisProgram();
#ifdef OPENKEYRING_MOCK_KMS
  startup.mock = mock_value != 0;
#endif
  return startup;
}

}  // namespace

st_mysql_sys_var* aws_system_variables[] = {
    MYSQL_SYSVAR(master_key_id),
    MYSQL_SYSVAR(key_spec),
    MYSQL_SYSVAR(rotate_key),
    MYSQL_SYSVAR(log_level),
    MYSQL_SYSVAR(request_timeout),
    MYSQL_SYSVAR(region),
    MYSQL_SYSVAR(endpoint_url),
    MYSQL_SYSVAR(allow_unencrypted_endpoint),
    MYSQL_SYSVAR(keyfile_dir),
    MYSQL_SYSVAR(encryption_algorithm),
    MYSQL_SYSVAR(bind_key_id),
    MYSQL_SYSVAR(key_store),
    MYSQL_SYSVAR(key_source),
    MYSQL_SYSVAR(load_parallelism),
    MYSQL_SYSVAR(startup_deadline),
    MYSQL_SYSVAR(operation_deadline),
#ifdef OPENKEYRING_MOCK_KMS
    MYSQL_SYSVAR(mock),
#endif
    nullptr};

void AdoptVariables() {
  AdoptCommonVariables();
  AdoptBindPolicy();
  TheOptions().SetMasterKeyId(Text(master_key_id_value));
}

std::string_view LogPrefix() { return "AWS KMS plugin"; }
std::string_view PluginName() { return "aws_key_management"; }

DynamicKeyOptions& DynamicOptions() { return TheOptions(); }
AwsKeyManagement& LoadedAwsKeys() { return *loaded_keys; }

Result<VersionedKeys*> StartKeys() {
  Result<std::unique_ptr<AwsKeyManagement>> opened = AwsKeyManagement::Open(
      StartupOptionsFromVariables(), TheOptions(), ThePlugin().log);
  if (!opened) return opened.error();
  loaded_keys = opened->release();
  return &loaded_keys->keys();
}

void StopKeys() { delete std::exchange(loaded_keys, nullptr); }

Status MayMakeKeys() {
  if (!TheOptions().master_key_id().empty()) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "aws_key_management_master_key_id is not set"};
}

}  // namespace openkeyring
