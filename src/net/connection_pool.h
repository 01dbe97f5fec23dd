// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_CONNECTION_POOL_H_
#define OPENKEYRING_NET_CONNECTION_POOL_H_

#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "os/cancellation.h"

namespace openkeyring {

// Connections, or objects that hold some, kept between uses. At most `limit`
// are in use at a time; further callers wait. The most recently used goes out
// first, so that a light load stays on few, warm connections.
//
// In a forked child the pool starts empty: the connections are the parent's,
// and even closing them properly would disturb it. They are left open.
//
// `T` is movable and closes its connections on destruction.
//
// Threads: all methods may be called concurrently; T's destructor runs outside
// the lock except in Drop.
template <typename T>
class ConnectionPool {
 public:
  // The right to use one connection, until destruction.
  class Lease {
   public:
    explicit Lease(ConnectionPool& pool) : pool_(&pool) {}
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->Release();
    }
    // The most recently kept one that `fits`, if any.
    template <typename Predicate>
    std::optional<T> TakeKept(Predicate fits) {
      return pool_->TakeKept(fits);
    }
    std::optional<T> TakeKept() {
      return pool_->TakeKept([](const T&) { return true; });
    }
    void Keep(T connection) { pool_->Keep(std::move(connection)); }

   private:
    ConnectionPool* pool_;
  };

  explicit ConnectionPool(int limit) : limit_(limit), owner_(getpid()) {}
  ~ConnectionPool() { AbandonParents(); }
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  int limit() const { return limit_; }

  // Nothing when as many as the limit stay in use until the deadline.
  std::optional<Lease> Acquire(const Deadline& deadline) {
    std::unique_lock lock(mutex_);
    AbandonParents();
    const auto is_free = [&] { return in_use_ < limit_; };
    if (!WaitUnlessCancelled(freed_, lock, deadline, is_free)) {
      return std::nullopt;
    }
    ++in_use_;
    return Lease(*this);
  }

  // Closes the kept ones that `fit`.
  template <typename Predicate>
  void Drop(Predicate fits) {
    const std::lock_guard lock(mutex_);
    std::erase_if(kept_, fits);
  }

 private:
  template <typename Predicate>
  std::optional<T> TakeKept(Predicate fits) {
    const std::lock_guard lock(mutex_);
    for (auto one = kept_.rbegin(); one != kept_.rend(); ++one) {
      if (!fits(std::as_const(*one))) continue;
      std::optional<T> found(std::move(*one));
      kept_.erase(std::next(one).base());
      return found;
    }
    return std::nullopt;
  }

  void Keep(T connection) {
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(connection));
  }

  void Release() {
    {
      const std::lock_guard lock(mutex_);
      --in_use_;
    }
    freed_.notify_one();
  }

  void AbandonParents() {
    if (owner_ == getpid()) return;
    owner_ = getpid();
    // Never destroyed: see above.
    [[maybe_unused]] auto* abandoned = new std::vector<T>(std::move(kept_));
    kept_.clear();
    in_use_ = 0;
  }

  const int limit_;
  std::mutex mutex_;  // Guards all below.
  std::condition_variable freed_;
  std::vector<T> kept_;
  int in_use_ = 0;
  pid_t owner_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_CONNECTION_POOL_H_
