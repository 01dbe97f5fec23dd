// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_SERVER_H_
#define OPENKEYRING_EMULATORS_KMIP_SERVER_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/secret.h"
#include "emulators/kmip/faults.h"
#include "emulators/kmip/service.h"
#include "testing/tls_server.h"

namespace kmip_server {

using openkeyring::Secret;

// A KMIP server for tests: TLS, a store that several may share, behaviours and
// faults. README.md says what it does and what not.
//
// Threads: all methods may be called concurrently.
class KmipServer {
 public:
  KmipServer(openkeyring::TlsServerOptions options, Store& store);
  ~KmipServer();  // Cuts all connections.

  int port() const { return port_; }
  Store& store() { return store_; }

  void Push(Fault fault) { faults_.Push(std::move(fault)); }
  void ClearFaults() { faults_.Clear(); }
  void Set(const Behaviour& behaviour);
  Behaviour behaviour() const;

  // "Get": how many were asked for, by items.
  std::map<std::string, int> operations() const;
  int requests() const;  // Messages.
  int connections() const;
  int handshakes() const;
  void CutAll();
  // Nobody is listening any more; connections end. Start on the same port.
  void Stop();
  void Start();

 private:
  void Serve(openkeyring::TlsSession& session);
  // False when the connection is to be closed.
  bool ServeOne(openkeyring::TlsSession& session, const Secret& message);
  bool Send(openkeyring::TlsSession& session, const Fault& fault,
            const Secret& answer);
  Secret Answer(const Request& request, const Behaviour& behaviour,
                const Fault& fault, const std::string& client);
  Secret AnswerItems(const Request& request, const Behaviour& behaviour,
                     const Fault& fault, const std::string& client);
  Secret OtherObject(const Request& request, const std::string& client);
  void Count(const Request& request);

  openkeyring::TlsServerOptions options_;
  Store& store_;
  Service service_;
  FaultQueue faults_;
  mutable std::mutex mutex_;  // Guards all below.
  Behaviour behaviour_;
  std::map<std::string, int> operations_;
  int requests_ = 0;
  int past_connections_ = 0;  // Before the last Stop.
  int past_handshakes_ = 0;
  int port_ = 0;
  std::unique_ptr<openkeyring::TlsServer> server_;
};

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_SERVER_H_
