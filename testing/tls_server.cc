// SPDX-License-Identifier: MIT
#include "testing/tls_server.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <utility>

namespace openkeyring {
namespace {

SSL_CTX* MakeContext(const TlsServerOptions& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, options.min_version);
  SSL_CTX_set_max_proto_version(context, options.max_version);
  if (!options.ciphers.empty()) {
    SSL_CTX_set_cipher_list(context, options.ciphers.c_str());
  }
  SSL_CTX_use_certificate_chain_file(context,
                                     options.certificate.certificate.c_str());
  SSL_CTX_use_PrivateKey_file(context, options.certificate.key.c_str(),
                              SSL_FILETYPE_PEM);
  // Else a second handshake over one connection fails.
  SSL_CTX_set_session_id_context(
      context, reinterpret_cast<const unsigned char*>("test"), 4);
  if (!options.client_ca.empty()) {
    SSL_CTX_load_verify_locations(context, options.client_ca.c_str(), nullptr);
    SSL_CTX_set_verify(
        context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

void BlockSigpipe() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);  // Clients may just go.
}

}  // namespace

std::string TlsSession::Read(size_t size) {
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < size) {
    size_t n = 0;
    if (SSL_read_ex(ssl_, bytes.data() + done, size - done, &n) != 1) break;
    done += n;
  }
  bytes.resize(done);
  return bytes;
}

bool TlsSession::Write(std::string_view bytes) {
  size_t n = 0;
  return bytes.empty() ||
         SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n) == 1;
}

void TlsSession::AskForRenegotiation() {
  SSL_renegotiate(ssl_);
  SSL_do_handshake(ssl_);
}

std::string TlsSession::Finished() const {
  char message[64];
  const size_t size = SSL_get_peer_finished(ssl_, message, sizeof message);
  return {message, size};
}

void TlsSession::SayGoodbye() { SSL_shutdown(ssl_); }

void TlsSession::HalfClose() { shutdown(fd_, SHUT_WR); }

void TlsSession::Reset() {
  // Closing with this set sends RST; the server closes soon after.
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void TlsSession::WaitForEnd(int ms) {
  pollfd waited{fd_, POLLRDHUP, 0};
  poll(&waited, 1, ms);
}

std::string TlsSession::ServerName() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

std::string TlsSession::ClientName() const {
  X509* certificate = SSL_get1_peer_certificate(ssl_);
  if (certificate == nullptr) return "";
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                            name, sizeof name);
  X509_free(certificate);
  return name;
}

TlsServer::TlsServer(TlsServerOptions options, Handler handler)
    : handler_(std::move(handler)), context_(MakeContext(options)) {
  auto listener = Listener::Start({std::move(options.address), options.port},
                                  [this](int fd) { Serve(fd); });
  if (listener) listener_ = std::move(*listener);
}

TlsServer::~TlsServer() {
  listener_.reset();
  SSL_CTX_free(context_);
}

void TlsServer::CutAll() {
  if (listener_) listener_->ShutDownConnections();
}

void TlsServer::Serve(int fd) {
  BlockSigpipe();
  SSL* ssl = SSL_new(context_);
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1) {
    ++handshakes_;
    TlsSession session(fd, ssl);
    handler_(session);
  }
  SSL_free(ssl);
  ERR_clear_error();
}

}  // namespace openkeyring
