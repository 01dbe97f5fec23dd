// SPDX-License-Identifier: MIT
#include "emulators/kms/availability.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kms_emulator {
namespace {

using openkeyring::Millis;
using openkeyring::SteadyTime;

double Seconds(SteadyTime::duration time) {
  return std::chrono::duration<double>(time).count();
}

Fault Throttled() {
  Fault fault;
  fault.kind = "throttle";
  return fault;
}

Fault InternalError() {
  Fault fault;
  fault.kind = "http_status";
  fault.status = 500;
  fault.code = "KMSInternalException";
  fault.message = "The request was rejected because an internal error occurred";
  return fault;
}

}  // namespace

void RequestQuota::Set(double per_second, double burst, SteadyTime now) {
  per_second_ = per_second;
  burst_ = tokens_ = burst;
  filled_ = now;
}

bool RequestQuota::Take(SteadyTime now) {
  if (per_second_ <= 0) return true;
  tokens_ = std::min(burst_, tokens_ + per_second_ * Seconds(now - filled_));
  filled_ = now;
  if (tokens_ < 1) return false;
  --tokens_;
  return true;
}

void Availability::SetQuota(double per_second, double burst) {
  const std::lock_guard lock(mutex_);
  quota_.Set(per_second, burst, clock_.Steady());
}

void Availability::SetErrors(double percent) {
  const std::lock_guard lock(mutex_);
  error_percent_ = percent;
}

void Availability::PlanOutage(Millis after, Millis duration, Fault fault) {
  const std::lock_guard lock(mutex_);
  outage_begins_ = clock_.Steady() + after;
  outage_ends_ = outage_begins_ + duration;
  outage_ = std::move(fault);
}

bool Availability::IsOutLocked(SteadyTime now) const {
  return outage_begins_ <= now && now < outage_ends_;
}

Json Availability::ToJson() const {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.Steady();
  return {{"quota",
           {{"requests_per_second", quota_.per_second()},
            {"burst", quota_.burst()}}},
          {"errors", {{"percent", error_percent_}}},
          {"outage",
           {{"now", IsOutLocked(now)},
            {"ends_in_s", std::max(0.0, Seconds(outage_ends_ - now))}}}};
}

std::optional<Fault> Availability::FaultFor(const std::string& service) {
  if (service != "kms" && service != "sts") return std::nullopt;
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.Steady();
  if (IsOutLocked(now)) return outage_;
  if (service != "kms") return std::nullopt;
  if (!quota_.Take(now)) return Throttled();
  if (random_.Fraction() * 100 < error_percent_) return InternalError();
  return std::nullopt;
}

}  // namespace kms_emulator
