// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_SOCKET_H_
#define OPENKEYRING_NET_SOCKET_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "os/clock.h"

namespace openkeyring {

// A TCP socket: non-blocking, close-on-exec, without delay of small writes.
// Move-only; closes.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();
  int fd() const { return fd_; }

  // Waits for POLLIN or POLLOUT (or an error, which the next call on the socket
  // tells); kTimeout when the deadline passes before.
  Status WaitFor(short events, const Deadline& deadline) const;

 private:
  int fd_ = -1;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  bool operator==(const SocketAddress& other) const;
};

// True for "192.0.2.1" and "2001:db8::1": no name to look up, or to send.
bool IsNumericAddress(const std::string& host);

// The addresses of a host, in the system's order of preference. Names are asked
// for in a thread of the C library (getaddrinfo_a), which may outlive the call
// but runs none of our code; so the deadline holds, whatever resolv.conf says.
// In a forked child the call blocks as long as the system's resolver does, for
// that thread is the parent's.
//
// kTimeout when the deadline passed; kUnavailable when the name service has no
// answer now; kMisconfigured when it says that there is no such name.
Result<std::vector<SocketAddress>> ResolveHost(const std::string& host,
                                               int port,
                                               const Deadline& deadline);

// Connects to the first address that accepts. Each gets its share of the time
// that is left, so that one that is silent does not use up all of it.
Result<Socket> ConnectTo(const std::vector<SocketAddress>& addresses,
                         const Deadline& deadline);

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_SOCKET_H_
