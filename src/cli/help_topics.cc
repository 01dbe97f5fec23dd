// SPDX-License-Identifier: MIT
#include "cli/help_text.h"

namespace openkeyring {

const std::vector<HelpTopic>& HelpTopics() {
  static const std::vector<HelpTopic> topics = {
      {"exit-codes", "what the process ends with",
       "0    fine; warnings too, unless --strict is given\n"
       "1    failed; the message says what was and was not changed\n"
       "2    usage or configuration must be corrected first\n"
       "3    problems found; with --strict, a warning\n"
       "4    the key server is unreachable, or denied the request\n"
       "5    in use by another process, whose pid the message has\n"
       "6    confirmation missing: not a terminal, and no --yes\n"
       "130  interrupted\n"},
      {"output", "stdout, stderr, JSON and color",
       "stdout has the data that was asked for; stderr is for people.\n"
       "--json prints one object with \"schema\": \"openkeyring/COMMAND/1\";\n"
       "members are added in later versions, and never changed. An error is\n"
       "then one object on stderr. Color is for terminals; NO_COLOR and\n"
       "--color=never turn it off.\n"},
      {"discovery", "how the keyring is found",
       "What --product, --config, --defaults-file, --datadir, --plugin-dir "
       "and\n"
       "--path do not say is found: by the bytes of the file that --path "
       "names;\n"
       "from a server that runs; from one that is installed, by what it "
       "prints\n"
       "for --print-defaults, the manifest mysqld.my and the component's "
       ".cnf.\n"
       "--verbose says what was found, and where. Credentials are those of "
       "the\n"
       "user who runs keyringctl: sudo -u mysql keyringctl check\n"},
  };
  return topics;
}

}  // namespace openkeyring
