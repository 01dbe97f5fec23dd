// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_KEYRING_HOST_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_KEYRING_HOST_H_

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "keyring/keyring.h"
#include "server/mysql/component/component_log.h"
#include "server/repeat_filter.h"

namespace openkeyring::mysql {

// Where the server's files are: what load() is called with.
struct ServerFolders {
  std::string plugin;    // Never empty.
  std::string instance;  // The data folder; "" means the current one.
};

using StatusRows = std::vector<std::pair<std::string, std::string>>;

// A keyring with all that it stands on. Threads: all methods may be called at
// once.
class LoadedKeyring {
 public:
  virtual ~LoadedKeyring() = default;
  virtual Keyring& keyring() = 0;
  // Rows of performance_schema.keyring_component_status after the first six.
  virtual StatusRows Rows() const = 0;
};

// What differs from one component to the other.
class KeyringProduct {
 public:
  virtual ~KeyringProduct() = default;
  // From the configuration in these folders to a keyring with all its keys.
  // `previous` is the one that serves now, null at the first time; it goes on
  // serving when this fails.
  virtual Result<std::shared_ptr<LoadedKeyring>> Load(
      const ServerFolders& folders, LoadedKeyring* previous, Log& log) = 0;
  // The rows when nothing is loaded.
  virtual StatusRows RowsWithoutKeyring() const = 0;
};

// The one object of a component in its process: holds the keyring that serves,
// replaces it at a reload, and counts what went wrong for the status rows.
//
// Threads: all methods may be called at once. Reading never waits for I/O.
// Changes and reloads wait for each other, because a key that was stored while
// a reload reads the file would be missing from what it read.
class KeyringHost {
 public:
  // `name` and `author` are borrowed for ever, `registry` is the component's
  // slot.
  KeyringHost(const char* name, std::unique_ptr<KeyringProduct> product,
              Registry* const& registry);

  ComponentLog& log() { return log_; }
  // kUnavailable with the reason of the failed load when nothing is loaded.
  Result<std::shared_ptr<LoadedKeyring>> Current() const;
  // kMisconfigured without a plugin folder, or what the product says.
  Status Load(const ServerFolders& folders);

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
  Result<std::shared_ptr<LoadedKeyring>> LoadFrom(const ServerFolders& folders,
                                                  LoadedKeyring* previous);
  template <typename Change>
  Status ChangeKeyring(Change change);

  const char* const name_;
  const std::unique_ptr<KeyringProduct> product_;
  ComponentLog log_;
  RepeatFilter repeats_{SystemClock()};

  std::shared_mutex changes_;  // Shared by changes, exclusive for loads.
  mutable std::mutex mutex_;   // Guards what follows; never held for long.
  std::shared_ptr<LoadedKeyring> current_;
  Status why_not_loaded_;
  std::string last_failure_;
};

}  // namespace openkeyring::mysql

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_KEYRING_HOST_H_
