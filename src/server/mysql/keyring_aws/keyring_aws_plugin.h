// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_KEYRING_AWS_PLUGIN_H_
#define OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_KEYRING_AWS_PLUGIN_H_

#include <memory>
#include <shared_mutex>
#include <string>

#include "product/keyring_aws/keyring_aws.h"
#include "server/failure_log.h"
#include "server/mysql/abi/plugin.h"
#include "server/mysql/component/component_log.h"

// What the parts of keyring_aws.so share.
namespace openkeyring {

// The plugin while it is installed.
class InstalledPlugin {
 public:
  // Takes the registry of the server.
  InstalledPlugin();
  ~InstalledPlugin();

  Registry* registry() const { return registry_; }
  Log& log() { return log_; }
  // Null until Open succeeded.
  KeyringAws* keyring() { return keyring_.get(); }
  Status Open(KeyringAwsOptions options);
  // A failure that the server only has a flag for: written to the log unless it
  // was a moment ago.
  void Report(const Status& status);
  MetricValues Metrics() const;

 private:
  Registry* const registry_;
  ComponentLog log_;
  FailureLog failures_{log_, SystemClock()};
  std::unique_ptr<KeyringAws> keyring_;
};

// The plugin for the length of one call; uninstalling waits for that. Null when
// it is not installed: loadable functions outlive the plugin.
class PluginInUse {
 public:
  PluginInUse();
  explicit operator bool() const { return plugin_ != nullptr; }
  InstalledPlugin* operator->() const { return plugin_; }

 private:
  std::shared_lock<std::shared_mutex> lock_;
  InstalledPlugin* plugin_;
};

// The seven functions of a keyring.
extern KeyringPlugin keyring_aws_interface;

// keyring_aws_*, and what they say now.
extern SystemVariable* keyring_aws_variables[];
KeyringAwsOptions OptionsOfVariables();

// Services of the server.
const MallocService& ServerMemory();
const SessionMemoryService& SessionMemory();
const RegistryService& ServerRegistry();
// Puts versions back in place of the services: a library that loadable
// functions keep in memory is examined again when the plugin is reinstalled.
void ForgetServices();

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_KEYRING_AWS_PLUGIN_H_
