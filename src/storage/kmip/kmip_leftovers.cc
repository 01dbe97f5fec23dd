// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_leftovers.h"

#include <string>
#include <utility>

namespace openkeyring {
namespace {

constexpr std::chrono::minutes kAbandonedAfter{10};

}  // namespace

void KmipLeftovers::Add(const KeyName& name, Object object, size_t server) {
  const std::lock_guard lock(mutex_);
  failed_.emplace(name, Failed{std::move(object), server});
}

Status KmipLeftovers::Withdraw(const KeyName* name, const Deadline& deadline) {
  std::multimap<KeyName, Failed> failed;
  {
    const std::lock_guard lock(mutex_);
    failed = failed_;
  }
  Status first_failure;
  for (const auto& [of, one] : failed) {
    if (name != nullptr && of != *name) continue;
    KmipSession session(client_, one.server);
    KmipObjects objects(session, log_);
    const Object& object = one.object;
    Status status = objects.Withdraw(object.id, object.type, deadline);
    if (!status.ok()) {
      if (first_failure.ok()) first_failure = status;
      continue;
    }
    const std::lock_guard lock(mutex_);
    std::erase_if(failed_, [id = object.id](const auto& entry) {
      return entry.second.object.id == id;
    });
  }
  return first_failure.WithContext("what an earlier try left");
}

void KmipLeftovers::SetUnfinished(const std::vector<Object>& unfinished,
                                  size_t server) {
  if (!unfinished.empty()) {
    log_.Write(LogLevel::kWarning,
               std::to_string(unfinished.size()) +
                   " objects on the KMIP server were left by stores that "
                   "failed (" +
                   KmipObjectText(unfinished.front().id) +
                   (unfinished.size() > 1 ? ", ..." : "") +
                   "); they are not keys, and the next store destroys those "
                   "that are older than ten minutes");
  }
  const std::lock_guard lock(mutex_);
  unfinished_.clear();
  for (const Object& object : unfinished) {
    unfinished_.push_back({object, server});
  }
}

// What cannot be destroyed now is found again by the next load.
void KmipLeftovers::DestroyAbandoned(const Deadline& deadline) {
  std::vector<Failed> unfinished;
  {
    const std::lock_guard lock(mutex_);
    unfinished.swap(unfinished_);
  }
  for (const auto& [object, server] : unfinished) {
    KmipSession session(client_, server);
    KmipObjects objects(session, log_);
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
