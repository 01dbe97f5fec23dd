// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_LAB_H_
#define OPENKEYRING_EMULATORS_KMIP_LAB_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "emulators/kmip/server.h"
#include "kmip/client.h"
#include "net/tls_stream.h"
#include "testing/fakes.h"
#include "testing/temporary_directory.h"
#include "testing/test_certificates.h"

namespace kmip_server {

// Requests with that operation ("*": any) that go wrong in that way.
inline Fault MakeFault(std::string kind, std::string operation = "*",
                       int count = 1) {
  Fault fault;
  fault.kind = std::move(kind);
  fault.operation = std::move(operation);
  fault.count = count;
  return fault;
}

// Fake servers in this process, certificates, and clients of them, for a test.
class Lab {
 public:
  // Servers that share a store, on free ports.
  explicit Lab(int count = 1) {
    for (int i = 0; i < count; ++i) AddServer(ServerOptions());
  }

  openkeyring::TlsServerOptions ServerOptions() {
    openkeyring::TlsServerOptions options;
    options.certificate = authority.Issue("IP:127.0.0.1,DNS:localhost");
    options.client_ca = authority.bundle();
    return options;
  }
  KmipServer& AddServer(openkeyring::TlsServerOptions options) {
    return AddServer(std::move(options), store);
  }
  // One with objects of its own, which must live longer than the lab.
  KmipServer& AddServer(openkeyring::TlsServerOptions options, Store& own) {
    servers.push_back(std::make_unique<KmipServer>(std::move(options), own));
    return *servers.back();
  }
  KmipServer& server(size_t i = 0) { return *servers[i]; }

  openkeyring::KmipClientOptions ClientOptions() {
    openkeyring::KmipClientOptions options;
    for (const auto& one : servers) {
      options.servers.push_back({"127.0.0.1", one->port()});
    }
    return options;
  }
  // A client of them; the common name decides whose objects it sees.
  openkeyring::KmipClient& Client(openkeyring::KmipClientOptions options,
                                  const std::string& name = "client") {
    const auto own = authority.IssueClient(name);
    openkeyring::TlsOptions tls;
    tls.ca_file = authority.bundle();
    tls.certificate_file = own.certificate;
    tls.key_file = own.key;
    tls.connect_timeout = openkeyring::Millis(10000);
    connectors_.push_back(std::move(*openkeyring::TlsConnector::Make(
        std::move(tls), openkeyring::PosixFileSystem())));
    clients_.push_back(std::make_unique<openkeyring::KmipClient>(
        std::move(options), *connectors_.back(), openkeyring::SystemClock(),
        log));
    return *clients_.back();
  }
  openkeyring::KmipClient& Client() { return Client(ClientOptions()); }

  static openkeyring::Deadline In(int ms) {
    return openkeyring::Deadline::After(openkeyring::SystemClock(),
                                        openkeyring::Millis(ms));
  }
  // Long enough for any machine.
  static openkeyring::Deadline Soon() { return In(30000); }

  openkeyring::TemporaryDirectory directory;
  openkeyring::TestAuthority authority{directory.path()};
  openkeyring::MemoryLog log;
  Store store;
  std::vector<std::unique_ptr<KmipServer>> servers;

 private:
  std::vector<std::unique_ptr<openkeyring::TlsConnector>> connectors_;
  std::vector<std::unique_ptr<openkeyring::KmipClient>> clients_;
};

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_LAB_H_
