// SPDX-License-Identifier: MIT
#include "net/handle_pool.h"

#include <unistd.h>

namespace openkeyring {

HandlePool::HandlePool(int limit) : limit_(limit), owner_(getpid()) {}

HandlePool::~HandlePool() {
  if (owner_ != getpid()) return;  // The parent's connections, not ours.
  for (CURL* handle : idle_) curl_easy_cleanup(handle);
}

CURL* HandlePool::Take(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  ForgetParents();
  if (!freed_.wait_until(lock, deadline.at(),
                         [&] { return !idle_.empty() || made_ < limit_; })) {
    return nullptr;
  }
  if (idle_.empty()) {
    CURL* handle = curl_easy_init();
    if (handle != nullptr) ++made_;
    return handle;
  }
  CURL* handle = idle_.back();
  idle_.pop_back();
  return handle;
}

void HandlePool::Give(CURL* handle) {
  curl_easy_reset(handle);
  {
    std::lock_guard lock(mutex_);
    idle_.push_back(handle);
  }
  freed_.notify_one();
}

void HandlePool::ForgetParents() {
  if (owner_ == getpid()) return;
  owner_ = getpid();
  idle_.clear();
  made_ = 0;
}

}  // namespace openkeyring
