// SPDX-License-Identifier: MIT
#include "testing/memory_backend.h"

namespace openkeyring {
namespace {

Key CopyOf(const Key& key) { return {key.name, key.type, key.data.Clone()}; }

}  // namespace

// Finds out the operation's fault: first the hook's, then the queue's.
class MemoryBackend::Visit {
 public:
  Visit(MemoryBackend& backend, const std::string& operation,
        const KeyName* name, const Deadline& deadline)
      : backend_(backend), name_(name) {
    Hook hook;
    {
      std::lock_guard lock(backend_.mutex_);
      ++backend_.calls_[operation];
      backend_.deadline_ = deadline.at();
      hook = backend_.hook_;
      Arrive();
    }
    if (hook) fault_.status = hook(operation, name ? *name : KeyName());
    std::lock_guard lock(backend_.mutex_);
    if (!fault_.status.ok() || backend_.faults_.empty()) return;
    fault_ = std::move(backend_.faults_.front());
    backend_.faults_.pop_front();
  }
  ~Visit() {
    std::lock_guard lock(backend_.mutex_);
    if (name_ == nullptr) --backend_.loads_;
    if (is_first_) backend_.visited_.erase(*name_);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  const Status& status() const { return fault_.status; }
  bool takes_effect() const {
    return fault_.status.ok() || fault_.takes_effect;
  }

 private:
  void Arrive() {
    if (name_ == nullptr) {
      ++backend_.loads_;
      if (!backend_.visited_.empty()) backend_.met_ = true;
      return;
    }
    is_first_ = backend_.visited_.insert(*name_).second;
    if (!is_first_ || backend_.loads_ > 0) backend_.met_ = true;
  }

  MemoryBackend& backend_;
  const KeyName* const name_;  // Null in a Load.
  bool is_first_ = false;
  Fault fault_;
};

void MemoryBackend::SetHook(Hook hook) {
  std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void MemoryBackend::PushFault(Status status, bool takes_effect) {
  std::lock_guard lock(mutex_);
  faults_.push_back({std::move(status), takes_effect});
}

void MemoryBackend::Put(const KeyName& name, const std::string& type,
                        std::string_view data) {
  std::lock_guard lock(mutex_);
  keys_.emplace(name, Key{name, type, Secret::CopyOf(data)});
}

std::map<KeyName, std::string> MemoryBackend::Contents() const {
  std::lock_guard lock(mutex_);
  std::map<KeyName, std::string> contents;
  for (const auto& [name, key] : keys_) {
    contents[name] = key.type + ":" + std::string(key.data.RevealText());
  }
  return contents;
}

int MemoryBackend::calls(const std::string& operation) const {
  std::lock_guard lock(mutex_);
  const auto found = calls_.find(operation);
  return found == calls_.end() ? 0 : found->second;
}

bool MemoryBackend::met() const {
  std::lock_guard lock(mutex_);
  return met_;
}

Result<std::vector<Key>> MemoryBackend::Load(const Deadline& deadline) {
  const Visit visit(*this, "Load", nullptr, deadline);
  if (!visit.status().ok()) return visit.status();
  std::lock_guard lock(mutex_);
  std::vector<Key> keys;
  for (const auto& [name, key] : keys_) keys.push_back(CopyOf(key));
  return keys;
}

Status MemoryBackend::Store(const Key& key, const Deadline& deadline) {
  const Visit visit(*this, "Store", &key.name, deadline);
  if (!visit.takes_effect()) return visit.status();
  std::lock_guard lock(mutex_);
  if (keys_.contains(key.name)) {
    return {StatusCode::kAlreadyExists, ToString(key.name) + " is there"};
  }
  keys_.emplace(key.name, CopyOf(key));
  return visit.status();
}

Status MemoryBackend::Remove(const KeyName& name, const Deadline& deadline) {
  const Visit visit(*this, "Remove", &name, deadline);
  if (!visit.takes_effect()) return visit.status();
  std::lock_guard lock(mutex_);
  if (keys_.erase(name) == 0) {
    return {StatusCode::kNotFound, ToString(name) + " is not there"};
  }
  return visit.status();
}

std::vector<std::pair<std::string, std::string>> MemoryBackend::Describe()
    const {
  return {{"File_format", "memory"}};
}

SteadyTime MemoryBackend::deadline() const {
  std::lock_guard lock(mutex_);
  return deadline_;
}

}  // namespace openkeyring
