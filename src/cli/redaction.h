// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_REDACTION_H_
#define OPENKEYRING_CLI_REDACTION_H_

#include <nlohmann/json.hpp>
#include <string>

#include "cli/option_files.h"

// What may leave this machine (`keyringctl bundle`). By allow lists of exact
// names, on every level: a value whose option is not on them, because it is
// secret, new or misspelled, is "(left out)". User, password and query are cut
// out of URLs wherever they are. Threads: all functions may be called
// concurrently.
namespace openkeyring {

// A component's configuration, an object.
nlohmann::ordered_json ShownConfiguration(const nlohmann::ordered_json& config);
// A manifest of MySQL's (mysqld.my), an object.
nlohmann::ordered_json ShownManifest(const nlohmann::ordered_json& manifest);

// Lines "NAME = VALUE" of the server's variables that matter to keyrings. Of
// a variable of our plugins that is unknown, the name.
std::string ShownVariables(const ServerVariables& variables);

// The same text, without what stands before an "@" or after a "?" in URLs, and
// before an "@" in words that have a ":" there. Too much rather than too
// little: what stands between a URL and an "@" behind it on its line goes, too.
std::string WithoutUserInformation(const std::string& text);
// In all strings of a reply.
nlohmann::ordered_json WithoutUserInformation(nlohmann::ordered_json json);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_REDACTION_H_
