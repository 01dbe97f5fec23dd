// SPDX-License-Identifier: MIT
#include "net/stream_pool.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace openkeyring {

std::string Endpoint::Text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

StreamPool::Lease::Lease(StreamPool& pool, Endpoint endpoint,
                         std::unique_ptr<ByteStream> one, bool kept)
    : pool_(&pool),
      endpoint_(std::move(endpoint)),
      stream_(std::move(one)),
      kept_(kept) {}

StreamPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      endpoint_(std::move(other.endpoint_)),
      stream_(std::move(other.stream_)),
      kept_(other.kept_) {}

StreamPool::Lease::~Lease() {
  if (pool_ == nullptr) return;
  stream_.reset();
  pool_->GiveSlot();
}

void StreamPool::Lease::Keep() {
  pool_->PutIdle(endpoint_, std::move(stream_));
}

StreamPool::StreamPool(StreamConnector& connector, Clock& clock,
                       StreamPoolOptions options)
    : connector_(connector),
      clock_(clock),
      options_(options),
      owner_(getpid()) {}

StreamPool::~StreamPool() { ForgetParents(); }

Result<StreamPool::Lease> StreamPool::Take(const Endpoint& endpoint, bool fresh,
                                           const Deadline& deadline) {
  Status slot = TakeSlot(deadline);
  if (!slot.ok()) return slot.WithContext(endpoint.Text());
  if (!fresh) {
    if (auto kept = TakeQuiet(endpoint)) {
      return Lease(*this, endpoint, std::move(kept), true);
    }
  }
  auto made = connector_.Connect(endpoint.host, endpoint.port, deadline);
  if (!made) {
    GiveSlot();
    return made.error();
  }
  ++opened_;
  return Lease(*this, endpoint, std::move(*made), false);
}

void StreamPool::Forget(const Endpoint& endpoint) {
  while (TakeIdle(endpoint) != nullptr) {
  }
}

Status StreamPool::TakeSlot(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  ForgetParents();
  if (!freed_.wait_until(lock, deadline.at(),
                         [&] { return in_use_ < options_.max_in_use; })) {
    return {StatusCode::kTimeout, "no connection came free in time (all " +
                                      std::to_string(options_.max_in_use) +
                                      " busy)"};
  }
  ++in_use_;
  return Status::Ok();
}

void StreamPool::GiveSlot() {
  {
    const std::lock_guard lock(mutex_);
    --in_use_;
  }
  freed_.notify_one();
}

std::unique_ptr<ByteStream> StreamPool::TakeIdle(const Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(idle_.rbegin(), idle_.rend(),
                   [&](const Idle& idle) { return idle.endpoint == endpoint; });
  if (found == idle_.rend()) return nullptr;
  std::unique_ptr<ByteStream> stream = std::move(found->stream);
  const bool old = clock_.Steady() - found->since > options_.max_idle;
  idle_.erase(std::next(found).base());
  if (old) {
    // Those that lie below are older still.
    std::erase_if(idle_,
                  [&](const Idle& idle) { return idle.endpoint == endpoint; });
    return nullptr;
  }
  return stream;
}

std::unique_ptr<ByteStream> StreamPool::TakeQuiet(const Endpoint& endpoint) {
  for (;;) {
    std::unique_ptr<ByteStream> stream = TakeIdle(endpoint);
    if (stream == nullptr || stream->IsQuiet()) return stream;
  }
}

void StreamPool::PutIdle(const Endpoint& endpoint,
                         std::unique_ptr<ByteStream> stream) {
  const std::lock_guard lock(mutex_);
  idle_.push_back({endpoint, std::move(stream), clock_.Steady()});
}

void StreamPool::ForgetParents() {
  if (owner_ == getpid()) return;
  owner_ = getpid();
  for (Idle& idle : idle_) (void)idle.stream.release();
  idle_.clear();
  in_use_ = 0;
}

}  // namespace openkeyring
