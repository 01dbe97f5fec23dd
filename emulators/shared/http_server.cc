// SPDX-License-Identifier: MIT
#include "emulators/shared/http_server.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/encoding.h"

namespace emulators {
namespace {

using Kind = Delivery::Kind;
using openkeyring::Millis;

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

void LimitIdleTime(int fd, Millis idle) {
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
  auto listener = openkeyring::Listener::Start(
      {options.address, options.port, options.max_connections},
      [raw = server.get()](int fd) { raw->Serve(fd); });
  if (!listener) return listener.error();
  server->listener_ = std::move(*listener);
  return server;
}

void HttpServer::Serve(int fd) {
  LimitIdleTime(fd, options_.idle);
  counters_.ConnectionOpened();
  {
    const std::unique_ptr<Stream> stream =
        tls_ == nullptr ? PlainStream(fd) : TlsStream(fd, *tls_, counters_);
    if (stream != nullptr) ServeRequests(fd, *stream);
  }
  counters_.ConnectionClosed();
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
    case Kind::kTwice: {
      const std::string answer = ReplyHead(reply, close) + reply.body;
      return stream.Write(answer + answer) && !close;
    }
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
  pollfd client{fd, POLLRDHUP, 0};
  poll(&client, 1, limit.count() == 0 ? -1 : static_cast<int>(limit.count()));
}

}  // namespace emulators
