// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_FILE_H_
#define OPENKEYRING_PRODUCT_COMPONENT_FILE_H_

#include <string>
#include <vector>

#include "base/log.h"
#include "json/json_options.h"
#include "os/file_system.h"
#include "product/loaded_keyring.h"

namespace openkeyring {

// The configuration of the component called `name`: <plugin>/<name>.cnf, or,
// when that says `read_local_config`, <instance>/<name>.cnf instead of all of
// it.
//
// kMisconfigured when a file is missing, unreadable, no JSON object, or holds
// one of `secret_names` and is world-readable, unless it says
// `allow_insecure_permissions`. The two options named here count as asked for.
Result<JsonOptions> ReadComponentFile(
    FileSystem& files, Log& log, const std::string& name,
    const ServerDirectories& directories,
    const std::vector<std::string>& secret_names);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_FILE_H_
