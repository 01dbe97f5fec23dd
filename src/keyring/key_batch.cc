// SPDX-License-Identifier: MIT
#include "keyring/key_batch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/failure_streak.h"
#include "keyring/adaptive_parallelism.h"

namespace openkeyring {
namespace {

Status NotTried() { return {StatusCode::kTimeout, "no time was left for it"}; }

// The one that a person should see first.
size_t WorstOf(const std::vector<Status>& results) {
  const auto permanent = std::ranges::find_if(
      results, [](const Status& s) { return !s.ok() && !s.IsTransient(); });
  const auto found = permanent != results.end()
                         ? permanent
                         : std::ranges::find_if_not(results, &Status::ok);
  return static_cast<size_t>(found - results.begin());
}

}  // namespace

Status ForEveryKey(const std::vector<KeyName>& names, size_t parallelism,
                   Clock& clock, Random& random, const Deadline& deadline,
                   std::string_view doing,
                   const std::function<Status(size_t, const Deadline&)>& job) {
  const size_t count = names.size();
  std::vector<Status> results(count);
  std::vector<char> tried(count, 0);  // Not bits: threads write to them.
  FailureStreak streak(std::min(std::max<size_t>(parallelism, 1), count));
  AdaptiveParallelism adaptive(parallelism, random);
  const Deadline reporting = deadline.ReportingThrottling();
  (void)RunAdaptive(count, adaptive, clock, deadline, [&](size_t i) -> Status {
    if (streak.IsOver() || deadline.Passed(clock)) return Status::Ok();
    tried[i] = 1;
    results[i] = job(i, reporting);
    streak.Record(results[i]);
    return results[i];
  });
  const auto failed = static_cast<size_t>(
      std::ranges::count_if(results, [](const Status& s) { return !s.ok(); }));
  const auto left = static_cast<size_t>(std::ranges::count(tried, 0));
  if (failed + left == 0) return Status::Ok();
  const size_t worst =
      failed != 0
          ? WorstOf(results)
          : static_cast<size_t>(std::ranges::find(tried, 0) - tried.begin());
  const Status& reason = failed != 0 ? results[worst] : NotTried();
  std::string text = "cannot " + std::string(doing) + " " +
                     ToString(names[worst]) + ": " + reason.message() + " (" +
                     std::to_string(failed) + " of " + std::to_string(count) +
                     " keys failed";
  if (left != 0) text += ", " + std::to_string(left) + " were not tried";
  return {reason.code(), text + ")"};
}

}  // namespace openkeyring
