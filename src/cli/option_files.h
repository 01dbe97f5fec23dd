// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_OPTION_FILES_H_
#define OPENKEYRING_CLI_OPTION_FILES_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/file_system.h"

namespace openkeyring {

// Options of a database server, by the names of its variables: lower case,
// with underscores, without "loose_". An option without a value is "1". What
// may be given more than once (plugin_load_add, early_plugin_load) is joined by
// ";", and of all else the last one counts.
using ServerVariables = std::map<std::string, std::string>;

// "--innodb-x=1" or "innodb_x=1" into `variables`. Other words are ignored.
void AddServerOption(std::string_view word, ServerVariables& variables);

// What `mysqld --print-defaults` prints: one line of text, one of options.
ServerVariables ParsePrintedDefaults(std::string_view text);

// The options of these groups in an option file, with what it includes
// (!include, !includedir). kMisconfigured, with file and line, for what the
// server would refuse; or what the file system says.
Result<std::vector<std::string>> ReadOptionFile(
    FileSystem& files, const std::string& path,
    const std::vector<std::string>& groups);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_OPTION_FILES_H_
