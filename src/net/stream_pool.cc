// SPDX-License-Identifier: MIT
#include "net/stream_pool.h"

#include <utility>

namespace openkeyring {

StreamPool::Lease::Lease(StreamPool& pool, ConnectionPool<Kept>::Lease slot)
    : pool_(pool), slot_(std::move(slot)) {}

Status StreamPool::Lease::Connect(const Endpoint& endpoint, bool fresh,
                                  const Deadline& deadline) {
  endpoint_ = endpoint;
  stream_ = fresh ? nullptr : pool_.TakeKept(slot_, endpoint);
  was_kept_ = stream_ != nullptr;
  if (was_kept_) return Status::Ok();
  auto made = pool_.connector_.Connect(endpoint.host, endpoint.port, deadline);
  if (!made) return made.error();
  ++pool_.opened_;
  stream_ = std::move(*made);
  return Status::Ok();
}

void StreamPool::Lease::Keep() {
  slot_.Keep({endpoint_, std::move(stream_), pool_.clock_.Steady()});
}

StreamPool::StreamPool(StreamConnector& connector, Clock& clock,
                       StreamPoolOptions options)
    : connector_(connector),
      clock_(clock),
      max_idle_(options.max_idle),
      pool_(options.max_in_use) {}

std::optional<StreamPool::Lease> StreamPool::Acquire(const Deadline& deadline) {
  auto slot = pool_.Acquire(deadline);
  if (!slot) return std::nullopt;
  return Lease(*this, std::move(*slot));
}

void StreamPool::Forget(const Endpoint& endpoint) {
  pool_.Drop([&](const Kept& kept) { return kept.endpoint == endpoint; });
}

std::unique_ptr<ByteStream> StreamPool::TakeKept(
    ConnectionPool<Kept>::Lease& slot, const Endpoint& endpoint) {
  const auto fits = [&](const Kept& kept) { return kept.endpoint == endpoint; };
  while (auto kept = slot.TakeKept(fits)) {
    const bool is_old = clock_.Steady() - kept->since > max_idle_;
    if (!is_old && kept->stream->State() == StreamState::kQuiet) {
      return std::move(kept->stream);
    }
  }
  return nullptr;
}

}  // namespace openkeyring
