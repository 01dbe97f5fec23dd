// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_STREAM_POOL_H_
#define OPENKEYRING_NET_STREAM_POOL_H_

#include <atomic>
#include <memory>

#include "net/connection_pool.h"
#include "net/endpoint.h"
#include "net/stream.h"

namespace openkeyring {

struct StreamPoolOptions {
  int max_in_use = 4;      // At a time; further callers wait.
  Millis max_idle{60000};  // Longer unused: closed, as firewalls forget it.
};

// Streams that are kept open between uses, by server. A kept one that the other
// side has closed meanwhile, or on which something came that was not asked for,
// is dropped.
//
// Threads: all methods may be called concurrently; no lock is held during I/O.
class StreamPool {
  struct Kept {
    Endpoint endpoint;
    std::unique_ptr<ByteStream> stream;
    SteadyTime since;
  };

 public:
  StreamPool(StreamConnector& connector, Clock& clock,
             StreamPoolOptions options);

  // The right to use one stream at a time; closes it unless Keep() was called.
  // Threads: one object is used by one thread at a time.
  class Lease {
   public:
    Lease(StreamPool& pool, ConnectionPool<Kept>::Lease slot);
    // A kept stream unless `fresh`, else a new one; closes the one before. The
    // connector's errors.
    Status Connect(const Endpoint& endpoint, bool fresh,
                   const Deadline& deadline);
    void Close() { stream_.reset(); }
    bool is_connected() const { return stream_ != nullptr; }
    ByteStream& stream() { return *stream_; }
    // Whether it was open before; if not, a failure is the server's.
    bool was_kept() const { return was_kept_; }
    // Back into the pool: for a stream that is as good as before.
    void Keep();

   private:
    StreamPool& pool_;
    ConnectionPool<Kept>::Lease slot_;
    Endpoint endpoint_;
    std::unique_ptr<ByteStream> stream_;
    bool was_kept_ = false;
  };

  // Nothing when all stay in use until the deadline; that says nothing about a
  // server.
  std::optional<Lease> Acquire(const Deadline& deadline);
  // Closes what is kept to that server: it has failed.
  void Forget(const Endpoint& endpoint);
  int max_in_use() const { return pool_.limit(); }
  int opened() const { return opened_; }  // Since the start.

 private:
  std::unique_ptr<ByteStream> TakeKept(ConnectionPool<Kept>::Lease& slot,
                                       const Endpoint& endpoint);

  StreamConnector& connector_;
  Clock& clock_;
  const Millis max_idle_;
  std::atomic<int> opened_{0};
  ConnectionPool<Kept> pool_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_STREAM_POOL_H_
