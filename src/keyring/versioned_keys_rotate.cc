// SPDX-License-Identifier: MIT
// VersionedKeys: rotation.
#include <utility>

#include "base/failure_streak.h"
#include "keyring/versioned_keys.h"
#include "os/parallel.h"

namespace openkeyring {
namespace {

// Names the flight of a rotation; no key has this version.
constexpr uint32_t kRotation = 0xffffffff;

}  // namespace

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
    return status.WithContext("can't make " + ToString(key));
  }
  {
    std::lock_guard lock(mutex_);
    known_[id].insert(key.version);
  }
  return Load(key, deadline)
      .WithContext(ToString(key) +
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

}  // namespace openkeyring
