// SPDX-License-Identifier: MIT
#include "testing/http_test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

// One connection, with or without TLS.
class Connection {
 public:
  Connection(int fd, SSL_CTX* tls) : fd_(fd) {
    if (tls == nullptr) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, fd);
    ok_ = SSL_accept(ssl_) == 1;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { SSL_free(ssl_); }

  // "" at the end of the connection.
  std::string ReadRequest() {
    for (;;) {
      const size_t head = buffer_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const size_t size = head + 4 + BodySize(head);
        if (buffer_.size() >= size) {
          std::string request = buffer_.substr(0, size);
          buffer_.erase(0, size);
          return request;
        }
      }
      if (!ReadMore()) return "";
    }
  }

  bool Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n =
          ssl_ != nullptr
              ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
              : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

 private:
  size_t BodySize(size_t head) const {
    const size_t at = buffer_.find("Content-Length: ");
    if (at == std::string::npos || at > head) return 0;
    return strtoul(buffer_.c_str() + at + 16, nullptr, 10);
  }

  bool ReadMore() {
    char bytes[4096];
    const ssize_t n = !ok_              ? 0
                      : ssl_ != nullptr ? SSL_read(ssl_, bytes, sizeof bytes)
                                        : recv(fd_, bytes, sizeof bytes, 0);
    if (n > 0) buffer_.append(bytes, static_cast<size_t>(n));
    return n > 0;
  }

  const int fd_;
  SSL* ssl_ = nullptr;
  bool ok_ = true;
  std::string buffer_;
};

}  // namespace

HttpTestServer::HttpTestServer(Handler handler,
                               std::optional<TestCertificate> tls)
    : handler_(std::move(handler)) {
  if (tls) {
    tls_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_file(tls_, tls->certificate.c_str(),
                                 SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(tls_, tls->key.c_str(), SSL_FILETYPE_PEM);
  }
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, generic, size) == 0 && listen(listener_, 64) == 0 &&
      getsockname(listener_, generic, &size) == 0) {
    port_ = ntohs(address.sin_port);
  }
  acceptor_ = std::jthread([this] { Accept(); });
}

HttpTestServer::~HttpTestServer() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  threads_.clear();
  close(listener_);
  SSL_CTX_free(tls_);
}

std::string HttpTestServer::Url(const std::string& path,
                                const std::string& host) const {
  return (tls_ != nullptr ? "https://" : "http://") + host + ":" +
         std::to_string(port_) + path;
}

std::vector<std::string> HttpTestServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpTestServer::Accept() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++connections_;
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void HttpTestServer::Serve(int fd) {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);  // Clients may just go.
  std::optional<Connection> connection;
  connection.emplace(fd, tls_);
  for (;;) {
    const std::string request = connection->ReadRequest();
    if (request.empty()) break;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const std::string answer = handler_(request);
    if (answer.empty() || !connection->Write(answer)) break;
    if (answer.find("Connection: close") != std::string::npos) break;
  }
  connection.reset();
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  close(fd);
}

std::string HttpAnswer(int status, const std::string& body,
                       const std::vector<std::string>& headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Reason\r\n";
  for (const std::string& header : headers) text += header + "\r\n";
  return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

}  // namespace openkeyring
