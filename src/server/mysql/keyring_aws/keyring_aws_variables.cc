// SPDX-License-Identifier: MIT
// The system variables keyring_aws_*: names, types and defaults as in MySQL
// Enterprise, and a few of ours.
#include <string.h>

#include <algorithm>
#include <array>

#include "server/guard.h"
#include "server/mysql/keyring_aws/keyring_aws_plugin.h"
#include "server/mysql/keyring_aws/statement_error.h"

namespace openkeyring {
namespace {

// The server stores into these. All but the first two do not change.
char *cmk_id_value, *region_value, *conf_file_value, *data_file_value,
    *endpoint_url_value;
unsigned long credentials_value;
bool cache_keys_value, allow_unencrypted_endpoint_value,
    allow_new_keyring_value;
unsigned connect_timeout_value, request_timeout_value, operation_deadline_value,
    rotate_deadline_value, parallelism_value;

constexpr unsigned long kFile = 0, kChain = 1;
const char* credentials_names[] = {"FILE", "CHAIN", nullptr};
constinit EnumNames credentials_kinds = {2, "", credentials_names, nullptr};

// What SET GLOBAL put there; the server keeps a pointer to it.
constexpr size_t kMaxText = 2048;
using Storage = std::array<char, kMaxText + 1>;
constinit Storage cmk_id_storage{}, region_storage{};

std::string Text(const char* value) { return value == nullptr ? "" : value; }

const char* NameOf(bool is_region) {
  return is_region ? "keyring_aws_region" : "keyring_aws_cmk_id";
}

Status TryValue(KeyringAws& keyring, bool is_region, const std::string& value) {
  return is_region ? keyring.Try(keyring.cmk_id(), value)
                   : keyring.Try(value, keyring.region());
}

// Asks KMS before anything changes.
int CheckText(Session session, bool is_region, void* save, SetValue* value) {
  char buffer[kMaxText + 1];
  int length = sizeof buffer;
  const char* text = value->text(value, buffer, &length);
  PluginInUse plugin;
  if (text == nullptr || length < 0 || !plugin) return kFailure;
  return Guarded(plugin->log(), kFailure, [&] {
    const std::string wanted(text, static_cast<size_t>(length));
    const char* name = NameOf(is_region);
    const Status status =
        wanted.size() > kMaxText
            ? Status(StatusCode::kInvalidArgument, "it is too long")
            : TryValue(*plugin->keyring(), is_region, wanted);
    if (!status.ok()) {
      plugin->log().Write(
          LogLevel::kError,
          std::string(name) + " stays as it is: " + status.message());
      RaiseAwsError(plugin->registry(), name, status.message());
      return kFailure;
    }
    *static_cast<char**>(save) = SessionMemory().duplicate_prefix(
        session, wanted.c_str(), wanted.size());
    return kSuccess;
  });
}

// The server holds a lock meanwhile. Neither that a value passed its check nor
// that an update fails stops the other updates of the statement.
void UpdateText(bool is_region, Storage& storage, void* variable,
                const void* save) {
  const char* text = *static_cast<const char* const*>(save);
  PluginInUse plugin;
  if (text == nullptr || !plugin) return;
  (void)Guarded(plugin->log(), kFailure, [&] {
    KeyringAws& keyring = *plugin->keyring();
    const Status status = is_region ? keyring.Use(keyring.cmk_id(), text)
                                    : keyring.Use(text, keyring.region());
    if (!status.ok()) {
      const char* name = NameOf(is_region);
      plugin->Report(status.WithContext(std::string(name) + " stays as it is"));
      RaiseAwsError(plugin->registry(), name, status.message());
      return kFailure;
    }
    const size_t size = std::min(strlen(text), kMaxText);
    memcpy(storage.data(), text, size);
    storage[size] = '\0';
    *static_cast<char**>(variable) = storage.data();
    return kSuccess;
  });
}

int CheckCmkId(Session session, SystemVariable*, void* save, SetValue* value) {
  return CheckText(session, false, save, value);
}
void UpdateCmkId(Session, SystemVariable*, void* variable, const void* save) {
  UpdateText(false, cmk_id_storage, variable, save);
}
int CheckRegion(Session session, SystemVariable*, void* save, SetValue* value) {
  return CheckText(session, true, save, value);
}
void UpdateRegion(Session, SystemVariable*, void* variable, const void* save) {
  UpdateText(true, region_storage, variable, save);
}

constinit TextVariable cmk_id = {
    {kTextVariable | kNoDefault, "cmk_id",
     "The KMS key that encrypts keys: an id, an alias or an ARN", CheckCmkId,
     UpdateCmkId},
    &cmk_id_value,
    nullptr};
constinit TextVariable region = {
    {kTextVariable | kNoDefault, "region", "The AWS region of the KMS key",
     CheckRegion, UpdateRegion},
    &region_value,
    "us-east-1"};
constinit TextVariable conf_file = {
    {kTextVariable | kReadOnly, "conf_file",
     "A file of two lines: access key id and secret access key", nullptr,
     nullptr},
    &conf_file_value,
    "/var/lib/mysql-keyring/keyring_aws_conf"};
constinit TextVariable data_file = {
    {kTextVariable | kReadOnly, "data_file", "Where encrypted keys are kept",
     nullptr, nullptr},
    &data_file_value,
    "/var/lib/mysql-keyring/keyring_aws_data"};
constinit TextVariable endpoint_url = {
    {kTextVariable | kReadOnly, "endpoint_url",
     "Where AWS KMS is; empty for the region's own endpoint", nullptr, nullptr},
    &endpoint_url_value,
    ""};
constinit EnumVariable credentials = {
    {kEnumVariable | kReadOnly, "credentials",
     "FILE: those of keyring_aws_conf_file. CHAIN: as the AWS tools find them",
     nullptr, nullptr},
    &credentials_value,
    kFile,
    &credentials_kinds};
constinit BoolVariable cache_keys = {
    {kBoolVariable | kReadOnly, "cache_keys",
     "Keep decrypted keys in memory instead of asking KMS at each use", nullptr,
     nullptr},
    &cache_keys_value,
    false};

constinit BoolVariable allow_unencrypted_endpoint = {
    {kBoolVariable | kReadOnly, "allow_unencrypted_endpoint",
     "Let keyring_aws_endpoint_url be http:// to another host: plaintext keys "
     "then cross the network unencrypted",
     nullptr, nullptr},
    &allow_unencrypted_endpoint_value,
    false};

constinit BoolVariable allow_new_keyring = {
    {kBoolVariable | kReadOnly, "allow_new_keyring",
     "Create a new keyring although the data directory has encrypted files, "
     "whose data are then lost",
     nullptr, nullptr},
    &allow_new_keyring_value,
    false};

constexpr UnsignedVariable Number(const char* name, const char* comment,
                                  unsigned* value, unsigned fallback,
                                  unsigned least, unsigned most) {
  return {
      {kIntVariable | kUnsigned | kReadOnly, name, comment, nullptr, nullptr},
      value,
      fallback,
      least,
      most,
      1};
}

constexpr unsigned kHour = 3600000;
constinit UnsignedVariable connect_timeout =
    Number("connect_timeout_ms", "Time to connect to AWS KMS",
           &connect_timeout_value, 2000, 1, kHour);
constinit UnsignedVariable request_timeout =
    Number("request_timeout_ms", "Time for one answer of AWS KMS",
           &request_timeout_value, 3000, 1, kHour);
constinit UnsignedVariable operation_deadline =
    Number("operation_deadline_ms", "Time for one key, with all retries",
           &operation_deadline_value, 10000, 1, kHour);
constinit UnsignedVariable rotate_deadline =
    Number("rotate_deadline_ms", "Time for keyring_aws_rotate_keys()",
           &rotate_deadline_value, 600000, 1, 24 * kHour);
constinit UnsignedVariable parallelism =
    Number("parallelism", "Concurrent calls of keyring_aws_rotate_keys()",
           &parallelism_value, 16, 1, 128);

}  // namespace

#define OPENKEYRING_VARIABLE(variable) \
  reinterpret_cast<SystemVariable*>(&(variable))

SystemVariable* keyring_aws_variables[] = {
    OPENKEYRING_VARIABLE(cmk_id),
    OPENKEYRING_VARIABLE(region),
    OPENKEYRING_VARIABLE(conf_file),
    OPENKEYRING_VARIABLE(data_file),
    OPENKEYRING_VARIABLE(endpoint_url),
    OPENKEYRING_VARIABLE(allow_unencrypted_endpoint),
    OPENKEYRING_VARIABLE(allow_new_keyring),
    OPENKEYRING_VARIABLE(credentials),
    OPENKEYRING_VARIABLE(cache_keys),
    OPENKEYRING_VARIABLE(connect_timeout),
    OPENKEYRING_VARIABLE(request_timeout),
    OPENKEYRING_VARIABLE(operation_deadline),
    OPENKEYRING_VARIABLE(rotate_deadline),
    OPENKEYRING_VARIABLE(parallelism),
    nullptr};

KeyringAwsOptions OptionsOfVariables() {
  KeyringAwsOptions options;
  options.cmk_id = Text(cmk_id_value);
  options.region = Text(region_value);
  options.conf_file = Text(conf_file_value);
  options.data_file = Text(data_file_value);
  options.endpoint_url = Text(endpoint_url_value);
  options.allow_unencrypted_endpoint = allow_unencrypted_endpoint_value;
  options.allow_new_keyring = allow_new_keyring_value;
  options.use_chain = credentials_value == kChain;
  options.cache_keys = cache_keys_value;
  options.connect_timeout = Millis(connect_timeout_value);
  options.request_timeout = Millis(request_timeout_value);
  options.operation_deadline = Millis(operation_deadline_value);
  options.rotate_deadline = Millis(rotate_deadline_value);
  options.parallelism = parallelism_value;
  return options;
}

}  // namespace openkeyring
