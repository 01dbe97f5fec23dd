// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_SHARED_ENCRYPTION_PLUGIN_H_
#define OPENKEYRING_SERVER_MARIADB_SHARED_ENCRYPTION_PLUGIN_H_

#include <atomic>
#include <cstdint>
#include <string_view>

#include "product/dynamic_key_options.h"
#include "product/metrics.h"
#include "server/log_throttle.h"
#include "server/mariadb/shared/mariadb_log.h"

struct st_mariadb_encryption;  // MariaDB's.

// What MariaDB's encryption plugins share. Each library has its own copy; what
// differs it defines itself (below).
namespace openkeyring {

struct EncryptionPlugin {
  explicit EncryptionPlugin(std::string_view prefix) : log(prefix) {}

  MariaDbLog log;
  LogThrottle throttle{SystemClock()};
  VersionedKeys* keys = nullptr;     // Null while they are not loaded.
  std::atomic<int64_t> failures{0};  // Reported so far.

  // A failure, to the client of this thread and, unless it was written a
  // moment ago, to the error log.
  void Report(const Status& status);
};

// Lives from the first use to dlclose; made without any effect on the process.
EncryptionPlugin& ThePlugin();

// The plugin's descriptor, for MariaDB; Init and Deinit take no argument.
extern ::st_mariadb_encryption encryption;
int InitPlugin(void*);
int DeinitPlugin(void*);

// ---- What each plugin defines ----------------------------------------------

// How its lines in the error log begin.
std::string_view LogPrefix();
// The name that its system variables begin with.
std::string_view PluginName();
// Copies what was given on the command line to where it is looked for.
void AdoptVariables();
bool UsesCtrMode();
// Options that SET GLOBAL may change.
DynamicKeyOptions& DynamicOptions();
// Loads the keys, which the plugin owns until StopKeys. An error means that the
// plugin cannot work as configured; an outage of the key server is not an
// error.
Result<VersionedKeys*> StartKeys();
void StopKeys();
// Of the loaded keys: what the product knows.
MetricValues ProductMetrics();
// Adds them to the status variables, which the server reads after the init.
void ShowMetrics();
// Why no new key can be made, or Ok.
Status MayMakeKeys();

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_SHARED_ENCRYPTION_PLUGIN_H_
