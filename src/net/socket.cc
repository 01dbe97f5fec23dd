// SPDX-License-Identifier: MIT
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

namespace openkeyring {
namespace {

std::string ErrorText(int error) {
  return std::generic_category().message(error);
}

Status Unavailable(const std::string& what, int error) {
  return {StatusCode::kUnavailable, what + ": " + ErrorText(error)};
}

Result<Socket> ConnectToOne(const SocketAddress& address,
                            const Deadline& deadline) {
  Socket made(socket(address.storage.ss_family,
                     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (made.fd() < 0) return Unavailable("no socket", errno);
  const int on = 1;
  setsockopt(made.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(made.fd(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address.storage);
  if (connect(made.fd(), generic, address.size) == 0) return made;
  if (errno != EINPROGRESS) return Unavailable("not connected", errno);
  const Status ready = made.WaitFor(POLLOUT, deadline);
  if (!ready.ok()) return ready;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(made.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
    return Unavailable("not connected", errno);
  }
  if (error == ETIMEDOUT) {
    return Status(StatusCode::kTimeout, "not connected in time");
  }
  if (error != 0) return Unavailable("not connected", error);
  return made;
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

Status Socket::WaitFor(short events, const Deadline& deadline) const {
  for (;;) {
    const Millis left = deadline.Remaining(SystemClock());
    constexpr Millis kMost{1 << 30};
    pollfd waited{fd_, events, 0};
    const int ready =
        poll(&waited, 1, static_cast<int>(std::min(left, kMost).count()));
    if (ready > 0) return Status::Ok();
    if (ready < 0 && errno != EINTR) return Unavailable("poll", errno);
    if (deadline.Passed(SystemClock())) {
      return {StatusCode::kTimeout, "no answer in time"};
    }
  }
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  const auto* mine = reinterpret_cast<const uint8_t*>(&storage);
  const auto* others = reinterpret_cast<const uint8_t*>(&other.storage);
  return size == other.size && std::equal(mine, mine + size, others);
}

bool IsNumericAddress(const std::string& host) {
  in6_addr address;
  // A scope ("fe80::1%eth0") is part of an address, and not of a name.
  const std::string bare = host.substr(0, host.find('%'));
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, bare.c_str(), &address) == 1;
}

Result<std::vector<SocketAddress>> ResolveHost(const std::string& host,
                                               int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  if (IsNumericAddress(host)) hints.ai_flags |= AI_NUMERICHOST;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found,
                                                                freeaddrinfo);
  if (error == EAI_NONAME) {
    return Status(StatusCode::kMisconfigured,
                  "there is no host named \"" + host + "\"");
  }
  if (error != 0) {
    return Status(
        StatusCode::kUnavailable,
        "host \"" + host + "\" is not resolved: " + gai_strerror(error));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    address.size = one->ai_addrlen;
    memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
  }
  return addresses;
}

Result<Socket> ConnectTo(const std::vector<SocketAddress>& addresses,
                         const Deadline& deadline) {
  Result<Socket> result = Status(StatusCode::kUnavailable, "has no address");
  size_t left = addresses.size();
  for (const SocketAddress& address : addresses) {
    const Millis share = deadline.Remaining(SystemClock()) / left--;
    result = ConnectToOne(address, deadline.Within(SystemClock(), share));
    if (result) break;
  }
  return result;
}

}  // namespace openkeyring
