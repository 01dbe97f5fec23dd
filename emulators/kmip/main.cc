// SPDX-License-Identifier: MIT
// kmip-emulator: the program around the library. See README.md.
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <iostream>

#include "emulators/kmip/control.h"
#include "emulators/kmip/options.h"
#include "emulators/kms/http_server.h"
#include "os/durable.h"
#include "os/file_system.h"

namespace kmip_server {
namespace {

using openkeyring::Status;
using openkeyring::StatusCode;
using openkeyring::TlsServerOptions;

constexpr mode_t kOwnerOnly = 0600;

int Complain(const Status& status) {
  std::cerr << "kmip-emulator: " << status.ToString() << "\n";
  return 1;
}

// As a descriptor; all threads started later inherit the mask.
int CatchSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  return signalfd(-1, &wanted, SFD_CLOEXEC);
}

void WaitForEnd(int signals, int parent_pid) {
  const int parent =
      parent_pid > 0 ? static_cast<int>(syscall(SYS_pidfd_open, parent_pid, 0))
                     : -1;
  pollfd events[] = {{signals, POLLIN, 0}, {parent, POLLIN, 0}};
  while (poll(events, parent < 0 ? 1 : 2, -1) < 0 && errno == EINTR) {
  }
}

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

Status Announce(const Options& options, const Control::Servers& servers,
                int control_port, Json ready) {
  std::cout << "kmip-emulator: FOR DEVELOPMENT AND TESTS ONLY. It keeps keys "
               "in memory, and only there.\n  control   http://127.0.0.1:"
            << control_port << "\n";
  ready["control_url"] = "http://127.0.0.1:" + std::to_string(control_port);
  ready["control_port"] = control_port;
  ready["ports"] = Json::array();
  for (const auto& server : servers) {
    std::cout << "  KMIP      127.0.0.1:" << server->port() << "\n";
    ready["ports"].push_back(server->port());
  }
  std::cout << std::flush;
  if (options.ready_file.empty()) return Status::Ok();
  // The old one was removed at the start.
  const std::string text = ready.dump(2) + "\n";
  return openkeyring::CreateDurably(
      openkeyring::PosixFileSystem(), openkeyring::SystemRandom(),
      openkeyring::DirectoryName(options.ready_file),
      openkeyring::BaseName(options.ready_file), openkeyring::AsBytes(text),
      kOwnerOnly);
}

int Run(const Options& options) {
  const int signals = CatchSignals();
  // One of an earlier run would tell of ports that are gone.
  if (!options.ready_file.empty()) {
    (void)openkeyring::PosixFileSystem().Remove(options.ready_file);
  }
  const Identity identity = MakeIdentity(options);
  Store store;
  auto servers = StartServers(options, identity.server, store);
  if (!servers) return Complain(servers.error());
  Control control(*servers);
  kms_emulator::Counters counters;
  kms_emulator::HttpServer::Options http;
  http.port = options.control_port;
  const auto http_server = kms_emulator::HttpServer::Start(
      http,
      [&](const kms_emulator::HttpMessage& request) {
        return control.Handle(request);
      },
      counters);
  if (!http_server) return Complain(http_server.error());
  const Status announced =
      Announce(options, *servers, (*http_server)->port(), identity.client);
  if (!announced.ok()) return Complain(announced);
  WaitForEnd(signals, options.parent_pid);
  return 0;
}

}  // namespace
}  // namespace kmip_server

int main(int argc, char** argv) {
  const auto parsed = kmip_server::ParseOptions(argc, argv);
  if (!parsed.options) return parsed.exit_status;
  return kmip_server::Run(*parsed.options);
}
