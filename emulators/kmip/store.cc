// SPDX-License-Identifier: MIT
#include "emulators/kmip/store.h"

#include <stdlib.h>

#include <utility>

namespace kmip_server {

using openkeyring::KmipState;

namespace {

constexpr const char kPrefix[] = "object-";

int64_t NumberOf(const std::string& id) {
  if (!id.starts_with(kPrefix)) return 0;
  return strtoll(id.c_str() + sizeof kPrefix - 1, nullptr, 10);
}

// A date that has passed is a change of state (KMIP 1.4 section 3.22).
void ApplyDates(StoredObject& object, openkeyring::KmipTime now) {
  KmipAttributes& attributes = object.attributes;
  if (attributes.state == KmipState::kPreActive && attributes.activation_date &&
      *attributes.activation_date <= now) {
    attributes.state = KmipState::kActive;
  }
  if (attributes.state == KmipState::kActive && attributes.deactivation_date &&
      *attributes.deactivation_date <= now) {
    attributes.state = KmipState::kDeactivated;
  }
}

}  // namespace

std::string Store::Add(StoredObject object) {
  const std::lock_guard lock(mutex_);
  const int64_t number = next_++;
  std::string id = kPrefix + std::to_string(number);
  object.attributes.unique_identifier = id;
  objects_.emplace(number, std::move(object));
  return id;
}

bool Store::With(const std::string& id, const std::string& owner,
                 const std::function<void(StoredObject&)>& call) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(NumberOf(id));
  if (found == objects_.end() || found->second.owner != owner) return false;
  ApplyDates(found->second, Now());
  call(found->second);
  if (found->second.removed) objects_.erase(found);
  return true;
}

void Store::Forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  objects_.erase(NumberOf(id));
}

void Store::ForgetFirst() {
  const std::lock_guard lock(mutex_);
  if (!objects_.empty()) objects_.erase(objects_.begin());
}

bool Store::Has(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return objects_.contains(NumberOf(id));
}

std::vector<std::string> Store::Find(
    const std::string& owner,
    const std::function<bool(const StoredObject&)>& matches) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (auto& [number, object] : objects_) {
    ApplyDates(object, Now());
    if (object.owner == owner && matches(object)) {
      ids.push_back(*object.attributes.unique_identifier);
    }
  }
  return ids;
}

void Store::ForEach(const std::function<void(StoredObject&)>& call) {
  const std::lock_guard lock(mutex_);
  for (auto& [number, object] : objects_) {
    ApplyDates(object, Now());
    call(object);
  }
}

openkeyring::KmipTime Store::Now() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.Now());
}

size_t Store::size() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

}  // namespace kmip_server
