// SPDX-License-Identifier: MIT
#include "keyring/versioned_keys.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "os/parallel.h"

namespace openkeyring {
namespace {

constexpr Millis kFirstPause{1000}, kLongestPause{5000};
constexpr Millis kFirstRoundPause{500};
constexpr size_t kMaxFailures = 4096;  // Remembered at a time.
constexpr size_t kMaxReports = 20;     // Lines about single keys at start.
// Names the flight of a rotation; no key has this version.
constexpr uint32_t kRotation = 0xffffffff;

std::string Name(KeyVersion key) {
  return "version " + std::to_string(key.version) + " of key " +
         std::to_string(key.id);
}

Millis PauseAfter(int failures) {
  const int doublings = std::clamp(failures - 1, 0, 8);
  return std::min(kLongestPause, kFirstPause * (1 << doublings));
}

}  // namespace

class VersionedKeys::FailureStreak {
 public:
  explicit FailureStreak(size_t limit) : limit_(limit) {}
  bool over() const { return failures_.load() >= limit_; }
  void Saw(const Status& status) {
    if (status.IsTransient()) {
      ++failures_;
    } else {
      failures_ = 0;
    }
  }

 private:
  const size_t limit_;
  std::atomic<size_t> failures_{0};
};

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
    return Status(StatusCode::kInvalidArgument, Name(key) + " can't exist");
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
  Status status;
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
      status = loaded;
    } else if (is_known) {
      // Never make a new version 1 beside stored ones: data may need those.
      return status.ok() ? Status(StatusCode::kCorrupt,
                                  "no stored version of key " +
                                      std::to_string(id) + " can be used")
                         : status;
    } else {
      status = Once({id, 0}, [&] { return MakeFirst(id, deadline); });
      if (!status.ok()) return status;
    }
  }
}

Status VersionedKeys::Load(KeyVersion key, const Deadline& deadline) {
  return Once(key, [&] { return LoadNow(key, deadline); });
}

Status VersionedKeys::LoadNow(KeyVersion key, const Deadline& deadline) {
  if (loaded_.Find(key) != nullptr) return Status::Ok();
  Result<Secret> plaintext = backend_.Fetch(key, deadline);
  if (plaintext) {
    Publish(key, std::move(*plaintext));
  } else if (plaintext.error().code() != StatusCode::kNotFound) {
    RememberFailure(key, plaintext.error());
  }
  return plaintext.status();
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

// ---- Rotation --------------------------------------------------------------

Result<uint32_t> VersionedKeys::Rotate(uint32_t id) {
  Status status = Once({id, kRotation}, [&] {
    Status listed = Relist();
    return listed.ok() ? RotateNow(id, OperationDeadline()) : listed;
  });
  if (!status.ok()) return status;
  return loaded_.Latest(id);
}

std::vector<VersionedKeys::Rotated> VersionedKeys::RotateAll() {
  const Status listed = Relist();
  std::vector<Rotated> results;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, versions] : known_) {
      results.push_back(
          {id, Status(StatusCode::kUnavailable,
                      "not tried, since the calls before it all failed")});
    }
  }
  FailureStreak streak(options_.parallelism);
  RunParallel(results.size(), options_.parallelism, [&](size_t i) {
    if (streak.over()) return;
    const uint32_t id = results[i].id;
    const Status status =
        listed.ok() ? Once({id, kRotation},
                           [&] { return RotateNow(id, OperationDeadline()); })
                    : listed;
    streak.Saw(status);
    results[i].version =
        status.ok() ? Result<uint32_t>(loaded_.Latest(id)) : status;
  });
  return results;
}

Status VersionedKeys::RotateNow(uint32_t id, const Deadline& deadline) {
  Result<uint32_t> next = NextVersion(id);
  if (!next) return next.error();
  const KeyVersion key{id, *next};
  Status status = backend_.Create(key, options_.key_bytes(), deadline);
  if (!status.ok() && status.code() != StatusCode::kAlreadyExists) {
    return status.WithContext("can't make " + Name(key));
  }
  {
    std::lock_guard lock(mutex_);
    known_[id].insert(key.version);
  }
  return Load(key, deadline)
      .WithContext(Name(key) +
                   " was made but can't be read back yet, so that the version "
                   "before it stays in use");
}

Result<uint32_t> VersionedKeys::NextVersion(uint32_t id) const {
  std::lock_guard lock(mutex_);
  const auto found = known_.find(id);
  if (found == known_.end()) {
    return Status(StatusCode::kNotFound,
                  "key " + std::to_string(id) + " does not exist");
  }
  const uint32_t highest = *found->second.rbegin();
  if (highest >= kMaxKeyVersion) {
    return Status(StatusCode::kMisconfigured,
                  backend_.Describe({id, highest}) +
                      " has the highest version there can be, so that no new "
                      "one can follow; remove it if it is not genuine");
  }
  return highest + 1;
}

// ---- At start --------------------------------------------------------------

Status VersionedKeys::LoadAll(Millis startup) {
  Status status = Relist();
  if (!status.ok()) return status;
  const Deadline deadline = Deadline::After(clock_, startup);
  std::set<KeyVersion> reported;
  for (int round = 1;; ++round) {
    const std::vector<KeyVersion> pending = Pending();
    FailureStreak streak(std::min(options_.parallelism, pending.size()));
    RunParallel(pending.size(), options_.parallelism, [&](size_t i) {
      // Everything is tried once, however short the wait may be.
      if (streak.over() || (round > 1 && deadline.Passed(clock_))) return;
      streak.Saw(LoadNow(
          pending[i],
          round == 1 ? OperationDeadline()
                     : deadline.Within(clock_, options_.operation_deadline())));
    });
    const bool again = ReportRound(round, pending, reported);
    if (!again || deadline.Passed(clock_)) return Status::Ok();
    const Millis pause =
        std::min(kLongestPause, kFirstRoundPause * (1 << std::min(round, 5)));
    // Half of it by chance, so that a fleet does not come back as one.
    clock_.SleepFor(std::min(
        deadline.Remaining(clock_),
        Millis(static_cast<int64_t>(static_cast<double>(pause.count()) *
                                    (0.5 + random_.Fraction() / 2)))));
  }
}

std::vector<KeyVersion> VersionedKeys::Pending() const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<int, KeyVersion>> pending;
  for (const auto& [id, versions] : known_) {
    for (const uint32_t version : versions) {
      const auto failed = failures_.find({id, version});
      const bool tried = failed != failures_.end();
      if (loaded_.Find({id, version}) != nullptr) continue;
      if (tried && !failed->second.status.IsTransient()) continue;
      pending.push_back({tried ? failed->second.count : 0, {id, version}});
    }
  }
  std::ranges::sort(pending, [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    return a.second.version != b.second.version
               ? a.second.version > b.second.version
               : a.second.id < b.second.id;
  });
  std::vector<KeyVersion> keys;
  for (const auto& [failures, key] : pending) keys.push_back(key);
  return keys;
}

// True when another round may help.
bool VersionedKeys::ReportRound(int round, const std::vector<KeyVersion>& tried,
                                std::set<KeyVersion>& reported) {
  std::vector<std::string> errors;
  std::string transient;
  size_t left = 0;
  {
    std::lock_guard lock(mutex_);
    for (const KeyVersion key : tried) {
      const bool ready = loaded_.Find(key) != nullptr;
      const auto failed = failures_.find(key);
      const bool failed_now = failed != failures_.end();
      if (ready) continue;
      if (!failed_now || failed->second.status.IsTransient()) {
        ++left;
        if (failed_now) transient = failed->second.status.message();
      } else if (reported.insert(key).second) {
        errors.push_back(
            Name(key) + " can't be loaded: " + failed->second.status.message());
      }
    }
  }
  for (size_t i = 0; i < std::min(errors.size(), kMaxReports); ++i) {
    log_.Write(LogLevel::kError, errors[i]);
  }
  if (errors.size() > kMaxReports) {
    log_.Write(LogLevel::kError,
               std::to_string(errors.size() - kMaxReports) +
                   " more keys can't be loaded for such reasons");
  }
  if (left == 0) return false;
  log_.Write(LogLevel::kWarning,
             "attempt " + std::to_string(round) + ": " + std::to_string(left) +
                 " of " + std::to_string(tried.size()) +
                 " key versions are not loaded yet: " + transient);
  return true;
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
               Name(key) + " is passed over: " + status.message());
  }
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
