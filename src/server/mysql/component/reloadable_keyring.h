// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_RELOADABLE_KEYRING_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_RELOADABLE_KEYRING_H_

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "keyring/keyring.h"
#include "product/loaded_keyring.h"
#include "server/mysql/component/component_log.h"
#include "server/repeat_filter.h"

namespace openkeyring::mysql {

// The one object of a component in its process: holds the keyring that serves,
// replaces it at a reload, and counts what went wrong for the status rows.
//
// Threads: all methods may be called concurrently. Reading never waits for I/O.
// Changes and reloads wait for each other, because a key that was stored while
// a reload reads the file would be missing from what it read.
class ReloadableKeyring {
 public:
  // `name` and `author` are borrowed for ever, `registry` is the component's
  // slot.
  ReloadableKeyring(const char* name, std::unique_ptr<KeyringLoader> loader,
                    Registry* const& registry);

  ComponentLog& log() { return log_; }
  // kUnavailable with the reason of the failed load when nothing is loaded.
  Result<std::shared_ptr<LoadedKeyring>> Current() const;
  // kMisconfigured without a plugin directory, or what the product says.
  Status Load(const ServerDirectories& directories);

  // Those of Keyring; a failure is logged unless it was a moment ago.
  Status Store(Key key);
  Status Generate(const KeyName& name, const std::string& type, size_t bytes);
  Status Remove(const KeyName& name);
  // A failure that a service only has a number for: written to the log.
  void Report(const Status& status);

  // All rows of performance_schema.keyring_component_status.
  StatusRows Rows() const;
  // When the component is unloaded.
  void Unload();

 private:
  Result<std::shared_ptr<LoadedKeyring>> LoadFrom(
      const ServerDirectories& directories);
  template <typename Change>
  Status ChangeKeyring(Change change);

  const char* const name_;
  const std::unique_ptr<KeyringLoader> loader_;
  ComponentLog log_;
  RepeatFilter repeats_{SystemClock()};

  std::shared_mutex changes_;  // Shared by changes, exclusive for loads.
  mutable std::mutex mutex_;   // Guards what follows; never held for long.
  std::shared_ptr<LoadedKeyring> current_;
  Status why_not_loaded_;
  std::string last_failure_;
};

}  // namespace openkeyring::mysql

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_RELOADABLE_KEYRING_H_
