// SPDX-License-Identifier: MIT
#include "aws/region_resolver.h"

#include <algorithm>
#include <utility>

#include "aws/endpoints.h"
#include "aws/imds_client.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr const char* kPath = "/latest/meta-data/placement/region";
constexpr const char* kFallback = "us-east-1";
constexpr std::chrono::minutes kAskAgainAfter{1};
// Waiting by the injected clock: how often it is looked at.
constexpr Millis kSlice{50};

Result<std::string> RegionOfInstance(AwsDependencies dependencies,
                                     const std::string& profile,
                                     const Deadline& deadline) {
  // Of its own: RegionResolver is shared by threads and an ImdsClient is not.
  ImdsClient imds(dependencies, profile);
  const Result<Secret> body = imds.Get(kPath, deadline);
  if (!body) return body.error();
  std::string region(Trim(body->RevealText()));
  if (IsPlausibleRegion(region)) return region;
  return Status(StatusCode::kCorrupt,
                "the instance metadata service gave no region name");
}

}  // namespace

RegionResolver::RegionResolver(AwsDependencies dependencies,
                               const AwsSettings& settings)
    : dependencies_(dependencies),
      profile_(settings.profile),
      region_(settings.region) {
  if (region_.empty()) return;
  dependencies_.log.Write(LogLevel::kDebug, "AWS region " + region_ + " (" +
                                                settings.region_origin + ")");
}

std::string RegionResolver::Region(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  while (asking_ && !deadline.Passed(dependencies_.clock)) {
    asked_.wait_for(lock,
                    std::min(kSlice, deadline.Remaining(dependencies_.clock)));
  }
  const bool must_ask = region_.empty() && !asking_ &&
                        dependencies_.clock.Steady() >= ask_again_ &&
                        !deadline.Passed(dependencies_.clock);
  if (must_ask) {
    asking_ = true;
    lock.unlock();
    Ask(deadline);
    lock.lock();
  }
  return region_.empty() ? kFallback : region_;
}

void RegionResolver::Ask(const Deadline& deadline) {
  // Runs even when something throws: nobody may wait for ever.
  struct Done {
    ~Done() {
      {
        std::lock_guard lock(resolver.mutex_);
        resolver.asking_ = false;
      }
      resolver.asked_.notify_all();
    }
    RegionResolver& resolver;
  } done{*this};
  Result<std::string> region =
      RegionOfInstance(dependencies_, profile_, deadline);
  if (!region) return RememberFailure(region.error());
  dependencies_.log.Write(LogLevel::kNote,
                          "AWS region " + *region + " (instance metadata)");
  std::lock_guard lock(mutex_);
  region_ = std::move(*region);
}

void RegionResolver::RememberFailure(const Status& error) {
  bool first;
  {
    std::lock_guard lock(mutex_);
    first = !std::exchange(failed_, true);
    ask_again_ = dependencies_.clock.Steady() + kAskAgainAfter;
  }
  if (!first) return;
  dependencies_.log.Write(
      LogLevel::kWarning,
      "no AWS region is set, and the instance does not tell: " +
          std::string(kFallback) + " is used until it does (" +
          error.message() + ")");
}

}  // namespace openkeyring
