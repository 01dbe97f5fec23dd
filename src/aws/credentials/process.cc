// SPDX-License-Identifier: MIT
#include "aws/credentials/process.h"

#include "aws/credentials/answer.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxOutput = 256 * 1024;

Result<Credentials> RunAndRead(AwsDependencies dependencies,
                               const std::string& command,
                               const Deadline& deadline) {
  const Millis left = deadline.Remaining(dependencies.clock);
  if (left.count() == 0) {
    return Status(StatusCode::kTimeout, "the time allowed is over");
  }
  Result<Secret> output = dependencies.processes.Run(command, left, kMaxOutput,
                                                     deadline.cancellation());
  if (!output) return output.error();
  Result<CredentialAnswer> answer =
      ReadCredentialAnswer(*output, "SessionToken");
  if (!answer) return answer.error();
  if (answer->version != 1) {
    return Status(StatusCode::kMisconfigured,
                  "its output must have \"Version\": 1");
  }
  return CompleteCredentials(std::move(*answer), SessionToken::kOptional);
}

// Lines that continue the command are words of it, as for the AWS CLI. After a
// backslash sh itself joins them.
std::string OneLine(std::string command) {
  for (size_t i = 1; i < command.size(); ++i) {
    if (command[i] == '\n' && command[i - 1] != '\\') command[i] = ' ';
  }
  return command;
}

}  // namespace

Result<Credentials> CredentialsOfProcess(AwsDependencies dependencies,
                                         const SharedFiles& files,
                                         const std::string& profile,
                                         const Deadline& deadline) {
  const std::string command =
      OneLine(files.Value(profile, "credential_process"));
  if (command.empty()) {
    return Status(StatusCode::kNotFound, "no credential_process");
  }
  Result<Credentials> credentials = RunAndRead(dependencies, command, deadline);
  if (credentials) return credentials;
  return credentials.error().WithContext(
      "credential_process of " + files.Origin(profile, "credential_process"));
}

std::string ProcessSource::Name() const {
  return "profile " + profile_ + " (credential_process)";
}

Result<Credentials> ProcessSource::Fetch(const Deadline& deadline) {
  const Result<SharedFiles> files =
      ReadSharedFiles(dependencies_.environment, dependencies_.files);
  if (!files) return files.error();
  return CredentialsOfProcess(dependencies_, *files, profile_, deadline);
}

}  // namespace openkeyring
