// SPDX-License-Identifier: MIT
#include "cli/interruption.h"

#include <signal.h>

namespace openkeyring {
namespace {

volatile sig_atomic_t requests = 0;

void OnSignal(int) { requests = 1; }

}  // namespace

void Interruption::Install() {
  struct sigaction action = {};
  // The second one ends the process.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  action.sa_handler = OnSignal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    (void)sigaction(number, &action, nullptr);
  }
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  for (const int number : {SIGPIPE, SIGXFSZ}) {
    (void)sigaction(number, &ignore, nullptr);
  }
}

bool Interruption::requested() const { return requests != 0; }

tl::unexpected<Failure> Interrupted() {
  return tl::unexpected(Failure({StatusCode::kUnavailable, "interrupted"},
                                ExitCode::kInterrupted));
}

}  // namespace openkeyring
