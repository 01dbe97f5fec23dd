// SPDX-License-Identifier: MIT
#include "emulators/kms/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <system_error>

#include "base/encoding.h"

namespace kms_emulator {
namespace {

using Kind = Delivery::Kind;
using openkeyring::Millis;

constexpr Millis kHangSlice{50};
constexpr Millis kAcceptPause{10};

const char* ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

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

void Prepare(int fd, Millis idle) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval limit{idle.count() / 1000, idle.count() % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

void ResetOnClose(int fd) {
  const linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

bool WantsClose(const HttpMessage& request) {
  const std::string connection =
      openkeyring::AsciiLower(request.Get("connection"));
  if (request.http_1_0) return connection != "keep-alive";
  return connection == "close";
}

}  // namespace

std::string ReplyHead(const Reply& reply, bool close) {
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " " +
                     ReasonPhrase(reply.status) + "\r\n";
  for (const Header& header : reply.headers) {
    head += header.first + ": " + header.second + "\r\n";
  }
  head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
  if (close) head += "Connection: close\r\n";
  return head + "\r\n";
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options,
                                                      Handler handler,
                                                      Counters& counters) {
  std::unique_ptr<HttpServer> server(
      new HttpServer(options, std::move(handler), counters));
  if (!options.tls_certificate.empty()) {
    auto tls = MakeTlsContext(options.tls_certificate, options.tls_key);
    if (!tls) return tls.error();
    server->tls_ = std::move(*tls);
  }
  const Status status = server->Listen();
  if (!status.ok()) return status;
  server->accepting_ = std::thread([raw = server.get()] { raw->AcceptLoop(); });
  return server;
}

Status HttpServer::Listen() {
  sockaddr_storage address{};
  const socklen_t size = ParseAddress(options_.address, options_.port, address);
  if (size == 0) {
    return {StatusCode::kMisconfigured,
            options_.address + " is not an IP address"};
  }
  listener_ = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, SOMAXCONN) != 0) {
    return {StatusCode::kUnavailable,
            "can't listen on " + options_.address + " port " +
                std::to_string(options_.port) + ": " + strerror(errno)};
  }
  port_ = BoundPort(listener_);
  return Status::Ok();
}

HttpServer::~HttpServer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (listener_ >= 0) shutdown(listener_, SHUT_RDWR);
    for (const auto& [fd, thread] : connections_) shutdown(fd, SHUT_RDWR);
    connection_ended_.notify_all();
  }
  if (accepting_.joinable()) accepting_.join();
  {
    std::unique_lock lock(mutex_);
    connection_ended_.wait(lock, [this] { return connections_.empty(); });
  }
  for (std::thread& thread : ended_) thread.join();
  if (listener_ >= 0) close(listener_);
}

bool HttpServer::stopping() const {
  std::lock_guard lock(mutex_);
  return stopping_;
}

bool HttpServer::WaitForRoom() {
  std::vector<std::thread> ended;
  std::unique_lock lock(mutex_);
  connection_ended_.wait(lock, [this] {
    return stopping_ ||
           connections_.size() < static_cast<size_t>(options_.max_connections);
  });
  ended.swap(ended_);
  const bool go_on = !stopping_;
  lock.unlock();
  for (std::thread& thread : ended) thread.join();
  return go_on;
}

void HttpServer::AcceptLoop() {
  while (WaitForRoom()) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::unique_lock lock(mutex_);
    if (fd < 0) {  // Out of descriptors, perhaps: no busy waiting for one.
      connection_ended_.wait_for(lock, kAcceptPause,
                                 [this] { return stopping_; });
    } else if (stopping_ || !StartThread(fd)) {
      close(fd);
    }
  }
}

bool HttpServer::StartThread(int fd) {
  Prepare(fd, options_.idle);
  counters_.ConnectionOpened();
  try {
    // Serve's end waits for the lock, so the thread is in the map by then.
    connections_.emplace(fd, std::thread([this, fd] { Serve(fd); }));
    return true;
  } catch (const std::system_error&) {
    counters_.ConnectionClosed();
    return false;
  }
}

void HttpServer::Serve(int fd) {
  {
    const std::unique_ptr<Stream> stream =
        tls_ == nullptr ? PlainStream(fd) : TlsStream(fd, *tls_, counters_);
    if (stream != nullptr) ServeRequests(fd, *stream);
  }
  counters_.ConnectionClosed();
  std::lock_guard lock(mutex_);
  close(fd);
  const auto self = connections_.find(fd);
  ended_.push_back(std::move(self->second));
  connections_.erase(self);
  connection_ended_.notify_all();
}

void HttpServer::ServeRequests(int fd, Stream& stream) {
  HttpReader reader(stream);
  for (;;) {
    const HttpReader::Incoming incoming = reader.Next();
    if (incoming.refusal != 0) {
      Reply reply;
      reply.status = incoming.refusal;
      (void)Deliver(fd, reply, true, stream);
    }
    if (!incoming.request) return;
    if (!ServeOne(fd, *incoming.request, stream)) return;
  }
}

bool HttpServer::ServeOne(int fd, const HttpMessage& request, Stream& stream) {
  counters_.RequestStarted();
  const Reply reply = handler_(request);
  // Over before the client can send its next one, unless it hangs.
  const bool hangs = reply.delivery.kind == Kind::kHang;
  if (!hangs) counters_.RequestEnded();
  const bool kept = Deliver(fd, reply, WantsClose(request), stream);
  if (hangs) counters_.RequestEnded();
  return kept;
}

bool HttpServer::Deliver(int fd, const Reply& reply, bool close,
                         Stream& stream) {
  const Delivery& delivery = reply.delivery;
  switch (delivery.kind) {
    case Kind::kWhole:
      // One write, so that no client waits for a delayed acknowledgement.
      return stream.Write(ReplyHead(reply, close) + reply.body) && !close;
    case Kind::kTruncate:
      (void)stream.Write(ReplyHead(reply, close) +
                         reply.body.substr(0, delivery.bytes));
      return false;
    case Kind::kHang:
      Hang(fd, delivery.hang);
      return false;
    case Kind::kReset:
      ResetOnClose(fd);
      return false;
    case Kind::kCut:
      return false;
  }
  return false;
}

void HttpServer::Hang(int fd, Millis limit) {
  Millis waited{0};
  while (!stopping() && (limit.count() == 0 || waited < limit)) {
    pollfd client{fd, POLLRDHUP, 0};
    const int ready = poll(&client, 1, static_cast<int>(kHangSlice.count()));
    if (ready != 0) return;
    waited += kHangSlice;
  }
}

}  // namespace kms_emulator
