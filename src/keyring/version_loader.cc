// SPDX-License-Identifier: MIT
#include "keyring/version_loader.h"

#include <algorithm>
#include <utility>

#include "base/failure_streak.h"

namespace openkeyring {
namespace {

constexpr Millis kFirstPause{500}, kLongestPause{5000};
constexpr size_t kMaxReports = 20;  // Lines about single versions.
// Names the flight of LoadRest; no key has this id.
constexpr KeyVersion kRest{0, 0};

}  // namespace

VersionLoader::VersionLoader(VersionedBackend& backend, LoadedKeys& loaded,
                             VersionIndex& index, Clock& clock, Random& random,
                             Log& log, Options options)
    : backend_(backend),
      loaded_(loaded),
      index_(index),
      clock_(clock),
      random_(random),
      log_(log),
      options_(std::move(options)),
      flights_(clock),
      parallelism_(options_.parallelism, random) {}

Status VersionLoader::Relist() {
  const bool is_proven = backend_.ListIsProven();
  const Result<std::vector<KeyVersion>> stored = backend_.List();
  if (!stored) return stored.error();
  index_.Add(*stored);
  list_is_proven_ = is_proven;
  return Status::Ok();
}

Status VersionLoader::RelistProven(const Deadline& deadline) {
  Status status = backend_.ProveList(deadline);
  return status.ok() ? Relist() : status;
}

// ---- One version -----------------------------------------------------------

Status VersionLoader::Load(KeyVersion key, const Deadline& deadline) {
  if (loaded_.Find(key) != nullptr) return RaiseIfNewest(key);
  Status status = LoadInFlight(key, deadline);
  if (status.ok()) LoadRest(deadline);
  return status;
}

Status VersionLoader::LoadInFlight(KeyVersion key, const Deadline& deadline) {
  const std::optional<Status> outcome =
      flights_.Run(key, deadline, [&]() -> Status {
        if (loaded_.Find(key) != nullptr) return Status::Ok();
        Status paused = index_.PausedFailure(key);
        return paused.ok() ? Fetch(key, deadline) : paused;
      });
  return outcome.value_or(
      Status(StatusCode::kTimeout,
             ToString(key) + " is being loaded by another thread"));
}

Status VersionLoader::Fetch(KeyVersion key, const Deadline& deadline) {
  const SteadyTime began = clock_.Steady();
  Result<Secret> plaintext = backend_.Fetch(key, deadline);
  if (plaintext) {
    loaded_.Add(key, std::move(*plaintext));
    index_.Add({key});
    index_.RememberSuccess(key);
    return RaiseIfNewest(key);
  }
  Status status = plaintext.error();
  if (status.code() == StatusCode::kNotFound) {
    if (!index_.Contains(key)) return status;
    status = ExplainMissing(key, status);
  }
  index_.RememberFailure(
      key, status, std::chrono::duration_cast<Millis>(clock_.Steady() - began));
  return status;
}

// The newest version may be one that was not known before.
Status VersionLoader::RaiseIfNewest(KeyVersion key) {
  if (!list_is_proven_) {
    Status status = Relist();
    if (!status.ok()) return status;
  }
  if (index_.Highest(key.id) == key.version) {
    loaded_.RaiseLatest(key.id, key.version);
  }
  return Status::Ok();
}

// It exists or did, and waiting will not bring it back.
Status VersionLoader::ExplainMissing(KeyVersion key,
                                     const Status& not_found) const {
  return {StatusCode::kMisconfigured,
          ToString(key) + " was stored and is missing (" + not_found.message() +
              "); restore it from a backup: data may be encrypted with it"};
}

// ---- All versions ----------------------------------------------------------

Status VersionLoader::LoadAll(Millis startup) {
  rest_is_due_ = true;
  Status status = Relist();
  if (!status.ok()) return status;
  const Deadline deadline = Deadline::After(clock_, startup);
  std::set<KeyVersion> reported;
  size_t left = 0;
  bool is_first = true;
  for (int round = 1;; ++round) {
    const std::vector<KeyVersion> pending = index_.Pending();
    LoadRound(pending, is_first, deadline);
    left = ReportRound(round, pending, reported);
    if (left == 0) FindRest(round);
    if (rest_failure_.IsTransient()) left = std::max<size_t>(left, 1);
    // What became known by loading the rest is loaded as well.
    is_first = left == 0;
    if (left == 0 && index_.Pending().empty()) break;
    if (left == 0) continue;
    if (deadline.Passed(clock_)) break;
    PauseBeforeRound(round, deadline);
  }
  rest_is_due_ = left != 0;
  const size_t missing = index_.NotLoaded().size();
  if (missing != 0) {
    log_.Write(LogLevel::kWarning,
               "starting without " + std::to_string(missing) + " of " +
                   std::to_string(missing + loaded_.versions()) +
                   " key versions; each is tried again when it is needed");
  }
  return status;
}

// What the store may have besides the versions that are known.
void VersionLoader::FindRest(int round) {
  rest_failure_ = Status::Ok();
  if (list_is_proven_) return;
  const Status status =
      RelistProven(Deadline::After(clock_, options_.operation_deadline()));
  if (status.ok()) return;
  rest_failure_ = status.WithContext(
      "the key versions that were made last are not known yet");
  log_.Write(LogLevel::kWarning, "attempt " + std::to_string(round) + ": " +
                                     rest_failure_.message());
}

void VersionLoader::LoadRound(const std::vector<KeyVersion>& keys,
                              bool is_first, const Deadline& deadline) {
  FailureStreak streak(std::min(options_.parallelism, keys.size()));
  const Millis limit = options_.operation_deadline();
  // Everything is tried once, however short the wait may be.
  const Deadline end =
      is_first
          ? Deadline::After(clock_, std::max(limit, deadline.Remaining(clock_)))
          : deadline;
  (void)RunAdaptive(
      keys.size(), parallelism_, clock_, end, [&](size_t i) -> Status {
        if (streak.IsOver() || (!is_first && end.Passed(clock_))) {
          return Status::Ok();
        }
        const Deadline own = is_first ? Deadline::After(clock_, limit)
                                      : end.Within(clock_, limit);
        Status status = Fetch(keys[i], own.ReportingThrottling());
        streak.Record(status);
        if (status.code() == StatusCode::kThrottled) ReportThrottling(status);
        return status;
      });
}

void VersionLoader::PauseBeforeRound(int round, const Deadline& deadline) {
  const Millis pause =
      std::min(kLongestPause, kFirstPause * (1 << std::min(round, 5)));
  // Half of it is random, so that many servers do not come back as one.
  const double part = 0.5 + random_.Fraction() / 2;
  clock_.SleepFor(std::min(
      deadline.Remaining(clock_),
      Millis(static_cast<int64_t>(static_cast<double>(pause.count()) * part))));
}

// Since the key server answers again, what else is missing is loaded as well:
// one by one, at each first use, it would take the sum of all answers' times.
void VersionLoader::LoadRest(const Deadline& deadline) {
  if (!rest_is_due_.load()) return;
  const Deadline no_wait = Deadline::After(clock_, Millis(0));
  (void)flights_.Run(kRest, no_wait, [&] {
    const Status listed = Relist();
    if (!listed.ok()) return listed;
    index_.EndPauses();
    const std::vector<KeyVersion> pending = index_.Pending();
    FailureStreak streak(std::min(options_.parallelism, pending.size() + 1));
    const Deadline reporting = deadline.ReportingThrottling();
    const auto load = [&](size_t i) -> Status {
      if (streak.IsOver() || deadline.Passed(clock_)) return Status::Ok();
      // Not as on demand: what was throttled has its pause here.
      const Status outcome =
          flights_
              .Run(pending[i], no_wait,
                   [&]() -> Status {
                     return loaded_.Find(pending[i]) != nullptr
                                ? Status::Ok()
                                : Fetch(pending[i], reporting);
                   })
              .value_or(Status::Ok());
      streak.Record(outcome);
      return outcome;
    };
    const BatchEnd end =
        RunAdaptive(pending.size(), parallelism_, clock_, deadline, load);
    // What failed in a complete pass is left to its own first use.
    rest_is_due_ = end != BatchEnd::kComplete || streak.IsOver() ||
                   deadline.Passed(clock_);
    return listed;
  });
}

// ---- Reports ---------------------------------------------------------------

size_t VersionLoader::ReportRound(int round,
                                  const std::vector<KeyVersion>& tried,
                                  std::set<KeyVersion>& reported) {
  std::vector<std::string> errors;
  std::string transient;
  size_t left = 0;
  for (const KeyVersion key : tried) {
    if (loaded_.Find(key) != nullptr) continue;
    const Status failure = index_.LastFailure(key);
    if (failure.ok() || failure.IsTransient()) {
      ++left;
      if (!failure.ok()) transient = failure.message();
    } else if (reported.insert(key).second) {
      errors.push_back(ToString(key) +
                       " cannot be loaded: " + failure.message());
    }
  }
  ReportErrors(errors);
  if (left == 0) return 0;
  log_.Write(LogLevel::kWarning,
             "attempt " + std::to_string(round) + ": " + std::to_string(left) +
                 " of " + std::to_string(tried.size()) +
                 " key versions are not loaded yet: " + transient);
  return left;
}

void VersionLoader::ReportThrottling(const Status& status) {
  if (throttling_is_reported_.exchange(true)) return;
  log_.Write(LogLevel::kWarning,
             "keys are loaded more slowly, with fewer calls at once, since the "
             "key server limits their rate: " +
                 status.message());
}

void VersionLoader::ReportErrors(const std::vector<std::string>& errors) {
  for (size_t i = 0; i < std::min(errors.size(), kMaxReports); ++i) {
    log_.Write(LogLevel::kError, errors[i]);
  }
  if (errors.size() <= kMaxReports) return;
  log_.Write(LogLevel::kError,
             std::to_string(errors.size() - kMaxReports) +
                 " more key versions cannot be loaded for such reasons");
}

}  // namespace openkeyring
