// SPDX-License-Identifier: MIT
// kms-emulator: the program around the library. See README.md.
#include "emulators/kms/control.h"
#include "emulators/kms/emulator.h"
#include "emulators/kms/options.h"
#include "emulators/kms/setup.h"
#include "emulators/shared/program.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "os/random.h"

namespace kms_emulator {
namespace {

using emulators::HttpServer;

HttpServer::Options ServiceOptions(const Options& options) {
  HttpServer::Options out;
  out.address = options.listen;
  out.port = options.port;
  out.tls_certificate = options.tls_cert;
  out.tls_key = options.tls_key;
  out.max_connections = options.max_connections;
  return out;
}

Status Run(const Options& options, emulators::Program& program) {
  auto& files = openkeyring::PosixFileSystem();
  auto& random = openkeyring::SystemRandom();
  auto store =
      KeyStore::Open(files, random, options.state_file, options.account);
  if (!store) return store.error();
  MetadataSettings metadata;
  metadata.role = options.imds_role;
  Emulator emulator(**store, random, openkeyring::SystemClock(),
                    options.regions, metadata);
  emulator.latency_ms = options.latency_ms;
  emulator.availability.SetQuota(
      options.requests_per_second,
      options.burst > 0 ? options.burst : options.requests_per_second);
  emulator.availability.SetErrors(options.error_percent);
  const auto welcome = PrepareState(emulator, files, options);
  if (!welcome) return welcome.error();
  Control control(emulator);
  const auto control_server = program.ServeControl(
      [&](const HttpMessage& request) { return control.Handle(request); });
  if (!control_server) return control_server.error();
  const auto server = HttpServer::Start(
      ServiceOptions(options),
      [&](const HttpMessage& request) { return emulator.Handle(request); },
      emulator.counters);
  if (!server) return server.error();
  const Ports ports{(*server)->port(), (*control_server)->port()};
  Status status = program.Announce(Banner(options, ports, *welcome),
                                   ReadyJson(options, ports, *welcome));
  if (status.ok()) program.WaitForEnd();
  emulator.stop.Raise();
  return status;
}

}  // namespace
}  // namespace kms_emulator

int main(int argc, char** argv) {
  kms_emulator::Options options;
  const auto exit_status = kms_emulator::ParseOptions(argc, argv, options);
  if (exit_status) return *exit_status;
  return emulators::Program::Run("kms-emulator", options, [&](auto& program) {
    return kms_emulator::Run(options, program);
  });
}
