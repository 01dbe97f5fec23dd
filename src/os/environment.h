// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_ENVIRONMENT_H_
#define OPENKEYRING_OS_ENVIRONMENT_H_

#include <optional>
#include <string>

namespace openkeyring {

// Environment variables, injected. Never written: the process is not ours.
//
// Threads: all methods may be called concurrently.
class Environment {
 public:
  virtual ~Environment() = default;
  // Nothing when the variable is unset or empty, which AWS tools treat alike.
  virtual std::optional<std::string> Get(const std::string& name) const = 0;
  // The home directory of the effective user: what the user database says, else
  // (for a user without an entry there) $HOME, else nothing. $HOME comes second
  // because a server that root started and that became another user still has
  // root's. "/dev/null" and "/nonexistent" (service users) count as nothing.
  virtual std::optional<std::string> HomeDirectory() const = 0;
};

// The process's environment. Lives for the process.
Environment& ProcessEnvironment();

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_ENVIRONMENT_H_
