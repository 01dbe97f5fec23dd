// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_STREAM_POOL_H_
#define OPENKEYRING_NET_STREAM_POOL_H_

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/stream.h"

namespace openkeyring {

struct Endpoint {
  std::string host;
  int port = 0;
  bool operator==(const Endpoint&) const = default;
  std::string Text() const;  // "host:port", "[v6]:port".
};

struct StreamPoolOptions {
  int max_in_use = 4;      // At once; who comes next waits.
  Millis max_idle{60000};  // Longer unused: closed, as firewalls forget it.
};

// Connections that are kept open between uses. The most recently used goes out
// first. One that the other side has closed meanwhile is dropped. In a forked
// child the pool starts empty.
//
// Threads: all methods may be called concurrently; no lock is held during I/O.
class StreamPool {
 public:
  StreamPool(StreamConnector& connector, Clock& clock,
             StreamPoolOptions options);
  ~StreamPool();
  StreamPool(const StreamPool&) = delete;
  StreamPool& operator=(const StreamPool&) = delete;

  // The right to use one connection; closes it unless Keep() was called.
  class Lease {
   public:
    Lease(StreamPool& pool, Endpoint endpoint, std::unique_ptr<ByteStream> one,
          bool kept);
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    ByteStream& stream() { return *stream_; }
    // Whether it was open before; if not, a failure is the server's.
    bool was_kept() const { return kept_; }
    // Back into the pool: for connections that are as good as before.
    void Keep();

   private:
    StreamPool* pool_;
    Endpoint endpoint_;
    std::unique_ptr<ByteStream> stream_;
    bool kept_;
  };

  // A kept connection unless `fresh`, else a new one. kTimeout when all stay in
  // use; otherwise the connector's errors.
  Result<Lease> Take(const Endpoint& endpoint, bool fresh,
                     const Deadline& deadline);
  // Closes what is kept to that server: it has failed.
  void Forget(const Endpoint& endpoint);
  int opened() const { return opened_; }  // Since the start.

 private:
  struct Idle {
    Endpoint endpoint;
    std::unique_ptr<ByteStream> stream;
    SteadyTime since;
  };

  Status TakeSlot(const Deadline& deadline);
  void GiveSlot();
  std::unique_ptr<ByteStream> TakeIdle(const Endpoint& endpoint);
  std::unique_ptr<ByteStream> TakeQuiet(const Endpoint& endpoint);
  void PutIdle(const Endpoint& endpoint, std::unique_ptr<ByteStream> stream);
  // In a child of the process that opened them, the connections are the
  // parent's; even closing them properly would disturb it. Leave them be.
  void ForgetParents();

  StreamConnector& connector_;
  Clock& clock_;
  const StreamPoolOptions options_;
  std::atomic<int> opened_{0};
  std::mutex mutex_;  // Guards all below.
  std::condition_variable freed_;
  std::vector<Idle> idle_;
  int in_use_ = 0;
  pid_t owner_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_STREAM_POOL_H_
