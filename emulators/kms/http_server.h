// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_HTTP_SERVER_H_
#define OPENKEYRING_EMULATORS_KMS_HTTP_SERVER_H_

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "emulators/kms/counters.h"
#include "emulators/kms/http_message.h"
#include "emulators/kms/http_reader.h"
#include "emulators/kms/socket_stream.h"

namespace kms_emulator {

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
  // Called by many threads at once; must not throw.
  using Handler = std::function<Reply(const HttpMessage&)>;

  // Listens and serves; or kMisconfigured, or kUnavailable (the port is taken).
  // `counters` must outlive the server.
  static Result<std::unique_ptr<HttpServer>> Start(const Options& options,
                                                   Handler handler,
                                                   Counters& counters);
  // Breaks off all connections and waits for their threads.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }

 private:
  HttpServer(Options options, Handler handler, Counters& counters)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        counters_(counters) {}
  Status Listen();
  void AcceptLoop();
  bool WaitForRoom();
  bool StartThread(int fd);  // Locked. False when no thread can be had.
  void Serve(int fd);
  void ServeRequests(int fd, Stream& stream);
  // False when the connection must end.
  bool ServeOne(int fd, const HttpMessage& request, Stream& stream);
  bool Deliver(int fd, const Reply& reply, bool close, Stream& stream);
  void Hang(int fd, openkeyring::Millis limit);
  bool stopping() const;

  const Options options_;
  const Handler handler_;
  Counters& counters_;
  TlsContext tls_{nullptr, SSL_CTX_free};
  int listener_ = -1;
  int port_ = 0;
  std::thread accepting_;
  mutable std::mutex mutex_;  // Guards all below.
  std::condition_variable connection_ended_;
  std::map<int, std::thread> connections_;  // By descriptor.
  std::vector<std::thread> ended_;          // To be joined.
  bool stopping_ = false;
};

// "HTTP/1.1 200 OK..." with Content-Length, without the body.
std::string ReplyHead(const Reply& reply, bool close);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_HTTP_SERVER_H_
