// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_SHARED_HTTP_SERVER_H_
#define OPENKEYRING_EMULATORS_SHARED_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "emulators/shared/counters.h"
#include "emulators/shared/http_message.h"
#include "emulators/shared/http_reader.h"
#include "emulators/shared/socket_stream.h"
#include "testing/listener.h"

namespace emulators {

// An HTTP/1.1 server with keep-alive, one thread a connection, plain or TLS.
// Connections beyond the bound wait in the listen queue, unaccepted.
class HttpServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";  // Numeric, IPv4 or IPv6.
    int port = 0;                       // 0: any free one.
    std::string tls_certificate;        // PEM; empty: plain http.
    std::string tls_key;
    int max_connections = 256;
    openkeyring::Millis idle{600000};  // Of a kept connection.
  };
  // Called by many threads concurrently; must not throw.
  using Handler = std::function<Reply(const HttpMessage&)>;

  // Listens and serves; or kMisconfigured, or kUnavailable (the port is taken).
  // `counters` must outlive the server.
  static Result<std::unique_ptr<HttpServer>> Start(const Options& options,
                                                   Handler handler,
                                                   Counters& counters);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return listener_->port(); }

 private:
  HttpServer(Options options, Handler handler, Counters& counters)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        counters_(counters) {}
  void Serve(int fd);
  void ServeRequests(int fd, Stream& stream);
  // False when the connection must end.
  bool ServeOne(int fd, const HttpMessage& request, Stream& stream);
  bool Deliver(int fd, const Reply& reply, bool close, Stream& stream);
  void Hang(int fd, openkeyring::Millis limit);

  const Options options_;
  const Handler handler_;
  Counters& counters_;
  TlsContext tls_{nullptr, SSL_CTX_free};
  // Last: its end shuts all connections down and waits for their threads.
  std::unique_ptr<openkeyring::Listener> listener_;
};

// "HTTP/1.1 200 OK..." with Content-Length, without the body.
std::string ReplyHead(const Reply& reply, bool close);

}  // namespace emulators

#endif  // OPENKEYRING_EMULATORS_SHARED_HTTP_SERVER_H_
