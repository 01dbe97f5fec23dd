// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_EXIT_CODE_H_
#define OPENKEYRING_CLI_EXIT_CODE_H_

#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/status.h"

namespace openkeyring {

// What the process ends with. A promise to scripts (docs/keyringctl.md): codes
// are added, never changed.
enum class ExitCode {
  kOk = 0,
  kFailed = 1,       // The message says what was and was not changed.
  kUsage = 2,        // Command line, configuration or environment.
  kProblems = 3,     // Found in what was looked at.
  kUnreachable = 4,  // The key server did not answer, or denied.
  kInUse = 5,        // Another process has the keyring.
  kUnconfirmed = 6,  // Nobody said yes.
  kInterrupted = 130,
};

// The code for an error of a key server, of a configuration or of a format:
//   kMisconfigured, kInvalidArgument -> kUsage
//   kUnavailable, kTimeout, kThrottled, kDenied -> kUnreachable
//   kCorrupt -> kProblems
//   all else -> kFailed
// What the file system said (Status::is_of_files) goes by FileExitCodeOf,
// unless it is kNotFound.
ExitCode ExitCodeOf(const Status& status);

// The code for an error of the file system, where kDenied and kUnavailable are
// about files: kNotFound and kDenied are kUsage (another path or another user
// is needed), kCorrupt is kProblems, all else kFailed.
ExitCode FileExitCodeOf(const Status& status);

// Why a command ended early.
struct Failure {
  Failure(Status failed)  // NOLINT: a Status is a Failure, implicitly.
      : status(std::move(failed)), code(ExitCodeOf(status)) {}
  Failure(Status failed, ExitCode with, std::string cure = "")
      : status(std::move(failed)), code(with), hint(std::move(cure)) {}

  Status status;
  ExitCode code;
  std::string hint;  // What to do; "" when the message says it.
  // For a change that was not completed: one entry a file or object.
  std::vector<std::string> changed, unchanged;
};

// What a command comes to.
using Outcome = tl::expected<ExitCode, Failure>;

// A failure of the command line or the configuration.
inline tl::unexpected<Failure> UsageFailure(std::string message,
                                            std::string hint = "") {
  return tl::unexpected(
      Failure({StatusCode::kMisconfigured, std::move(message)},
              ExitCode::kUsage, std::move(hint)));
}
inline tl::unexpected<Failure> Failed(Status status) {
  return tl::unexpected(Failure(std::move(status)));
}
inline tl::unexpected<Failure> FileFailed(Status status) {
  const ExitCode code = FileExitCodeOf(status);
  return tl::unexpected(Failure(std::move(status), code));
}

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_EXIT_CODE_H_
