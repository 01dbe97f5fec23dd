// SPDX-License-Identifier: MIT
// VersionedKeys: reading all that is stored, at start.
#include <algorithm>
#include <utility>

#include "base/failure_streak.h"
#include "keyring/versioned_keys.h"
#include "os/parallel.h"

namespace openkeyring {
namespace {

constexpr Millis kFirstPause{500}, kLongestPause{5000};
constexpr size_t kMaxReports = 20;  // Lines about single keys.

}  // namespace

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
        std::min(kLongestPause, kFirstPause * (1 << std::min(round, 5)));
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
        errors.push_back(ToString(key) + " can't be loaded: " +
                         failed->second.status.message());
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

}  // namespace openkeyring
