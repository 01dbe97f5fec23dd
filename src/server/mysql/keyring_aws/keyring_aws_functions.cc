// SPDX-License-Identifier: MIT
// The loadable functions of keyring_aws.so. The server finds them by name; they
// may be called when the plugin is not installed.
#include <string.h>

#include "server/guard.h"
#include "server/mysql/keyring_aws/keyring_aws_plugin.h"
#include "server/mysql/keyring_aws/killed_statement.h"
#include "server/mysql/keyring_aws/statement_error.h"

namespace openkeyring {
namespace {

bool Refuse(char* message, const char* why) {
  strncpy(message, why, kFunctionMessage - 1);
  message[kFunctionMessage - 1] = '\0';
  return true;
}

bool Prepare(FunctionCall* call, FunctionArguments* arguments, char* message) {
  if (arguments->count != 0) return Refuse(message, "It takes no arguments");
  PluginInUse plugin;
  if (!plugin) {
    return Refuse(message, "The plugin keyring_aws is not installed");
  }
  if (!MayRotateKeys(plugin->registry())) {
    return Refuse(message,
                  "The privilege SUPER or ENCRYPTION_KEY_ADMIN is needed");
  }
  call->maybe_null = true;
  call->const_item = false;
  return false;
}

// 1, or NULL and the statement's error.
template <typename Work>
long long Run(const char* function, unsigned char* is_null,
              unsigned char* error, Work work) {
  PluginInUse plugin;
  const bool done =
      plugin && Guarded(plugin->log(), false, [&] {
        const Status status = work(*plugin.operator->());
        if (status.ok()) return true;
        plugin->log().Write(LogLevel::kError,
                            std::string(function) + ": " + status.message());
        RaiseAwsError(plugin->registry(), function, status.message());
        return false;
      });
  if (done) return 1;
  *is_null = 1;
  *error = 1;
  return 0;
}

}  // namespace
}  // namespace openkeyring

#define OPENKEYRING_EXPORT extern "C" __attribute__((visibility("default")))

using openkeyring::FunctionArguments;
using openkeyring::FunctionCall;
using openkeyring::InstalledPlugin;
using openkeyring::LogLevel;
using openkeyring::Status;

OPENKEYRING_EXPORT bool keyring_aws_rotate_cmk_init(
    FunctionCall* call, FunctionArguments* arguments, char* message) {
  return openkeyring::Prepare(call, arguments, message);
}

OPENKEYRING_EXPORT void keyring_aws_rotate_cmk_deinit(FunctionCall*) {}

OPENKEYRING_EXPORT long long keyring_aws_rotate_cmk(FunctionCall*,
                                                    FunctionArguments*,
                                                    unsigned char* is_null,
                                                    unsigned char* error) {
  return openkeyring::Run("keyring_aws_rotate_cmk", is_null, error,
                          [](InstalledPlugin& plugin) {
                            const openkeyring::Result<std::string> what =
                                plugin.keyring()->RotateCmk();
                            // A note would not be seen by default.
                            if (what)
                              plugin.log().Write(LogLevel::kWarning, *what);
                            return what.status();
                          });
}

OPENKEYRING_EXPORT bool keyring_aws_rotate_keys_init(
    FunctionCall* call, FunctionArguments* arguments, char* message) {
  return openkeyring::Prepare(call, arguments, message);
}

OPENKEYRING_EXPORT void keyring_aws_rotate_keys_deinit(FunctionCall*) {}

OPENKEYRING_EXPORT long long keyring_aws_rotate_keys(FunctionCall*,
                                                     FunctionArguments*,
                                                     unsigned char* is_null,
                                                     unsigned char* error) {
  return openkeyring::Run(
      "keyring_aws_rotate_keys", is_null, error, [](InstalledPlugin& plugin) {
        openkeyring::KeyringAws& keyring = *plugin.keyring();
        return openkeyring::RunUntilKilled(
            plugin.registry(), keyring.stopping(),
            [&](const openkeyring::Cancellation& cancellation) {
              return keyring.RotateKeys(cancellation);
            });
      });
}
