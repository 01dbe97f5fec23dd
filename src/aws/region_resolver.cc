// SPDX-License-Identifier: MIT
#include "aws/region_resolver.h"

#include <utility>

#include "aws/arn.h"
#include "aws/endpoints.h"
#include "aws/imds_client.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr const char* kPath = "/latest/meta-data/placement/region";
constexpr const char* kFallback = "us-east-1";
constexpr std::chrono::seconds kQuiet{2};
constexpr int kRequest = 0;  // The one key of the single flight.

Result<std::string> AskImds(AwsDependencies dependencies,
                            const std::string& profile,
                            const Deadline& deadline) {
  // Of its own: RegionResolver is shared by threads and an ImdsClient is not.
  ImdsClient imds(dependencies, profile);
  const Result<Secret> body = imds.Get(kPath, deadline);
  if (!body) return body.error();
  std::string region(Trim(body->RevealText()));
  if (IsPlausibleRegion(region)) return region;
  return Status(StatusCode::kUnavailable,
                "the instance metadata service gave no region name");
}

// "" when the id is not an ARN. The region becomes a part of a host's name.
Result<std::string> RegionOfArn(const std::string& key_id) {
  std::string region = RegionOfKeyArn(key_id);
  if (region.empty() || IsPlausibleRegion(region)) return region;
  return Status(StatusCode::kMisconfigured,
                "\"" + region +
                    "\", of the ARN of a KMS key, is not the name of "
                    "a region");
}

// What a caller can do about it decides the code: wait, or set the region.
Status NoRegion(const Status& error) {
  return {error.IsTransient() ? error.code() : StatusCode::kMisconfigured,
          "no AWS region is set, and the instance does not tell it: set the "
          "region (" +
              error.message() + ")"};
}

}  // namespace

RegionResolver::RegionResolver(AwsDependencies dependencies,
                               const AwsSettings& settings,
                               std::function<std::string()> configured_key)
    : dependencies_(dependencies),
      profile_(settings.profile),
      configured_region_(settings.region),
      configured_key_(std::move(configured_key)),
      requests_(dependencies.clock) {
  if (configured_region_.empty()) return;
  dependencies_.log.Write(
      LogLevel::kDebug,
      "AWS region " + settings.region + " (" + settings.region_origin + ")");
}

Result<std::string> RegionResolver::RegionFor(const std::string& key_id,
                                              const Deadline& deadline) {
  if (!configured_region_.empty()) return configured_region_;
  Result<std::string> own = RegionOfArn(key_id);
  if (!own || (!own->empty() && !IsMultiRegionKeyArn(key_id))) return own;
  Result<std::string> configured =
      RegionOfArn(configured_key_ ? configured_key_() : "");
  if (!configured || !configured->empty()) return configured;
  if (!own->empty()) return own;
  return RegionOfInstance(deadline);
}

Result<std::string> RegionResolver::RegionOfInstance(const Deadline& deadline) {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (auto known = Known()) return *std::move(known);
    }
    if (deadline.Passed(dependencies_.clock)) {
      return NoRegion({StatusCode::kTimeout, "the time allowed is over"});
    }
    requests_.Run(kRequest, deadline, [&] {
      Ask(deadline);
      return true;
    });
  }
}

std::optional<Result<std::string>> RegionResolver::Known() const {
  if (!region_.empty()) return region_;
  if (dependencies_.clock.Steady() < quiet_until_) return last_error_;
  return std::nullopt;
}

void RegionResolver::Ask(const Deadline& deadline) {
  Result<std::string> region = AskImds(dependencies_, profile_, deadline);
  LogLevel level = LogLevel::kNote;
  std::string line;
  {
    const std::lock_guard lock(mutex_);
    if (region) {
      region_ = *region;
      line = "AWS region " + *region + " (instance metadata)";
    } else if (region.error().code() == StatusCode::kNotFound) {
      region_ = kFallback;
      level = LogLevel::kWarning;
      line = "no AWS region is set, and the instance does not tell it: " +
             std::string(kFallback) + " is used. Set the region (" +
             region.error().message() + ")";
    } else if (!deadline.IsCancelled()) {
      last_error_ = NoRegion(region.error());
      quiet_until_ = dependencies_.clock.Steady() + kQuiet;
    }
  }
  if (!line.empty()) dependencies_.log.Write(level, line);
}

}  // namespace openkeyring
