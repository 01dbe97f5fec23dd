// SPDX-License-Identifier: MIT
#include "emulators/shared/program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <iostream>

#include "os/durable.h"
#include "os/file_system.h"
#include "os/random.h"

namespace emulators {
namespace {

constexpr mode_t kOwnerOnly = 0600;

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

}  // namespace

int Program::Run(const char* name, const Options& options, const Main& main) {
  Program program(options);
  Status status = program.Start();
  if (status.ok()) status = main(program);
  if (status.ok()) return 0;
  std::cerr << name << ": " << status.ToString() << "\n";
  return 1;
}

Status Program::Start() {
  signals_ = CatchSignals();
  // One of an earlier run would announce ports that are gone.
  if (!options_.ready_file.empty()) {
    (void)openkeyring::PosixFileSystem().Remove(options_.ready_file);
  }
  if (options_.parent_pid <= 0) return Status::Ok();
  // Unlike PR_SET_PDEATHSIG this does not depend on which thread started us.
  parent_ = static_cast<int>(syscall(SYS_pidfd_open, options_.parent_pid, 0));
  if (parent_ >= 0) return Status::Ok();
  return {StatusCode::kNotFound, "the parent process is gone"};
}

Result<std::unique_ptr<HttpServer>> Program::ServeControl(
    HttpServer::Handler handler) {
  HttpServer::Options http;
  http.port = options_.control_port;
  return HttpServer::Start(http, std::move(handler), control_counters_);
}

Status Program::Announce(const std::string& banner, const Json& ready) {
  std::cout << banner << std::flush;
  if (options_.ready_file.empty()) return Status::Ok();
  const std::string content = ready.dump(2) + "\n";
  return openkeyring::CreateDurably(
      openkeyring::PosixFileSystem(), openkeyring::SystemRandom(),
      openkeyring::DirectoryName(options_.ready_file),
      openkeyring::BaseName(options_.ready_file), openkeyring::AsBytes(content),
      kOwnerOnly);
}

void Program::WaitForEnd() {
  pollfd events[] = {{signals_, POLLIN, 0}, {parent_, POLLIN, 0}};
  while (poll(events, parent_ < 0 ? 1 : 2, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace emulators
