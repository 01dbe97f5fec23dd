// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_MEMORY_BACKEND_H_
#define OPENKEYRING_TESTING_MEMORY_BACKEND_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "keyring/backend.h"

namespace openkeyring {

// What would be in a file: keys that stay when a backend goes.
// Threads: all methods may be called at once.
class MemoryKeys {
 public:
  // Called first in every operation, outside the lock, with "Load", "Store" or
  // "Remove"; an error is the operation's outcome, and it may throw.
  using Hook = std::function<Status(const std::string& operation)>;

  void SetHook(Hook hook) {
    std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }
  void Put(Key key) {
    std::lock_guard lock(mutex_);
    KeyName name = key.name;
    keys_[std::move(name)] = std::move(key);
  }
  void Erase(const KeyName& name) {
    std::lock_guard lock(mutex_);
    keys_.erase(name);
  }
  size_t size() const {
    std::lock_guard lock(mutex_);
    return keys_.size();
  }
  Status Enter(const std::string& operation) {
    Hook hook;
    {
      std::lock_guard lock(mutex_);
      hook = hook_;
    }
    return hook ? hook(operation) : Status::Ok();
  }
  std::vector<Key> All() const {
    std::lock_guard lock(mutex_);
    std::vector<Key> all;
    for (const auto& [name, key] : keys_) all.push_back(CopyOf(key));
    return all;
  }
  static Key CopyOf(const Key& key) {
    return {key.name, key.type, key.data.Clone()};
  }

 private:
  mutable std::mutex mutex_;
  Hook hook_;
  std::map<KeyName, Key> keys_;
};

// A backend over such keys, which it shares with others.
class MemoryBackend : public Backend {
 public:
  explicit MemoryBackend(std::shared_ptr<MemoryKeys> keys)
      : keys_(std::move(keys)) {}

  Result<std::vector<Key>> Load(const Deadline&) override {
    Status status = keys_->Enter("Load");
    if (!status.ok()) return status;
    return keys_->All();
  }
  Status Store(const Key& key, const Deadline&) override {
    Status status = keys_->Enter("Store");
    if (status.ok()) keys_->Put(MemoryKeys::CopyOf(key));
    return status;
  }
  Status Remove(const KeyName& name, const Deadline&) override {
    Status status = keys_->Enter("Remove");
    if (status.ok()) keys_->Erase(name);
    return status;
  }
  std::vector<std::pair<std::string, std::string>> Describe() const override {
    return {{"Backend", "memory"}};
  }

 private:
  const std::shared_ptr<MemoryKeys> keys_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_MEMORY_BACKEND_H_
