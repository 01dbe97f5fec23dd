// SPDX-License-Identifier: MIT
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

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

// One question to the system's resolver.
struct Lookup {
  Lookup(const std::string& name, int number)
      : host(name), port(std::to_string(number)) {
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    if (IsNumericAddress(host)) hints.ai_flags |= AI_NUMERICHOST;
    request.ar_name = host.c_str();
    request.ar_service = port.c_str();
    request.ar_request = &hints;
  }
  ~Lookup() {
    if (request.ar_result != nullptr) freeaddrinfo(request.ar_result);
  }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  const std::string host, port;
  addrinfo hints{};
  gaicb request{};
};

// Lookups that were given up while their thread, which is the C library's,
// still writes to them. They are freed when a later one finds them ended; until
// then a pointer to them is kept, also at the end of the process.
class AbandonedLookups {
 public:
  void Add(std::unique_ptr<Lookup> lookup) {
    const std::lock_guard lock(mutex_);
    std::erase_if(lookups_, [](const auto& one) {
      return gai_error(&one->request) != EAI_INPROGRESS;
    });
    lookups_.push_back(std::move(lookup));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Lookup>> lookups_;  // Guarded by mutex_.
};

AbandonedLookups& Abandoned() {
  static AbandonedLookups* const lookups = new AbandonedLookups;
  return *lookups;
}

// False in a child of the process that used them first: they are not there, but
// the C library believes that they are. ThreadSanitizer crashes in threads that
// the C library makes by itself, which it does not know of.
bool HasResolverThreads() {
#ifdef __SANITIZE_THREAD__
  return false;
#endif
  static const pid_t owner = getpid();
  return owner == getpid();
}

// Asks in a thread of the C library. The error of the resolver; EAI_CANCELED or
// EAI_INPROGRESS when the deadline passed, the latter when it still works on
// it.
int Await(gaicb& request, const Deadline& deadline) {
  gaicb* list[] = {&request};
  int error = getaddrinfo_a(GAI_NOWAIT, list, 1, nullptr);
  if (error != 0) return error;
  while (gai_error(&request) == EAI_INPROGRESS &&
         !deadline.Passed(SystemClock())) {
    const auto left = std::chrono::nanoseconds(
        std::min(deadline.Remaining(SystemClock()), Millis(1000)));
    const timespec timeout = {
        left / std::chrono::seconds(1),
        left % std::chrono::seconds(1) / std::chrono::nanoseconds(1)};
    (void)gai_suspend(list, 1, &timeout);
  }
  error = gai_error(&request);
  if (error != EAI_INPROGRESS) return error;
  (void)gai_cancel(&request);
  return gai_error(&request);
}

std::vector<SocketAddress> AddressesOf(const addrinfo* list) {
  std::vector<SocketAddress> addresses;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    address.size = one->ai_addrlen;
    memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
  }
  return addresses;
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
                                               int port,
                                               const Deadline& deadline) {
  auto lookup = std::make_unique<Lookup>(host, port);
  int error = 0;
  if (IsNumericAddress(host) || !HasResolverThreads()) {
    error = getaddrinfo(lookup->host.c_str(), lookup->port.c_str(),
                        &lookup->hints, &lookup->request.ar_result);
  } else {
    error = Await(lookup->request, deadline);
    if (error == EAI_INPROGRESS) Abandoned().Add(std::move(lookup));
  }
  switch (error) {
    case 0:
      return AddressesOf(lookup->request.ar_result);
    case EAI_INPROGRESS:
    case EAI_CANCELED:
      return Status(StatusCode::kTimeout,
                    "host \"" + host + "\" is not resolved in time");
    case EAI_NONAME:
      return Status(StatusCode::kMisconfigured,
                    "there is no host named \"" + host + "\"");
    default:
      return Status(
          StatusCode::kUnavailable,
          "host \"" + host + "\" is not resolved: " + gai_strerror(error));
  }
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
