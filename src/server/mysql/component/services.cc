// SPDX-License-Identifier: MIT
// Services that change the keyring, and its loading.
#include "server/mysql/component/services.h"

#include "server/guard.h"
#include "server/mysql/component/xtrabackup_config.h"

namespace openkeyring {
namespace {

std::string Text(const char* text) { return text == nullptr ? "" : text; }

Code Load(const char* component_path, const char* instance_path) {
  return Guarded(TheKeyring().log(), kFailure, [&] {
    TheMetrics().Register();  // Also for a load that fails: they say so.
    return ReturnCode(TheKeyring().Load(
        {Text(component_path), Text(instance_path), XtraBackupConfigFile()}));
  });
}

Code Store(const char* data_id, const char* auth_id, const unsigned char* data,
           size_t data_size, const char* type) {
  return Guarded(TheKeyring().log(), kFailure, [&] {
    Result<KeyName> name = KeyNameFrom(data_id, auth_id);
    if (!name || data == nullptr) return kFailure;
    return ReturnCode(TheKeyring().Store(
        {*name, Text(type), Secret::CopyOf(ByteView(data, data_size))}));
  });
}

Code Remove(const char* data_id, const char* auth_id) {
  return Guarded(TheKeyring().log(), kFailure, [&] {
    Result<KeyName> name = KeyNameFrom(data_id, auth_id);
    return name ? ReturnCode(TheKeyring().Remove(*name)) : kFailure;
  });
}

Code Generate(const char* data_id, const char* auth_id, const char* type,
              size_t data_size) {
  return Guarded(TheKeyring().log(), kFailure, [&] {
    Result<KeyName> name = KeyNameFrom(data_id, auth_id);
    if (!name) return kFailure;
    return ReturnCode(TheKeyring().Generate(*name, Text(type), data_size));
  });
}

Code IsInitialized() {
  return Guarded(TheKeyring().log(), 0,
                 [] { return TheKeyring().Current() ? 1 : 0; });
}

}  // namespace

Result<KeyName> KeyNameFrom(const char* data_id, const char* auth_id) {
  if (data_id == nullptr || *data_id == '\0') {
    return Status(StatusCode::kInvalidArgument, "a key needs a data id");
  }
  return KeyName{data_id, Text(auth_id)};
}

KeyringLoad load_service = {Load};
KeyringWriter writer_service = {Store, Remove};
KeyringGenerator generator_service = {Generate};
KeyringStatus status_service = {IsInitialized};

}  // namespace openkeyring
