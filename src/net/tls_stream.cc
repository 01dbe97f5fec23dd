// SPDX-License-Identifier: MIT
#include "net/tls_stream.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>

#include <optional>

#include "net/endpoint.h"
#include "net/tls_error.h"

namespace openkeyring {
namespace {

using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;

int FdOf(BIO* bio) {
  return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
}

bool ComesLater(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int WriteSocket(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n =
      send(FdOf(bio), data, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && ComesLater(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int ReadSocket(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = recv(FdOf(bio), data, static_cast<size_t>(size), 0);
  if (n < 0 && ComesLater(errno)) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(n);
}

long ControlSocket(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

BIO_METHOD* MakeMethod() {
  BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "openkeyring socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write(method, WriteSocket);
  BIO_meth_set_read(method, ReadSocket);
  BIO_meth_set_ctrl(method, ControlSocket);
  return method;
}

// Joins `ssl` to a non-blocking socket, which stays the caller's. OpenSSL's own
// way would raise SIGPIPE in the host server when the other side is gone.
Status UseSocket(SSL* ssl, int fd) {
  const Status no_memory(StatusCode::kInternal, "OpenSSL: out of memory");
  // Lives until the library is unloaded; every connection is gone by then.
  static const std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> method(
      MakeMethod(), BIO_meth_free);
  if (ssl == nullptr || method == nullptr) return no_memory;
  BIO* bio = BIO_new(method.get());
  if (bio == nullptr) return no_memory;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);  // Takes it.
  return Status::Ok();
}

class TlsStream : public ByteStream {
 public:
  TlsStream(std::shared_ptr<SSL_CTX> context, Socket socket,
            const TlsOptions& options, std::string peer)
      : context_(std::move(context)),
        socket_(std::move(socket)),
        ssl_(SSL_new(context_.get()), SSL_free),
        options_(options),
        peer_(std::move(peer)) {}

  ~TlsStream() override {
    if (usable_) SSL_shutdown(ssl_.get());  // One try; does not wait.
    ERR_clear_error();
  }

  Status Handshake(const std::string& host, const Deadline& deadline) {
    Status status = UseSocket(ssl_.get(), socket_.fd());
    if (!status.ok()) return status;
    if (!IsNumericAddress(host)) {
      SSL_set_tlsext_host_name(ssl_.get(), NameInTls(host).c_str());
    }
    status =
        Repeat([&] { return SSL_connect(ssl_.get()); }, "handshake", deadline);
    if (status.ok() && options_.verify_host_name) {
      const std::unique_ptr<X509, decltype(&X509_free)> certificate(
          SSL_get1_peer_certificate(ssl_.get()), X509_free);
      status = CheckTlsHost(certificate.get(), options_, host);
    }
    usable_ = status.ok();
    return status;
  }

  Status Write(ByteView bytes, const Deadline& deadline) override {
    while (!bytes.empty()) {
      size_t written = 0;
      Status status = Repeat(
          [&] {
            return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(),
                                &written);
          },
          "request", deadline);
      if (!status.ok()) return Broken(ReasonForCut(std::move(status)));
      bytes = bytes.subspan(written);
    }
    return Status::Ok();
  }

  Result<size_t> Read(std::span<uint8_t> into,
                      const Deadline& deadline) override {
    size_t size = 0;
    Status status = Repeat(
        [&] {
          return SSL_read_ex(ssl_.get(), into.data(), into.size(), &size);
        },
        "answer", deadline);
    if (status.ok()) return size;
    const bool closed =
        (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    if (closed && status.code() == StatusCode::kUnavailable) {
      usable_ = false;
      return size_t{0};
    }
    return Broken(std::move(status));
  }

  StreamState State() override {
    if (!usable_) return StreamState::kClosed;
    char byte = 0;
    size_t size = 0;
    ERR_clear_error();
    // Takes in what is not for us, such as session tickets.
    const int done = SSL_peek_ex(ssl_.get(), &byte, 1, &size);
    const int error = SSL_get_error(ssl_.get(), done);
    ERR_clear_error();
    if (done == 1) return StreamState::kUnread;
    return error == SSL_ERROR_WANT_READ ? StreamState::kQuiet
                                        : StreamState::kClosed;
  }

  std::string Description() const override {
    return std::string(SSL_get_version(ssl_.get())) + ", " +
           SSL_get_cipher_name(ssl_.get());
  }

 private:
  // Calls until it is done, waiting as OpenSSL wishes.
  template <typename Call>
  Status Repeat(Call call, const char* what, const Deadline& deadline) {
    for (;;) {
      ERR_clear_error();
      const int done = call();
      if (done == 1) return Status::Ok();
      short events = 0;
      switch (SSL_get_error(ssl_.get(), done)) {
        case SSL_ERROR_WANT_READ:
          events = POLLIN;
          break;
        case SSL_ERROR_WANT_WRITE:
          events = POLLOUT;
          break;
        default:
          return TlsFailure(ssl_.get(), options_, peer_);
      }
      const Status ready = socket_.WaitFor(events, deadline);
      if (!ready.ok()) {
        return ready.WithContext(peer_ + ", " + what);
      }
    }
  }

  // A server that refuses our certificate in TLS 1.3 says so and closes, while
  // we may be sending already: what it said waits to be read.
  Status ReasonForCut(Status status) {
    if (status.code() != StatusCode::kUnavailable) return status;
    char byte = 0;
    size_t size = 0;
    ERR_clear_error();
    if (SSL_read_ex(ssl_.get(), &byte, 1, &size) == 1) return status;
    Status told = TlsFailure(ssl_.get(), options_, peer_);
    return told.code() == StatusCode::kMisconfigured ? told : status;
  }

  Status Broken(Status status) {
    usable_ = false;
    return status;
  }

  const std::shared_ptr<SSL_CTX> context_;
  const Socket socket_;
  const Ssl ssl_;
  const TlsOptions& options_;
  const std::string peer_;
  bool usable_ = false;
};

}  // namespace

TlsConnector::TlsConnector(TlsOptions options, FileSystem& files)
    : options_(std::move(options)), contexts_(options_, files) {}

Result<std::unique_ptr<TlsConnector>> TlsConnector::Make(TlsOptions options,
                                                         FileSystem& files) {
  std::unique_ptr<TlsConnector> made(
      new TlsConnector(std::move(options), files));
  const Result<std::shared_ptr<SSL_CTX>> context = made->contexts_.Get();
  if (!context) return context.error();
  return made;
}

TlsConnector::Known TlsConnector::KnownOf(const Host& host) {
  const std::lock_guard lock(mutex_);
  return known_[host];
}

void TlsConnector::Remember(const Host& host, Known known) {
  const std::lock_guard lock(mutex_);
  known_[host] = std::move(known);
}

Result<std::unique_ptr<ByteStream>> TlsConnector::Connect(
    const std::string& host, int port, const Deadline& deadline) {
  const Host key(host, port);
  const Deadline bound =
      deadline.Within(SystemClock(), options_.connect_timeout);
  Known known = KnownOf(key);
  std::optional<Status> tried;
  if (known.worked) {
    Result<std::unique_ptr<ByteStream>> stream =
        ConnectTo(key, known.addresses, bound);
    if (stream) return stream;
    tried = stream.error();
    Remember(key, {known.addresses, false});
    if (bound.Passed(SystemClock())) return *tried;
  }
  // With known addresses, time must be left to try them.
  const Deadline lookup =
      known.addresses.empty()
          ? bound
          : bound.Within(SystemClock(), bound.Remaining(SystemClock()) / 2);
  const Result<Addresses> fresh = ResolveHost(host, port, lookup);
  if (!fresh && tried) return *tried;
  if (!fresh && known.addresses.empty()) return fresh.error();
  if (fresh && tried && *fresh == known.addresses) return *tried;
  if (fresh) known.addresses = *fresh;
  Result<std::unique_ptr<ByteStream>> stream =
      ConnectTo(key, known.addresses, bound);
  Remember(key, {known.addresses, stream.has_value()});
  return stream;
}

Result<std::unique_ptr<ByteStream>> TlsConnector::ConnectTo(
    const Host& host, const Addresses& addresses, const Deadline& deadline) {
  const std::string peer = Endpoint{host.first, host.second}.Text();
  const Result<std::shared_ptr<SSL_CTX>> context = contexts_.Get();
  if (!context) return context.error();
  Result<Socket> socket = openkeyring::ConnectTo(addresses, deadline);
  if (!socket) return socket.error().WithContext(peer);
  auto stream =
      std::make_unique<TlsStream>(*context, std::move(*socket), options_, peer);
  Status status = stream->Handshake(host.first, deadline);
  if (!status.ok()) return status;
  return std::unique_ptr<ByteStream>(std::move(stream));
}

}  // namespace openkeyring
