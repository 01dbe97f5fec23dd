// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_LOADED_KEYRING_H_
#define OPENKEYRING_PRODUCT_LOADED_KEYRING_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "keyring/keyring.h"
#include "product/metrics.h"

namespace openkeyring {

// The directories that a MySQL server gives its components.
struct ServerDirectories {
  std::string plugin;    // Of the component itself.
  std::string instance;  // The data directory; "" is the current one.
  // The configuration file, when the program names one; else "".
  std::string config_file = "";
};

// Names and values of performance_schema.keyring_component_status.
using StatusRows = std::vector<std::pair<std::string, std::string>>;

// How a status row says that there is no value.
constexpr char kNoValue[] = "<NONE>", kNotApplicable[] = "<NOT APPLICABLE>";

inline std::string OrNone(std::string text) {
  return text.empty() ? kNoValue : text;
}

// A keyring of a MySQL component, with everything it is built from. Threads:
// all methods may be called concurrently.
class LoadedKeyring {
 public:
  virtual ~LoadedKeyring() = default;
  virtual Keyring& keyring() = 0;
  // The rows that follow the six that every component has.
  virtual StatusRows Rows() const = 0;
  // What only the product knows.
  virtual MetricValues Metrics() const = 0;
};

// Whether the first load waits for a key server that comes back, until
// startup_deadline_ms, or fails at once.
enum class LoadRetry { kUntilDeadline, kOnce };

// Makes the keyring of one component from its configuration file. Threads: one
// call of Load at a time.
class KeyringLoader {
 public:
  virtual ~KeyringLoader() = default;
  // Reads the configuration and loads every key. The keyring of the last
  // successful call keeps serving when this one fails.
  virtual Result<std::shared_ptr<LoadedKeyring>> Load(
      const ServerDirectories& directories, LoadRetry retry, Log& log) = 0;
  // The rows while no keyring is loaded.
  virtual StatusRows RowsWithoutKeyring() const = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_LOADED_KEYRING_H_
