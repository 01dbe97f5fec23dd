// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_HTTP_TEST_SERVER_H_
#define OPENKEYRING_TESTING_HTTP_TEST_SERVER_H_

#include <openssl/types.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "testing/test_certificates.h"

namespace openkeyring {

// A server on a free port of 127.0.0.1 that answers with exactly the bytes it
// is told to: for tests of HTTP clients, misbehaviour included.
class HttpTestServer {
 public:
  // Gets a whole request, head and body as received; gives a whole answer. An
  // empty one closes the connection, and so does one that says so
  // ("Connection: close"). Called in a thread for each connection, at once.
  using Handler = std::function<std::string(const std::string& request)>;

  explicit HttpTestServer(Handler handler,
                          std::optional<TestCertificate> tls = std::nullopt);
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;
  ~HttpTestServer();  // Cuts all connections.

  int port() const { return port_; }
  // "http://127.0.0.1:<port><path>", https with a certificate.
  std::string Url(const std::string& path = "/",
                  const std::string& host = "127.0.0.1") const;
  int connections() const { return connections_; }  // Accepted so far.
  std::vector<std::string> requests() const;

 private:
  void Accept();
  void Serve(int fd);

  const Handler handler_;
  SSL_CTX* tls_ = nullptr;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<int> open_;
  std::vector<std::jthread> threads_;
  std::jthread acceptor_;
};

// "HTTP/1.1 <status> ..." with Content-Length. `headers` are whole lines.
std::string HttpAnswer(int status, const std::string& body,
                       const std::vector<std::string>& headers = {});

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_HTTP_TEST_SERVER_H_
