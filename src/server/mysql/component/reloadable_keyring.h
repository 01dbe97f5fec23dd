// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_RELOADABLE_KEYRING_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_RELOADABLE_KEYRING_H_

#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "keyring/keyring.h"
#include "product/loaded_keyring.h"
#include "server/failure_log.h"
#include "server/mysql/component/component_log.h"
#include "server/mysql/component/server_mode.h"

namespace openkeyring {

// The one object of a component in its process: holds the keyring in use,
// replaces it at a reload, and keeps what the status rows tell about failures.
//
// Threads: all methods may be called concurrently. Reading never waits for I/O.
// Changes and reloads wait for each other, because a key that was stored while
// a reload reads the file would be missing from what it read.
class ReloadableKeyring {
 public:
  // `name` is borrowed permanently, `registry` is the component's slot.
  ReloadableKeyring(const char* name, std::unique_ptr<KeyringLoader> loader,
                    Registry* const& registry,
                    ServerMode mode = ServerMode::kServe);

  ComponentLog& log() { return log_; }
  // kUnavailable with the reason of the failed load when nothing is loaded.
  Result<std::shared_ptr<LoadedKeyring>> Current() const;
  // kMisconfigured without a plugin directory, or what the product says. After
  // a failed reload the keyring that was loaded before stays in use. A server
  // that only prints its help gets kUnavailable, and nothing is read, made or
  // asked; one that only checks its options gets one try.
  Status Load(const ServerDirectories& directories);

  // The changes of Keyring. A failure is written to the log.
  Status Store(Key key);
  Status Generate(const KeyName& name, const std::string& type, size_t bytes);
  Status Remove(const KeyName& name);
  // A failure that a service only has a number for: written to the log, and
  // shown by the status rows.
  void Report(const Status& status);

  // All rows of performance_schema.keyring_component_status.
  StatusRows Rows() const;
  // The same in numbers. Waits for no load and no change.
  MetricValues Metrics() const;
  // When the component is unloaded.
  void Unload();

 private:
  Result<std::shared_ptr<LoadedKeyring>> LoadFrom(
      const ServerDirectories& directories);
  template <typename Change>
  Status ChangeKeyring(Change change);

  const char* const name_;
  const std::unique_ptr<KeyringLoader> loader_;
  const ServerMode mode_;
  ComponentLog log_;
  FailureLog failures_{log_, SystemClock()};

  std::shared_mutex changes_;  // Shared by changes, exclusive for loads.
  mutable std::mutex mutex_;   // Guards what follows; never held for long.
  std::shared_ptr<LoadedKeyring> current_;
  Status why_not_loaded_;
  std::string last_failure_;
  std::optional<bool> load_failed_;  // The last one; nothing before the first.
  int64_t failed_loads_ = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_RELOADABLE_KEYRING_H_
