// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_LISTENER_H_
#define OPENKEYRING_TESTING_LISTENER_H_

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace openkeyring {

// A listening TCP socket and a thread for each connection: what the servers of
// tests and the emulators stand on. Connections have TCP_NODELAY.
//
// Threads: all methods may be called concurrently.
class Listener {
 public:
  struct Options {
    std::string address = "127.0.0.1";  // Numeric, IPv4 or IPv6.
    int port = 0;                       // 0: any free one.
    // More wait in the listen queue, unaccepted. 0: no bound.
    int max_connections = 0;
  };
  // Serves a whole connection in its thread. The descriptor is closed
  // afterwards, by the listener. Must not throw.
  using Handler = std::function<void(int fd)>;

  // kMisconfigured for what is not an address, kUnavailable when the port is
  // taken.
  static Result<std::unique_ptr<Listener>> Start(Options options,
                                                 Handler handler);
  // Shuts all connections down and waits for their threads.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int port() const { return port_; }
  int accepted() const;  // Since the start.
  int open() const;      // Now.
  void ShutDownConnections();

 private:
  Listener(Options options, Handler handler)
      : options_(std::move(options)), handler_(std::move(handler)) {}
  Status Listen();
  void AcceptLoop();
  bool WaitForRoom();        // False when the listener ends.
  bool StartThread(int fd);  // Locked. False when no thread can be had.
  void Serve(int fd);

  const Options options_;
  const Handler handler_;
  int socket_ = -1;
  int port_ = 0;
  std::thread accepting_;
  mutable std::mutex mutex_;  // Guards all below.
  std::condition_variable changed_;
  std::map<int, std::thread> connections_;  // By descriptor.
  std::vector<std::thread> ended_;          // To be joined.
  int accepted_ = 0;
  bool stopping_ = false;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_LISTENER_H_
