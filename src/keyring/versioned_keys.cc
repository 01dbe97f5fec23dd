// SPDX-License-Identifier: MIT
#include "keyring/versioned_keys.h"

#include <utility>

#include "base/failure_streak.h"
#include "keyring/adaptive_parallelism.h"

namespace openkeyring {
namespace {

// Names the flight of a rotation; no key has this version.
constexpr uint32_t kRotation = 0xffffffff;
// Names the flight of a first creation, and its failure in the index.
constexpr uint32_t kFirstCreation = 0;

std::string NameOf(uint32_t id) { return "key " + std::to_string(id); }

}  // namespace

VersionedKeys::VersionedKeys(VersionedBackend& backend, Clock& clock,
                             Random& random, Log& log, Options options)
    : backend_(backend),
      clock_(clock),
      random_(random),
      log_(log),
      options_(std::move(options)),
      index_(loaded_, clock),
      loader_(backend, loaded_, index_, clock, random, log,
              {options_.operation_deadline, options_.parallelism}),
      flights_(clock) {}

Status VersionedKeys::CheckAllLoaded() const {
  if (!loader_.rest_failure().ok()) return loader_.rest_failure();
  for (const KeyVersion key : index_.NotLoaded()) {
    const Status failure = index_.LastFailure(key);
    if (failure.code() == StatusCode::kCorrupt &&
        key.version != index_.Highest(key.id)) {
      continue;
    }
    if (!failure.ok()) {
      return failure.WithContext(ToString(key) + " is not loaded");
    }
    return {
        StatusCode::kUnavailable,
        ToString(key) + " was not tried, since the key server did not answer"};
  }
  return Status::Ok();
}

// ---- Reading ---------------------------------------------------------------

Result<const Secret*> VersionedKeys::Get(KeyVersion key) {
  if (key.version == 0 || key.version > kMaxKeyVersion) {
    return Status(StatusCode::kInvalidArgument,
                  ToString(key) + " cannot exist");
  }
  if (const Secret* ready = loaded_.Find(key)) return ready;
  Status status = loader_.Load(key, OperationDeadline());
  if (!status.ok()) return status;
  return loaded_.Find(key);
}

Result<uint32_t> VersionedKeys::LatestVersion(uint32_t id) {
  if (const uint32_t ready = loaded_.Latest(id)) return ready;
  if (id == 0) {
    return Status(StatusCode::kInvalidArgument, "key id 0 cannot exist");
  }
  const Deadline deadline = OperationDeadline();
  for (;;) {
    const uint32_t highest = index_.Highest(id);
    Status status = highest == 0 ? CreateFirst(id, deadline)
                                 : loader_.Load({id, highest}, deadline);
    if (const uint32_t ready = loaded_.Latest(id)) return ready;
    if (status.ok() || highest != index_.Highest(id)) continue;
    if (highest == 0) return status;
    return status.WithContext("the newest version of " + NameOf(id) +
                              " cannot be used");
  }
}

// ---- Creation --------------------------------------------------------------

Status VersionedKeys::RunInFlight(KeyVersion key, const Deadline& deadline,
                                  const std::function<Status()>& work) {
  return flights_.Run(key, deadline, work)
      .value_or(Status(StatusCode::kTimeout,
                       NameOf(key.id) + " is being made by another thread"));
}

Status VersionedKeys::CreateFirst(uint32_t id, const Deadline& deadline) {
  const KeyVersion first{id, kFirstCreation};
  return RunInFlight(first, deadline, [&]() -> Status {
    if (index_.Highest(id) != 0) return Status::Ok();
    Status status = index_.PausedFailure(first);
    if (!status.ok()) return status;
    const SteadyTime began = clock_.Steady();
    status = CreateFirstNow(id, deadline);
    if (status.ok()) return status;
    status = status.WithContext("cannot make " + NameOf(id));
    index_.RememberFailure(
        first, status,
        std::chrono::duration_cast<Millis>(clock_.Steady() - began));
    return status;
  });
}

Status VersionedKeys::CreateFirstNow(uint32_t id, const Deadline& deadline) {
  // Another server on the same store may have made the id meanwhile.
  Status status = loader_.RelistProven(deadline);
  if (!status.ok() || index_.Highest(id) != 0) return status;
  status = MayCreate();
  if (!status.ok()) return status;
  const bool is_empty = index_.empty();
  const KeyVersion key{id, 1};
  status = backend_.Create(key, options_.key_bytes(), deadline);
  if (!status.ok() && status.code() != StatusCode::kAlreadyExists) {
    return status;
  }
  index_.Add({key});
  index_.RememberSuccess({id, kFirstCreation});
  if (!status.ok()) return Status::Ok();
  log_.Write(is_empty ? LogLevel::kWarning : LogLevel::kNote,
             "made version 1 of " + NameOf(id) + ", " + backend_.Describe(key) +
                 (is_empty ? ": nothing was stored there, so this is a new "
                             "installation. If this server has encrypted data "
                             "already, stop it and correct the configuration"
                           : ", since nothing of that key was stored"));
  return Status::Ok();
}

Status VersionedKeys::MayCreate() const {
  return options_.may_create ? options_.may_create(index_.empty())
                             : Status::Ok();
}

// ---- Rotation --------------------------------------------------------------

Result<uint32_t> VersionedKeys::Rotate(uint32_t id) {
  Status status = loader_.Relist();
  if (status.ok())
    status = RotateInFlight(id, Unreadable::kPass, OperationDeadline());
  if (!status.ok()) return status;
  return loaded_.Latest(id);
}

std::vector<VersionedKeys::Rotated> VersionedKeys::RotateAll() {
  const Status listed = loader_.Relist();
  std::vector<Rotated> results;
  for (const uint32_t id : index_.Ids()) {
    results.push_back(
        {id, Status(StatusCode::kUnavailable,
                    "not tried, since the calls before it all failed")});
  }
  if (!listed.ok()) {
    for (Rotated& result : results) result.version = listed;
    return results;
  }
  if (backend_.creates_together()) {
    RotateTogether(results);
    return results;
  }
  const size_t parallelism =
      options_.rotation_parallelism.value_or(options_.parallelism);
  const size_t turns = options_.rotation_parallelism.value_or(1);
  FailureStreak streak(parallelism);
  AdaptiveParallelism adaptive(parallelism, random_);
  // What is throttled still says so itself.
  (void)RunAdaptive(
      results.size(), adaptive, clock_,
      Deadline::After(clock_, kLongestThrottledCreation),
      [&](size_t i) -> Status {
        if (streak.IsOver()) return Status::Ok();
        Status status = RotateOneOfAll(
            results[i],
            Deadline::After(clock_, options_.operation_deadline() * turns));
        streak.Record(status);
        return status;
      });
  return results;
}

// kThrottled when it may be repeated: a version that was made and cannot be
// read back is not made again.
Status VersionedKeys::RotateOneOfAll(Rotated& result,
                                     const Deadline& deadline) {
  const uint32_t before = index_.Highest(result.id);
  const Status status = RotateInFlight(result.id, Unreadable::kRefuse,
                                       deadline.ReportingThrottling());
  result.version =
      status.ok() ? Result<uint32_t>(loaded_.Latest(result.id)) : status;
  const bool is_made = index_.Highest(result.id) != before;
  return is_made && status.code() == StatusCode::kThrottled ? Status::Ok()
                                                            : status;
}

// Without a flight for each id: who rotates one of them meanwhile makes the
// same version, and the second is told that it exists.
void VersionedKeys::RotateTogether(std::vector<Rotated>& results) {
  const auto deadline = [this] { return OperationDeadline(); };
  std::vector<KeyVersion> keys;
  std::vector<Rotated*> rotated;
  for (Rotated& result : results) {
    const Result<KeyVersion> key =
        VersionToMake(result.id, Unreadable::kRefuse, deadline());
    if (!key) {
      result.version = key.error();
      continue;
    }
    keys.push_back(*key);
    rotated.push_back(&result);
  }
  const std::vector<Status> created =
      backend_.CreateAll(keys, options_.key_bytes(), deadline);
  for (size_t i = 0; i < keys.size(); ++i) {
    const Status status = UseNewVersion(keys[i], created[i], deadline());
    rotated[i]->version =
        status.ok() ? Result<uint32_t>(loaded_.Latest(keys[i].id)) : status;
  }
}

Status VersionedKeys::RotateInFlight(uint32_t id, Unreadable newest,
                                     const Deadline& deadline) {
  return RunInFlight({id, kRotation}, deadline,
                     [&] { return RotateNow(id, newest, deadline); });
}

Status VersionedKeys::RotateNow(uint32_t id, Unreadable newest,
                                const Deadline& deadline) {
  const Result<KeyVersion> key = VersionToMake(id, newest, deadline);
  if (!key) return key.error();
  return UseNewVersion(*key,
                       backend_.Create(*key, options_.key_bytes(), deadline),
                       deadline.WithoutReportingThrottling());
}

Result<KeyVersion> VersionedKeys::VersionToMake(uint32_t id, Unreadable newest,
                                                const Deadline& deadline) {
  const Result<uint32_t> next = NextVersion(id);
  if (!next) return next.error();
  Status status = MayCreate();
  if (status.ok()) status = CheckNewest({id, *next - 1}, newest, deadline);
  if (!status.ok()) return status;
  return KeyVersion{id, *next};
}

Status VersionedKeys::UseNewVersion(KeyVersion key, const Status& created,
                                    const Deadline& deadline) {
  if (!created.ok() && created.code() != StatusCode::kAlreadyExists) {
    return created.WithContext("cannot make " + ToString(key));
  }
  index_.Add({key});
  index_.RememberSuccess(key);
  return loader_.Load(key, deadline)
      .WithContext(ToString(key) +
                   " was made but cannot be read back yet, so that the version "
                   "before it stays in use");
}

Status VersionedKeys::CheckNewest(KeyVersion newest, Unreadable unreadable,
                                  const Deadline& deadline) {
  const Status loaded = loader_.Load(newest, deadline);
  if (loaded.ok() || loaded.IsTransient()) return Status::Ok();
  if (unreadable == Unreadable::kRefuse) {
    return loaded.WithContext(
        "not rotated, because the newest version cannot be used and only a "
        "rotation of this very key goes past it");
  }
  log_.Write(LogLevel::kWarning,
             NameOf(newest.id) + " is rotated although its newest version, " +
                 std::to_string(newest.version) + ", cannot be used (" +
                 loaded.message() +
                 "); data encrypted with that version stays unreadable until "
                 "it is restored");
  return Status::Ok();
}

Result<uint32_t> VersionedKeys::NextVersion(uint32_t id) const {
  const uint32_t highest = index_.Highest(id);
  if (highest == 0) {
    return Status(StatusCode::kNotFound, NameOf(id) + " does not exist");
  }
  if (highest >= kMaxKeyVersion) {
    return Status(StatusCode::kMisconfigured,
                  backend_.Describe({id, highest}) +
                      " has the highest version there can be, so that no new "
                      "one can follow; remove it if it is not genuine");
  }
  return highest + 1;
}

Deadline VersionedKeys::OperationDeadline() const {
  return Deadline::After(clock_, options_.operation_deadline());
}

}  // namespace openkeyring
