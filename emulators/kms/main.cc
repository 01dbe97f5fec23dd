// SPDX-License-Identifier: MIT
// kms-emulator: the program around the library. See README.md.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <iostream>

#include "emulators/kms/control.h"
#include "emulators/kms/emulator.h"
#include "emulators/kms/http_server.h"
#include "emulators/kms/options.h"
#include "emulators/kms/setup.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "os/random.h"

namespace kms_emulator {
namespace {

constexpr mode_t kOwnerOnly = 0600;

int Complain(const Status& status) {
  std::cerr << "kms-emulator: " << status.ToString() << "\n";
  return 1;
}

// SIGTERM and SIGINT as a descriptor; all threads started later inherit the
// mask. SIGPIPE is ignored: OpenSSL writes without MSG_NOSIGNAL.
int CatchSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  return signalfd(-1, &wanted, SFD_CLOEXEC);
}

// Readable when that process ends; -1 when there is none to watch. Unlike
// PR_SET_PDEATHSIG this does not depend on which thread started us.
int WatchProcess(int pid) {
  if (pid <= 0) return -1;
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

void WaitForEnd(int signals, int parent) {
  pollfd events[] = {{signals, POLLIN, 0}, {parent, POLLIN, 0}};
  while (poll(events, parent < 0 ? 1 : 2, -1) < 0 && errno == EINTR) {
  }
}

Status Announce(openkeyring::FileSystem& files, openkeyring::Random& random,
                const Options& options, const Ports& ports,
                const Welcome& welcome) {
  std::cout << Banner(options, ports, welcome) << std::flush;
  if (options.ready_file.empty()) return Status::Ok();
  return ReplaceFile(files, random, options.ready_file,
                     ReadyJson(options, ports, welcome).dump(2) + "\n",
                     kOwnerOnly);
}

HttpServer::Options ServiceOptions(const Options& options) {
  HttpServer::Options out;
  out.address = options.listen;
  out.port = options.port;
  out.tls_certificate = options.tls_cert;
  out.tls_key = options.tls_key;
  out.max_connections = options.max_connections;
  return out;
}

int Run(const Options& options) {
  const int signals = CatchSignals();
  auto& files = openkeyring::PosixFileSystem();
  // One of an earlier run would tell of ports that are gone.
  if (!options.ready_file.empty()) (void)files.Remove(options.ready_file);
  const int parent = WatchProcess(options.parent_pid);
  if (options.parent_pid > 0 && parent < 0) {
    return Complain({StatusCode::kNotFound, "the parent process is gone"});
  }
  auto& random = openkeyring::SystemRandom();
  auto store =
      KeyStore::Open(files, random, options.state_file, options.account);
  if (!store) return Complain(store.error());
  MetadataSettings metadata;
  metadata.role = options.imds_role;
  Emulator emulator(**store, random, openkeyring::SystemClock(),
                    options.regions, metadata);
  emulator.latency_ms = options.latency_ms;
  const auto welcome = PrepareState(emulator, files, options);
  if (!welcome) return Complain(welcome.error());
  Control control(emulator);
  Counters control_counters;  // The control port is not counted.
  HttpServer::Options control_options;
  control_options.port = options.control_port;
  const auto control_server = HttpServer::Start(
      control_options,
      [&](const HttpMessage& request) { return control.Handle(request); },
      control_counters);
  if (!control_server) return Complain(control_server.error());
  const auto server = HttpServer::Start(
      ServiceOptions(options),
      [&](const HttpMessage& request) { return emulator.Handle(request); },
      emulator.counters);
  if (!server) return Complain(server.error());
  const Ports ports{(*server)->port(), (*control_server)->port()};
  const Status announced = Announce(files, random, options, ports, *welcome);
  if (!announced.ok()) return Complain(announced);
  WaitForEnd(signals, parent);
  emulator.stop.Raise();
  return 0;
}

}  // namespace
}  // namespace kms_emulator

int main(int argc, char** argv) {
  const auto parsed = kms_emulator::ParseOptions(argc, argv);
  if (!parsed.options) return parsed.exit_status;
  return kms_emulator::Run(*parsed.options);
}
