// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_KNOWN_ADDRESSES_H_
#define OPENKEYRING_NET_KNOWN_ADDRESSES_H_

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "os/clock.h"

namespace openkeyring {

// The addresses at which hosts answered lately, for the time when the name
// service does not: a key server that answered a minute ago is most likely
// still there. TLS proves that the host is the right one.
//
// Threads: all methods may be called concurrently.
class KnownAddresses {
 public:
  // `clock` is borrowed.
  explicit KnownAddresses(Clock& clock) : clock_(clock) {}

  // `host` ("name:port") answered at this numeric address. The newest four of a
  // host are kept.
  void Answered(const std::string& host, const std::string& address);
  // The name could not be resolved: for a minute, nobody need try again.
  void NotResolved(const std::string& host);
  // Nobody answered at the known addresses.
  void Forget(const std::string& host);

  // Newest first; empty when none is known.
  std::vector<std::string> Of(const std::string& host) const;
  // Whether the known addresses should be used without a try to resolve.
  bool ReplaceResolving(const std::string& host) const;

 private:
  struct Host {
    std::vector<std::string> addresses;
    SteadyTime resolve_again{};
  };

  Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Host> hosts_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_KNOWN_ADDRESSES_H_
