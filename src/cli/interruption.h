// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_INTERRUPTION_H_
#define OPENKEYRING_CLI_INTERRUPTION_H_

#include "base/status.h"
#include "cli/exit_code.h"

namespace openkeyring {

// Ctrl-C, a hangup, or a request to end. A signal sets a flag that commands
// look at between two steps, so that what was begun is completed or left out;
// each step on its own is durable or has not happened. The second signal ends
// the process at once, which is then as safe as a power cut.
//
// This is our own program: nothing but keyringctl's main may call Install.
class Interruption {
 public:
  // For SIGINT, SIGTERM and SIGHUP. Ignores SIGPIPE, so that a closed pipe is
  // an error of writing.
  void Install();
  bool requested() const;
};

// The failure of a command that stops for it.
tl::unexpected<Failure> Interrupted();

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_INTERRUPTION_H_
