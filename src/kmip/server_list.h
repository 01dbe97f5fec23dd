// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_SERVER_LIST_H_
#define OPENKEYRING_KMIP_SERVER_LIST_H_

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "kmip/version.h"
#include "net/endpoint.h"
#include "os/clock.h"

namespace openkeyring {

// The servers, in the user's order of preference, and what was learned of each:
// whether it answers, which version it speaks, how many items it takes in a
// message. All servers hold the same objects.
//
// A server that failed is passed over for a second, then two, four, and so on
// up to a minute, unless all have failed. So a dead first server costs a
// timeout now and then, not with every request, and it is used again when it is
// back.
//
// Threads: all methods may be called concurrently.
class KmipServerList {
 public:
  KmipServerList(std::vector<Endpoint> servers, const Clock& clock,
                 size_t max_batch);

  size_t size() const { return servers_.size(); }
  const Endpoint& endpoint(size_t server) const { return servers_[server]; }

  // All servers, the one to try first in front.
  std::vector<size_t> Order() const;
  // True when it is news: another server answered before, or this one failed.
  bool RecordSuccess(size_t server);
  // True when it is news: the server had not failed before.
  bool RecordFailure(size_t server, const Status& error);
  // A try that had too little time for a verdict: the others come first for a
  // second, and nothing else.
  void RecordNoVerdict(size_t server, const Status& error);
  // One that answers and has other objects than the caller's: for a minute all
  // others come first, also those that failed.
  void RecordWrong(size_t server);
  // The server that answered last; nothing at first.
  std::optional<size_t> current() const;
  Status last_error() const;  // Of any server; Ok when there was none.

  std::optional<KmipVersion> Version(size_t server) const;
  void SetVersion(size_t server, std::optional<KmipVersion> version);
  size_t BatchLimit(size_t server) const;
  // To at least 1, and never up.
  void LowerBatchLimit(size_t server, size_t limit);

 private:
  struct Facts {
    int failures = 0;  // In a row.
    SteadyTime passed_over_until;
    std::optional<KmipVersion> version;
    size_t batch_limit;
  };

  const std::vector<Endpoint> servers_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // Guards all below.
  std::vector<Facts> facts_;
  std::optional<size_t> current_;
  Status last_error_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_SERVER_LIST_H_
