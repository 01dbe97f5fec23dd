// SPDX-License-Identifier: MIT
#include "keyring/versioned_keys.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

constexpr Millis kFirstPause{1000}, kLongestPause{5000};
constexpr size_t kMaxFailures = 4096;  // Remembered at a time.

Millis PauseAfter(int failures) {
  const int doublings = std::clamp(failures - 1, 0, 8);
  return std::min(kLongestPause, kFirstPause * (1 << doublings));
}

}  // namespace

std::string ToString(KeyVersion key) {
  return "version " + std::to_string(key.version) + " of key " +
         std::to_string(key.id);
}

VersionedKeys::VersionedKeys(VersionedBackend& backend, Clock& clock,
                             Random& random, Log& log, Options options)
    : backend_(backend),
      clock_(clock),
      random_(random),
      log_(log),
      options_(std::move(options)) {}

// ---- On demand -------------------------------------------------------------

Result<const Secret*> VersionedKeys::Get(KeyVersion key) {
  if (key.version == 0 || key.version > kMaxKeyVersion) {
    return Status(StatusCode::kInvalidArgument, ToString(key) + " can't exist");
  }
  if (const Secret* ready = loaded_.Find(key)) return ready;
  Status status = Load(key, OperationDeadline());
  if (!status.ok()) return status;
  return loaded_.Find(key);
}

Result<uint32_t> VersionedKeys::LatestVersion(uint32_t id) {
  if (const uint32_t ready = loaded_.Latest(id)) return ready;
  if (id == 0) {
    return Status(StatusCode::kInvalidArgument, "key id 0 can't exist");
  }
  const Deadline deadline = OperationDeadline();
  for (;;) {
    uint32_t highest;
    bool is_known;
    {
      std::lock_guard lock(mutex_);
      highest = HighestUsableLocked(id);
      is_known = known_.contains(id);
    }
    if (highest != 0) {
      const Status loaded = Load({id, highest}, deadline);
      if (const uint32_t ready = loaded_.Latest(id)) return ready;
      // Corrupt: the next lower version is the highest usable one now.
      if (loaded.code() != StatusCode::kCorrupt) return loaded;
    } else if (is_known) {
      // Never make a new version 1 beside stored ones: data may need those.
      return LatestOfCorrupt(id, deadline);
    } else {
      const Status status =
          Once({id, 0}, [&] { return MakeFirst(id, deadline); });
      if (!status.ok()) return status;
    }
  }
}

// All that is stored was corrupt when it was last read; a file may have been
// restored since.
Result<uint32_t> VersionedKeys::LatestOfCorrupt(uint32_t id,
                                                const Deadline& deadline) {
  std::set<uint32_t> versions;
  {
    std::lock_guard lock(mutex_);
    versions = known_.at(id);
  }
  Status first;
  for (auto version = versions.rbegin(); version != versions.rend();
       ++version) {
    const Status loaded = Load({id, *version}, deadline);
    if (const uint32_t ready = loaded_.Latest(id)) return ready;
    if (first.ok()) first = loaded;
  }
  return first.WithContext("no stored version of key " + std::to_string(id) +
                           " can be used");
}

Status VersionedKeys::Load(KeyVersion key, const Deadline& deadline) {
  return Once(key, [&] { return LoadNow(key, deadline); });
}

Status VersionedKeys::LoadNow(KeyVersion key, const Deadline& deadline) {
  if (loaded_.Find(key) != nullptr) return Status::Ok();
  Result<Secret> plaintext = backend_.Fetch(key, deadline);
  Status status = plaintext.status();
  if (plaintext) {
    Publish(key, std::move(*plaintext));
    return status;
  }
  if (status.code() == StatusCode::kNotFound) {
    std::lock_guard lock(mutex_);
    const auto known = known_.find(key.id);
    if (known == known_.end() || !known->second.contains(key.version)) {
      return status;
    }
    // A link that leads nowhere, say: it exists, and nobody should wait for it.
    status = Status(StatusCode::kMisconfigured,
                    status.message() + ", though its name is stored");
  }
  RememberFailure(key, status);
  return status;
}

Status VersionedKeys::MakeFirst(uint32_t id, const Deadline& deadline) {
  // Another server on the same store may have made the id meanwhile.
  Status status = Relist();
  if (status.ok()) {
    std::lock_guard lock(mutex_);
    if (known_.contains(id)) return status;
  }
  if (status.ok()) {
    status = backend_.Create({id, 1}, options_.key_bytes(), deadline);
  }
  if (status.ok() || status.code() == StatusCode::kAlreadyExists) {
    std::lock_guard lock(mutex_);
    known_[id].insert(1);
    return Status::Ok();
  }
  status = status.WithContext("can't make key " + std::to_string(id));
  RememberFailure({id, 0}, status);
  return status;
}

// Runs `work` unless it failed a moment ago or another thread is at it; then
// the outcome is that one's.
Status VersionedKeys::Once(KeyVersion key,
                           const std::function<Status()>& work) {
  std::unique_lock lock(mutex_);
  const auto failed = failures_.find(key);
  if (failed != failures_.end() && clock_.Steady() < failed->second.next_try) {
    return failed->second.status;
  }
  std::shared_ptr<Flight>& flying = flights_[key];
  if (flying != nullptr) {
    const std::shared_ptr<Flight> flight = flying;
    landed_.wait(lock, [&] { return flight->done; });
    return flight->outcome;
  }
  const auto flight = std::make_shared<Flight>();
  flight->outcome = {StatusCode::kInternal, "interrupted"};
  flying = flight;
  lock.unlock();
  // Waiters must be let go even when a library throws through here.
  const std::shared_ptr<void> landing(nullptr, [&](void*) {
    std::lock_guard relock(mutex_);
    flight->done = true;
    flights_.erase(key);
    landed_.notify_all();
  });
  return flight->outcome = work();
}

// ---- State -----------------------------------------------------------------

Status VersionedKeys::Relist() {
  Result<std::vector<KeyVersion>> stored = backend_.List();
  if (!stored) return stored.error();
  std::lock_guard lock(mutex_);
  for (const KeyVersion key : *stored) known_[key.id].insert(key.version);
  return Status::Ok();
}

void VersionedKeys::Publish(KeyVersion key, Secret plaintext) {
  loaded_.Add(key, std::move(plaintext));
  std::lock_guard lock(mutex_);
  known_[key.id].insert(key.version);
  failures_.erase(key);
  ChooseLatestLocked(key.id);
}

void VersionedKeys::RememberFailure(KeyVersion key, const Status& status) {
  bool passed_over = false;
  {
    std::lock_guard lock(mutex_);
    if (failures_.size() >= kMaxFailures) {
      std::erase_if(failures_, [&](const auto& item) {
        return !known_.contains(item.first.id) &&
               item.second.next_try < clock_.Steady();
      });
    }
    Failure& failure = failures_[key];
    const bool was_corrupt = failure.status.code() == StatusCode::kCorrupt;
    failure.status = status;
    failure.next_try = clock_.Steady() + PauseAfter(++failure.count);
    passed_over = status.code() == StatusCode::kCorrupt && !was_corrupt &&
                  known_.contains(key.id) &&
                  *known_[key.id].rbegin() == key.version;
    ChooseLatestLocked(key.id);
  }
  if (passed_over) {
    log_.Write(LogLevel::kError,
               ToString(key) + " is passed over: " + status.message());
  }
}

void VersionedKeys::EndPauses() {
  std::lock_guard lock(mutex_);
  for (auto& [key, failure] : failures_) failure.next_try = {};
}

void VersionedKeys::ChooseLatestLocked(uint32_t id) {
  const uint32_t highest = HighestUsableLocked(id);
  if (highest != 0 && loaded_.Find({id, highest}) != nullptr) {
    loaded_.SetLatest(id, highest);
  }
}

uint32_t VersionedKeys::HighestUsableLocked(uint32_t id) const {
  const auto found = known_.find(id);
  if (found == known_.end()) return 0;
  for (auto version = found->second.rbegin(); version != found->second.rend();
       ++version) {
    const auto failed = failures_.find({id, *version});
    if (failed == failures_.end() ||
        failed->second.status.code() != StatusCode::kCorrupt) {
      return *version;
    }
  }
  return 0;
}

VersionedKeys::Counts VersionedKeys::counts() const {
  std::lock_guard lock(mutex_);
  Counts counts;
  counts.ids = known_.size();
  size_t known = 0;
  for (const auto& [id, versions] : known_) known += versions.size();
  counts.versions_loaded = loaded_.versions();
  counts.versions_failed = known - std::min(known, counts.versions_loaded);
  return counts;
}

Deadline VersionedKeys::OperationDeadline() const {
  return Deadline::After(clock_, options_.operation_deadline());
}

}  // namespace openkeyring
