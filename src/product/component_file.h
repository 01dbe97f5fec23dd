// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_FILE_H_
#define OPENKEYRING_PRODUCT_COMPONENT_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/log.h"
#include "json/json_options.h"
#include "os/file_system.h"
#include "product/loaded_keyring.h"

namespace openkeyring {

// The configuration of the component called `name`: <plugin>/<name>.cnf, or the
// file that the program names; or, when that says `read_local_config`,
// <instance>/<name>.cnf instead of all of it.
//
// kMisconfigured when a file is missing, unreadable, no JSON object, or holds
// one of `secret_names`, is world-readable, and says `strict_permissions`.
// Without that it is a warning of the options', as Percona's component reads
// such files, unless the file says `allow_insecure_permissions`. The three
// options named here count as asked for.
Result<JsonOptions> ReadComponentFile(
    FileSystem& files, Log& log, const std::string& name,
    const ServerDirectories& directories,
    const std::vector<std::string>& secret_names);

// What is odd about a configuration that can be used.
struct ComponentWarnings {
  std::vector<std::string> unknown_options;  // Each with the file's name.
  std::vector<std::string> permissions;

  int64_t count() const {
    return static_cast<int64_t>(unknown_options.size() + permissions.size());
  }
};

// Of options of which every known one was taken. Written to `log`, too.
ComponentWarnings WarningsOf(const JsonOptions& options, Log& log);
// For a status row; "" when nothing is odd.
std::string ToString(const ComponentWarnings& warnings);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_FILE_H_
