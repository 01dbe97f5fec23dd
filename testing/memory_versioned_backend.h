// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_MEMORY_VERSIONED_BACKEND_H_
#define OPENKEYRING_TESTING_MEMORY_VERSIONED_BACKEND_H_

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "keyring/versioned_backend.h"

namespace openkeyring {

// Keys in memory, with a hook that can fail or block any operation.
// Threads: all methods may be called concurrently.
class MemoryVersionedBackend : public VersionedBackend {
 public:
  // Called first in every operation, outside the lock, with "List", "Fetch" or
  // "Create"; an error is the operation's outcome.
  using Hook = std::function<Status(const std::string& operation, KeyVersion)>;

  void SetHook(Hook hook) {
    std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }
  // Puts a key there as another server would.
  void Put(KeyVersion key, std::string_view plaintext) {
    std::lock_guard lock(mutex_);
    keys_[key] = Secret::CopyOf(plaintext);
  }
  void Remove(KeyVersion key) {
    std::lock_guard lock(mutex_);
    keys_.erase(key);
  }
  // Those whose deadline reported throttling.
  std::atomic<int> reporting_fetches{0}, reporting_creates{0};
  std::atomic<SteadyTime> create_ends{};  // The deadline of the last one.
  int calls(const std::string& operation) const {
    std::lock_guard lock(mutex_);
    const auto found = calls_.find(operation);
    return found == calls_.end() ? 0 : found->second;
  }

  Result<std::vector<KeyVersion>> List() override {
    Status status = Enter("List", {});
    if (!status.ok()) return status;
    std::lock_guard lock(mutex_);
    std::vector<KeyVersion> keys;
    for (const auto& [key, plaintext] : keys_) keys.push_back(key);
    return keys;
  }
  Result<Secret> Fetch(KeyVersion key, const Deadline& deadline) override {
    reporting_fetches += deadline.reports_throttling() ? 1 : 0;
    Status status = Enter("Fetch", key);
    if (!status.ok()) return status;
    std::lock_guard lock(mutex_);
    const auto found = keys_.find(key);
    if (found == keys_.end()) {
      return Status(StatusCode::kNotFound, Describe(key) + " is not there");
    }
    return found->second.Clone();
  }
  Status Create(KeyVersion key, size_t bytes,
                const Deadline& deadline) override {
    reporting_creates += deadline.reports_throttling() ? 1 : 0;
    create_ends = deadline.at();
    Status status = Enter("Create", key);
    if (!status.ok()) return status;
    std::lock_guard lock(mutex_);
    if (keys_.contains(key)) {
      return {StatusCode::kAlreadyExists, Describe(key) + " exists"};
    }
    Secret plaintext(bytes);
    plaintext.RevealMutable()[0] = ++serial_;
    keys_[key] = std::move(plaintext);
    return status;
  }
  std::string Describe(KeyVersion key) const override {
    return "memory " + std::to_string(key.id) + "." +
           std::to_string(key.version);
  }

 private:
  Status Enter(const std::string& operation, KeyVersion key) {
    Hook hook;
    {
      std::lock_guard lock(mutex_);
      ++calls_[operation];
      hook = hook_;
    }
    return hook ? hook(operation, key) : Status::Ok();
  }

  mutable std::mutex mutex_;
  Hook hook_;
  std::map<std::string, int> calls_;
  std::map<KeyVersion, Secret> keys_;
  uint8_t serial_ = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_MEMORY_VERSIONED_BACKEND_H_
