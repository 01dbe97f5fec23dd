// SPDX-License-Identifier: MIT
#include "emulators/shared/socket_stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

namespace emulators {
namespace {

using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;

class Plain : public Stream {
 public:
  explicit Plain(int fd) : fd_(fd) {}

  ssize_t Read(char* out, size_t size) override {
    ssize_t n;
    do {
      n = recv(fd_, out, size, 0);
    } while (n < 0 && errno == EINTR);
    return n;
  }

  bool Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

 private:
  const int fd_;
};

class Tls : public Stream {
 public:
  explicit Tls(Ssl ssl) : ssl_(std::move(ssl)) {}
  ~Tls() override {
    if (healthy_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  ssize_t Read(char* out, size_t size) override {
    const int n = SSL_read(ssl_.get(), out, static_cast<int>(size));
    healthy_ = healthy_ && n > 0;
    return n;
  }

  bool Write(std::string_view bytes) override {
    size_t written = 0;
    healthy_ =
        SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1;
    return healthy_;
  }

 private:
  Ssl ssl_;
  bool healthy_ = true;
};

Status TlsError(const std::string& what) {
  char text[256] = "unknown";
  const unsigned long error = ERR_get_error();
  if (error != 0) ERR_error_string_n(error, text, sizeof text);
  ERR_clear_error();
  return {StatusCode::kMisconfigured, what + ": " + text};
}

}  // namespace

Result<TlsContext> MakeTlsContext(const std::string& certificate,
                                  const std::string& key) {
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return TlsError("TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  constexpr unsigned char kSessions[] = "emulator";
  SSL_CTX_set_session_id_context(context.get(), kSessions, sizeof kSessions);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) !=
      1) {
    return TlsError("certificate " + certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(),
                                  SSL_FILETYPE_PEM) != 1) {
    return TlsError("private key " + key);
  }
  return context;
}

std::unique_ptr<Stream> PlainStream(int fd) {
  return std::make_unique<Plain>(fd);
}

std::unique_ptr<Stream> TlsStream(int fd, SSL_CTX& context,
                                  Counters& counters) {
  Ssl ssl(SSL_new(&context), SSL_free);
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1 ||
      SSL_accept(ssl.get()) != 1) {
    ERR_clear_error();
    counters.HandshakeFailed();
    return nullptr;
  }
  counters.HandshakeDone(SSL_session_reused(ssl.get()) == 1);
  return std::make_unique<Tls>(std::move(ssl));
}

}  // namespace emulators
