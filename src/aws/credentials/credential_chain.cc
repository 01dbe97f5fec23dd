// SPDX-License-Identifier: MIT
#include "aws/credentials/credential_chain.h"

#include <algorithm>
#include <utility>

#include "aws/credentials/access_key_file.h"
#include "aws/credentials/assumed_role.h"
#include "aws/credentials/container.h"
#include "aws/credentials/environment.h"
#include "aws/credentials/environment_web_identity.h"
#include "aws/credentials/explicit.h"
#include "aws/credentials/imds.h"
#include "aws/credentials/process.h"
#include "aws/credentials/profile_keys.h"
#include "aws/credentials/profile_login.h"
#include "aws/credentials/profile_role.h"
#include "aws/credentials/profile_web_identity.h"
#include "aws/values.h"

namespace openkeyring {
namespace {

constexpr std::chrono::minutes kAdvisoryWindow{15};
constexpr std::chrono::minutes kMandatoryWindow{10};
// After a failure, with and without valid credentials in hand.
constexpr std::chrono::seconds kQuietWith{30};
constexpr std::chrono::seconds kQuietWithout{2};
// After credentials that were already near their end.
constexpr Millis kLeastQuiet{1000};
constexpr Millis kMostQuiet{std::chrono::minutes(5)};
constexpr int kRefresh = 0;  // The one key of the single flight.

// Half of what is left.
Millis QuietOf(WallTime expiration, WallTime now) {
  const auto left = std::chrono::duration_cast<Millis>(expiration - now);
  return std::clamp(left / 2, kLeastQuiet, kMostQuiet);
}

}  // namespace

CredentialChain::CredentialChain(CredentialSources sources, Clock& clock,
                                 Log& log)
    : sources_(std::move(sources)),
      clock_(clock),
      log_(log),
      refreshes_(clock) {}

Result<std::shared_ptr<const Credentials>> CredentialChain::Get(
    const Deadline& deadline) {
  for (;;) {
    std::unique_lock lock(mutex_);
    const bool may_wait = AgeOfCurrent() >= Age::kMandatory;
    if (!MustAsk(deadline) || (!may_wait && refreshes_.IsRunning(kRefresh))) {
      return WithoutAsking();
    }
    const Deadline refresh = RefreshDeadline(deadline);
    lock.unlock();
    std::optional<Result<Held>> mine;
    const bool landed = refreshes_
                            .Run(kRefresh, refresh,
                                 [&] {
                                   mine = Refresh(refresh);
                                   return true;
                                 })
                            .has_value();
    if (mine) return *mine;
    if (landed) continue;  // Another caller's refresh is over.
    lock.lock();
    return WithoutAsking();
  }
}

bool CredentialChain::Replace(const Credentials& refused) {
  const std::lock_guard lock(mutex_);
  if (current_.get() != &refused) return true;
  invalidated_ = true;
  quiet_until_ = {};
  return true;
}

std::vector<CredentialChain::Answer> CredentialChain::AskEach(
    const Deadline& deadline) const {
  std::vector<Answer> answers;
  for (const auto& source : sources_) {
    const Result<Credentials> found = source->Fetch(deadline);
    answers.push_back({source->Name(), found.status(),
                       found ? found->expiration : std::nullopt});
    if (found.status().code() != StatusCode::kNotFound) break;
  }
  return answers;
}

std::string CredentialChain::SourceName() const {
  const std::lock_guard lock(mutex_);
  return source_name_;
}

std::optional<WallTime> CredentialChain::Expiration() const {
  const std::lock_guard lock(mutex_);
  return current_ == nullptr ? std::nullopt : current_->expiration;
}

CredentialChain::Age CredentialChain::AgeOfCurrent() const {
  if (current_ == nullptr || invalidated_) return Age::kExpired;
  if (!current_->expiration) return Age::kFresh;
  const auto left = *current_->expiration - clock_.Now();
  if (left <= left.zero()) return Age::kExpired;
  if (left <= kMandatoryWindow) return Age::kMandatory;
  return left <= kAdvisoryWindow ? Age::kAdvisory : Age::kFresh;
}

bool CredentialChain::MustAsk(const Deadline& deadline) const {
  return AgeOfCurrent() != Age::kFresh && clock_.Steady() >= quiet_until_ &&
         !deadline.Passed(clock_);
}

// With valid credentials in hand a refresh may take half of the caller's time,
// so that the other half is left for what the caller wants.
Deadline CredentialChain::RefreshDeadline(const Deadline& deadline) const {
  if (AgeOfCurrent() == Age::kExpired) return deadline;
  return deadline.Within(clock_, deadline.Remaining(clock_) / 2);
}

Result<CredentialChain::Held> CredentialChain::WithoutAsking() const {
  if (AgeOfCurrent() != Age::kExpired) return current_;
  const bool is_recent = clock_.Steady() < quiet_until_;
  if (!last_error_.ok() && (is_recent || !refreshes_.IsRunning(kRefresh))) {
    return last_error_;
  }
  return Status(StatusCode::kTimeout, "no AWS credentials in the time allowed");
}

Result<CredentialChain::Held> CredentialChain::Refresh(
    const Deadline& deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (!MustAsk(deadline)) return WithoutAsking();
  }
  Result<FoundCredentials> found = AskSources(deadline);
  const Status error = found.status();
  LogLevel level = LogLevel::kDebug;
  std::string line;
  Result<Held> result = error;
  {
    const std::lock_guard lock(mutex_);
    line = found ? Accept(std::move(*found), level)
                 : RememberFailure(error, deadline, level);
    if (error.ok() || AgeOfCurrent() != Age::kExpired) result = current_;
  }
  if (!line.empty()) log_.Write(level, line);
  return result;
}

Result<FoundCredentials> CredentialChain::AskSources(const Deadline& deadline) {
  Result<FoundCredentials> found = AskInOrder(sources_, deadline);
  if (!found) return found;
  const auto& expiration = found->credentials.expiration;
  if (!expiration || *expiration > clock_.Now()) return found;
  return Status(StatusCode::kDenied,
                "the AWS credentials from " + found->source + " ended at " +
                    IsoTime(*expiration) +
                    ": renew them, and check this machine's clock");
}

std::string CredentialChain::Accept(FoundCredentials found, LogLevel& level) {
  const bool is_new = current_ == nullptr || source_name_ != found.source;
  current_ = std::make_shared<const Credentials>(std::move(found.credentials));
  invalidated_ = false;
  last_error_ = Status::Ok();
  source_name_ = std::move(found.source);
  quiet_until_ = {};
  if (AgeOfCurrent() != Age::kFresh) {
    quiet_until_ =
        clock_.Steady() + QuietOf(*current_->expiration, clock_.Now());
  }
  level = is_new ? LogLevel::kNote : LogLevel::kDebug;
  std::string line = "AWS credentials from " + source_name_ + ", access key " +
                     current_->access_key_id;
  if (current_->expiration) line += ", until " + IsoTime(*current_->expiration);
  return line;
}

// Without credentials, a failure for want of this caller's time says nothing to
// the next caller; one because the caller went away never does.
std::string CredentialChain::RememberFailure(const Status& error,
                                             const Deadline& deadline,
                                             LogLevel& level) {
  const bool valid = AgeOfCurrent() != Age::kExpired;
  if (deadline.IsCancelled()) return "";
  last_error_ = error;
  if (valid || !deadline.Passed(clock_)) {
    quiet_until_ = clock_.Steady() + (valid ? kQuietWith : kQuietWithout);
  }
  if (!valid) return "";  // The caller gets the error itself.
  level = LogLevel::kWarning;
  return "AWS credentials could not be refreshed; the old ones are used "
         "until " +
         IsoTime(*current_->expiration) + ": " + error.message();
}

namespace {

// Environment, profile, web identity, container, instance.
void AddUsualSources(AwsDependencies dependencies, const AwsOptions& options,
                     const std::string& profile,
                     const std::shared_ptr<StsClient>& sts,
                     CredentialSources& sources) {
  const bool use_environment = options.profile.empty();
  const auto add = [&](auto source) { sources.push_back(std::move(source)); };
  using Kind = ProfileFile::Kind;
  if (use_environment) {
    add(std::make_unique<EnvironmentSource>(dependencies.environment));
  }
  add(std::make_unique<ProfileRoleSource>(dependencies, sts, profile));
  add(std::make_unique<ProfileWebIdentitySource>(dependencies, sts, profile));
  if (use_environment) {
    add(std::make_unique<EnvironmentWebIdentitySource>(dependencies, sts));
  }
  add(std::make_unique<ProfileKeysSource>(dependencies, profile,
                                          Kind::kCredentials));
  add(std::make_unique<ProcessSource>(dependencies, profile));
  add(std::make_unique<ProfileKeysSource>(dependencies, profile,
                                          Kind::kConfig));
  add(std::make_unique<ProfileLoginSource>(dependencies, profile));
  add(std::make_unique<ContainerSource>(dependencies));
  add(std::make_unique<ImdsSource>(dependencies, profile));
}

}  // namespace

std::unique_ptr<CredentialChain> MakeCredentialChain(
    AwsDependencies dependencies, const AwsOptions& options,
    const AwsSettings& settings, RegionResolver& region) {
  const auto sts = std::make_shared<StsClient>(dependencies, settings, region);
  CredentialSources sources;
  if (!options.key_file.empty()) {
    sources.push_back(std::make_unique<AccessKeyFileSource>(dependencies.files,
                                                            options.key_file));
  } else {
    sources.push_back(std::make_unique<ExplicitSource>(options));
    AddUsualSources(dependencies, options, settings.profile, sts, sources);
  }
  if (!options.role_arn.empty()) {
    RoleRequest role;
    role.role_arn = options.role_arn;
    role.external_id = options.external_id;
    CredentialSources on_top;
    on_top.push_back(std::make_unique<AssumedRoleSource>(std::move(sources),
                                                         sts, std::move(role)));
    sources = std::move(on_top);
  }
  return std::make_unique<CredentialChain>(
      std::move(sources), dependencies.clock, dependencies.log);
}

}  // namespace openkeyring
