// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_SHARED_PROGRAM_H_
#define OPENKEYRING_EMULATORS_SHARED_PROGRAM_H_

#include <functional>
#include <memory>
#include <string>

#include "emulators/shared/http_server.h"
#include "emulators/shared/options.h"

namespace emulators {

// The life of an emulator: it starts, announces its ports, and ends on SIGTERM,
// SIGINT or with its parent process.
class Program {
 public:
  // Serves until WaitForEnd returns.
  using Main = std::function<Status(Program&)>;

  // The exit status; a failure has been printed. `name` is that of the program.
  static int Run(const char* name, const Options& options, const Main& main);

  // The control API. It ends with the object.
  Result<std::unique_ptr<HttpServer>> ServeControl(HttpServer::Handler handler);
  // Prints the banner, and writes the ready file, when one is wanted.
  Status Announce(const std::string& banner, const Json& ready);
  void WaitForEnd();

 private:
  explicit Program(const Options& options) : options_(options) {}
  Status Start();

  const Options& options_;
  Counters control_counters_;  // The control port is not counted.
  int signals_ = -1;           // Readable after SIGTERM or SIGINT.
  int parent_ = -1;            // Readable when it has ended; -1: none.
};

}  // namespace emulators

#endif  // OPENKEYRING_EMULATORS_SHARED_PROGRAM_H_
