// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_PROCESS_H_
#define OPENKEYRING_OS_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "os/cancellation.h"
#include "os/clock.h"

namespace openkeyring {

// Starts other programs, injected. Threads: Run may be called concurrently.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  // Runs `command` by /bin/sh -c with no standard input and returns what it
  // wrote to standard output, at most `max_output` bytes. Standard error is
  // the host's own. The child, with its whole process group, is killed when
  // `timeout` has passed, or `cancellation` says so (kTimeout); null: nothing
  // does. A non-zero exit is kUnavailable and more than `max_output` bytes is
  // kCorrupt; neither text holds the output.
  virtual Result<Secret> Run(const std::string& command, Millis timeout,
                             size_t max_output,
                             const Cancellation* cancellation) = 0;
  // The same for one program without a shell, and without standard error:
  // `words` are its absolute path and its arguments.
  virtual Result<Secret> RunProgram(const std::vector<std::string>& words,
                                    Millis timeout, size_t max_output) = 0;
};

// Keeps the numbers 0, 1 and 2 from what is opened next where this process was
// started without them (">&-"): a message would go into a keyring file that got
// the number of standard error. Reading from what takes their place, and
// writing to it, fail as before. To be called before anything is opened.
// kInternal when the system has nothing to take their place.
Status HoldStandardDescriptors();

// The effective user of this process.
uid_t EffectiveUser();

// The real one. Lives for the process.
ProcessRunner& SystemProcessRunner();

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_PROCESS_H_
