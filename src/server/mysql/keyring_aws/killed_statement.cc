// SPDX-License-Identifier: MIT
#include "server/mysql/keyring_aws/killed_statement.h"

#include <condition_variable>
#include <mutex>

#include "os/parallel.h"
#include "server/mysql/abi/session_services.h"
#include "server/mysql/component/acquired.h"

namespace openkeyring {
namespace {

constexpr Millis kInterval{100};

class WatchedWork {
 public:
  WatchedWork(const SessionAttributes& attributes, Session session,
              const Cancellation& stopping)
      : attributes_(attributes), session_(session), killed_(&stopping) {}

  Status Run(const std::function<Status(const Cancellation&)>& work) {
    const End end(*this);
    return work(killed_);
  }
  // Until the work has ended.
  void Watch() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kInterval, [this] { return ended_; })) {
      if (IsKilled()) killed_.Cancel();
    }
  }

 private:
  // Also of work that throws.
  class End {
   public:
    explicit End(WatchedWork& work) : work_(work) {}
    ~End() {
      const std::lock_guard lock(work_.mutex_);
      work_.ended_ = true;
      work_.changed_.notify_all();
    }

   private:
    WatchedWork& work_;
  };

  bool IsKilled() const {
    uint16_t status = 0;
    return attributes_.get(session_, "thd_status", &status) == 0 &&
           (status & kKilledStatus) != 0;
  }

  const SessionAttributes& attributes_;
  const Session session_;
  Cancellation killed_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
};

}  // namespace

Status RunUntilKilled(Registry* registry, const Cancellation& stopping,
                      const std::function<Status(const Cancellation&)>& work) {
  const Acquired<CurrentSession> sessions(registry,
                                          "mysql_current_thread_reader");
  const Acquired<SessionAttributes> attributes(registry,
                                               "mysql_thd_attributes");
  Session session = nullptr;
  if (!sessions || !attributes || sessions->get(&session) != 0) {
    return work(stopping);
  }
  WatchedWork watched(*attributes.get(), session, stopping);
  Status status;
  RunParallel(2, 2, [&](size_t part) {
    if (part == 0) {
      status = watched.Run(work);
    } else {
      watched.Watch();
    }
  });
  return status;
}

}  // namespace openkeyring
