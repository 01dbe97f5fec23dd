// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_TLS_SERVER_H_
#define OPENKEYRING_TESTING_TLS_SERVER_H_

#include <openssl/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "testing/listener.h"
#include "testing/test_certificates.h"

namespace openkeyring {

struct TlsServerOptions {
  std::string address = "127.0.0.1";  // Numeric, IPv4.
  int port = 0;                       // 0: any free one.
  TestCertificate certificate;
  std::string client_ca;  // Whose clients may come; "": nobody is asked.
  int min_version = 0;    // As OpenSSL has it: TLS1_2_VERSION ...
  int max_version = 0;    // 0: the highest.
  std::string ciphers;    // Of TLS 1.2; "": OpenSSL's own choice.
};

// One connection, in its handler's thread. Blocking.
class TlsSession {
 public:
  TlsSession(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}

  // Exactly `size` bytes; fewer when the connection ended.
  std::string Read(size_t size);
  bool Write(std::string_view bytes);
  // Asks for another handshake (TLS 1.2), and goes on.
  void AskForRenegotiation();
  // What the client finished its last handshake with: differs with each.
  std::string Finished() const;
  // TLS's close_notify, while the TCP connection stays open.
  void SayGoodbye();
  // TCP's FIN for our direction, without TLS saying so.
  void HalfClose();
  void Reset();  // RST.
  // Until the client closes, or the server ends; but `ms` at most.
  void WaitForEnd(int ms);
  // The host that the client named in its handshake (SNI); "" without one.
  std::string ServerName() const;
  // The common name in the client's certificate; "" without one.
  std::string ClientName() const;

 private:
  const int fd_;
  SSL* const ssl_;
};

// A TLS server in this process, a thread a connection.
class TlsServer {
 public:
  // Serves a whole connection; called in its thread. It is closed afterwards.
  using Handler = std::function<void(TlsSession&)>;

  TlsServer(TlsServerOptions options, Handler handler);
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer();  // Cuts all connections, and waits for their threads.

  // 0: could not listen.
  int port() const { return listener_ ? listener_->port() : 0; }
  int accepted() const { return listener_ ? listener_->accepted() : 0; }
  int handshakes() const { return handshakes_; }  // Done.
  int open() const { return listener_ ? listener_->open() : 0; }
  void CutAll();

 private:
  void Serve(int fd);

  const Handler handler_;
  SSL_CTX* const context_;
  std::atomic<int> handshakes_{0};
  std::unique_ptr<Listener> listener_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_TLS_SERVER_H_
