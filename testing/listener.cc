// SPDX-License-Identifier: MIT
#include "testing/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <utility>

namespace openkeyring {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{10};

// The address in either family, with its size; 0 when it is neither.
socklen_t ParseAddress(const std::string& text, int port,
                       sockaddr_storage& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    return sizeof *v4;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    return sizeof *v6;
  }
  return 0;
}

int BoundPort(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6
                   ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                   : reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::Start(Options options,
                                                  Handler handler) {
  std::unique_ptr<Listener> listener(
      new Listener(std::move(options), std::move(handler)));
  const Status status = listener->Listen();
  if (!status.ok()) return status;
  listener->accepting_ =
      std::thread([raw = listener.get()] { raw->AcceptLoop(); });
  return listener;
}

Status Listener::Listen() {
  sockaddr_storage address{};
  const socklen_t size = ParseAddress(options_.address, options_.port, address);
  if (size == 0) {
    return {StatusCode::kMisconfigured,
            options_.address + " is not an IP address"};
  }
  socket_ = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(socket_, SOMAXCONN) != 0) {
    return {StatusCode::kUnavailable,
            "cannot listen on " + options_.address + " port " +
                std::to_string(options_.port) + ": " + strerror(errno)};
  }
  port_ = BoundPort(socket_);
  return Status::Ok();
}

Listener::~Listener() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
  ShutDownConnections();
  if (accepting_.joinable()) accepting_.join();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return connections_.empty(); });
  }
  for (std::thread& thread : ended_) thread.join();
  if (socket_ >= 0) close(socket_);
}

int Listener::accepted() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

int Listener::open() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(connections_.size());
}

void Listener::ShutDownConnections() {
  const std::lock_guard lock(mutex_);
  for (const auto& [fd, thread] : connections_) shutdown(fd, SHUT_RDWR);
}

bool Listener::WaitForRoom() {
  std::vector<std::thread> ended;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] {
    return stopping_ || options_.max_connections == 0 ||
           connections_.size() < static_cast<size_t>(options_.max_connections);
  });
  ended.swap(ended_);
  const bool serving = !stopping_;
  lock.unlock();
  for (std::thread& thread : ended) thread.join();
  return serving;
}

void Listener::AcceptLoop() {
  while (WaitForRoom()) {
    const int fd = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    std::unique_lock lock(mutex_);
    if (fd < 0) {  // Out of descriptors, perhaps: no busy waiting for one.
      changed_.wait_for(lock, kAcceptPause, [this] { return stopping_; });
    } else if (stopping_ || !StartThread(fd)) {
      close(fd);
    }
  }
}

bool Listener::StartThread(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  try {
    // The end of Serve waits for the lock, so the thread is in the map by then.
    connections_.emplace(fd, std::thread([this, fd] { Serve(fd); }));
    ++accepted_;
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void Listener::Serve(int fd) {
  handler_(fd);
  const std::lock_guard lock(mutex_);
  close(fd);
  const auto self = connections_.find(fd);
  ended_.push_back(std::move(self->second));
  connections_.erase(self);
  changed_.notify_all();
}

}  // namespace openkeyring
