// SPDX-License-Identifier: MIT
// kmip-emulator: the program around the library. See README.md.
#include <openssl/ssl.h>

#include "emulators/kmip/control.h"
#include "emulators/kmip/options.h"
#include "emulators/shared/program.h"

namespace kmip_server {
namespace {

using openkeyring::Status;
using openkeyring::StatusCode;
using openkeyring::TlsServerOptions;

// What a client needs, as the ready file says it.
struct Identity {
  TlsServerOptions server;
  Json client = Json::object();
};

Identity MakeIdentity(const Options& options) {
  Identity made;
  made.server.certificate = {options.tls_cert, options.tls_key};
  made.server.client_ca = options.client_ca;
  if (!options.certificates.empty()) {
    openkeyring::TestAuthority authority(options.certificates, "kmip-ca");
    made.server.certificate = authority.Issue("DNS:localhost,IP:127.0.0.1");
    made.server.client_ca = authority.bundle();
    const auto client = authority.IssueClient("client");
    made.client = {{"server_ca", authority.bundle()},
                   {"client_ca", client.certificate},
                   {"client_key", client.key}};
  }
  if (!options.tls_version.empty()) {
    made.server.min_version = made.server.max_version =
        options.tls_version == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
  }
  return made;
}

Result<Control::Servers> StartServers(const Options& options,
                                      const TlsServerOptions& tls,
                                      Store& store) {
  Behaviour behaviour;
  behaviour.latency_ms = options.latency_ms;
  if (!options.behaviour.empty()) {
    const Status status = ChangeBehaviour(
        Json::parse(options.behaviour, nullptr, false), behaviour);
    if (!status.ok()) return status;
  }
  Control::Servers servers;
  for (int i = 0; i < options.servers; ++i) {
    TlsServerOptions own = tls;
    if (!options.ports.empty())
      own.port = options.ports[static_cast<size_t>(i)];
    servers.push_back(std::make_unique<KmipServer>(own, store));
    servers.back()->Set(behaviour);
    if (servers.back()->port() == 0) {
      return Status(StatusCode::kUnavailable, "a port is taken");
    }
  }
  return servers;
}

std::string Banner(const Control::Servers& servers, int control_port) {
  std::string text =
      "kmip-emulator: FOR DEVELOPMENT AND TESTS ONLY. It keeps keys in memory, "
      "and only there.\n  control   http://127.0.0.1:" +
      std::to_string(control_port) + "\n";
  for (const auto& server : servers) {
    text += "  KMIP      127.0.0.1:" + std::to_string(server->port()) + "\n";
  }
  return text;
}

Json ReadyJson(const Control::Servers& servers, int control_port,
               const Json& client) {
  Json ready = client;
  ready["control_url"] = "http://127.0.0.1:" + std::to_string(control_port);
  ready["control_port"] = control_port;
  ready["ports"] = Json::array();
  for (const auto& server : servers) ready["ports"].push_back(server->port());
  return ready;
}

Status Run(const Options& options, emulators::Program& program) {
  const Identity identity = MakeIdentity(options);
  Store store;
  auto servers = StartServers(options, identity.server, store);
  if (!servers) return servers.error();
  Control control(*servers);
  const auto control_server =
      program.ServeControl([&](const emulators::HttpMessage& request) {
        return control.Handle(request);
      });
  if (!control_server) return control_server.error();
  const int port = (*control_server)->port();
  Status status = program.Announce(Banner(*servers, port),
                                   ReadyJson(*servers, port, identity.client));
  if (status.ok()) program.WaitForEnd();
  return status;
}

}  // namespace
}  // namespace kmip_server

int main(int argc, char** argv) {
  kmip_server::Options options;
  const auto exit_status = kmip_server::ParseOptions(argc, argv, options);
  if (exit_status) return *exit_status;
  return emulators::Program::Run("kmip-emulator", options, [&](auto& program) {
    return kmip_server::Run(options, program);
  });
}
