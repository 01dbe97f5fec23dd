// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_leftovers.h"

#include <string>
#include <utility>

namespace openkeyring {
namespace {

constexpr std::chrono::minutes kAbandonedAfter{10};

}  // namespace

void KmipLeftovers::Add(const KeyName& name, Object object) {
  const std::lock_guard lock(mutex_);
  failed_.emplace(name, std::move(object));
}

Status KmipLeftovers::Retire(const KeyName* name, KmipObjects& objects,
                             const Deadline& deadline) {
  std::multimap<KeyName, Object> failed;
  {
    const std::lock_guard lock(mutex_);
    failed = failed_;
  }
  Status first_failure;
  for (const auto& [of, object] : failed) {
    if (name != nullptr && of != *name) continue;
    Status status = objects.Retire(object.id, object.type, deadline);
    if (!status.ok()) {
      if (first_failure.ok()) first_failure = status;
      continue;
    }
    const std::lock_guard lock(mutex_);
    std::erase_if(failed_, [id = object.id](const auto& entry) {
      return entry.second.id == id;
    });
  }
  return first_failure.WithContext("what an earlier try left");
}

void KmipLeftovers::SetUnfinished(
    const std::vector<KmipKeyCollector::Candidate>& unfinished) {
  if (!unfinished.empty()) {
    log_.Write(LogLevel::kWarning,
               std::to_string(unfinished.size()) +
                   " objects on the KMIP server were left by stores that "
                   "failed (" +
                   KmipObjectText(unfinished.front().object.id) +
                   (unfinished.size() > 1 ? ", ..." : "") +
                   "); they are not keys, and the next store destroys those "
                   "that are older than ten minutes");
  }
  const std::lock_guard lock(mutex_);
  unfinished_.clear();
  for (const auto& one : unfinished) unfinished_.push_back(one.object);
}

// What cannot be destroyed now is found again by the next load.
void KmipLeftovers::DestroyAbandoned(KmipObjects& objects,
                                     const Deadline& deadline) {
  std::vector<Object> unfinished;
  {
    const std::lock_guard lock(mutex_);
    unfinished.swap(unfinished_);
  }
  for (const Object& object : unfinished) {
    const auto abandoned = objects.IsPreActiveSince(
        object.id, clock_.Now() - kAbandonedAfter, deadline);
    if (!abandoned || !*abandoned) continue;
    if (objects.DestroyPreActive(object.id, deadline).ok()) {
      log_.Write(LogLevel::kNote,
                 KmipObjectText(object.id) +
                     ", which a store that failed had left, is destroyed");
    }
  }
}

}  // namespace openkeyring
