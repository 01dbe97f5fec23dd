// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_TRANSPORT_H_
#define OPENKEYRING_KMIP_TRANSPORT_H_

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "kmip/messages.h"
#include "kmip/negotiation.h"
#include "kmip/server_list.h"
#include "net/call_statistics.h"
#include "net/stream_pool.h"

namespace openkeyring {

struct KmipClientOptions {
  std::vector<Endpoint> servers;       // In order of preference, at least one.
  std::optional<KmipVersion> version;  // Nothing: discovered for each server.
  // Bounds one try on one server: a connection if needed, and the exchange. The
  // rest of a deadline is for the other servers.
  Millis request_timeout{5000};
  StreamPoolOptions pool;
  size_t max_batch = 64;                 // Items a message.
  int32_t max_response_size = 16 << 20;  // Bytes.
  // Another client's, to continue its counts; null begins new ones.
  std::shared_ptr<CallStatisticsKeeper> statistics;
};

// What became of one request message.
struct KmipDelivery {
  // Ok: `response` answers it, or refuses it as a whole, or is kPartial (see
  // `fit`). Otherwise nobody answered: kUnavailable (also when the answer
  // cannot be read or is to another request), kTimeout, or kMisconfigured
  // (certificates, version).
  Status status;
  // Whether it went out. If not, no server has done anything of it; if so and
  // there is no response, `server` may have done all of it.
  bool sent = false;
  std::optional<size_t> server;  // That answered, or to which it went out.
  KmipFit fit = KmipFit::kAnswers;
  KmipResponse response;                  // Lies in `message`.
  std::shared_ptr<const Secret> message;  // The complete response.
};

// Brings one message to a server, and its answer back: connections, versions,
// failover, and the check that the answer is one to this very request. An
// answer that is not leaves its connection closed. See KmipClient.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmipTransport {
 public:
  // All borrowed but the options.
  KmipTransport(KmipClientOptions options, StreamConnector& connector,
                Clock& clock, Log& log);

  // To that server, or to the first that answers. A request that may have
  // arrived is sent again only when all calls are idempotent. Two rounds over
  // the servers, with a short pause, within the deadline.
  KmipDelivery Send(std::span<const KmipCall> calls,
                    std::optional<size_t> server, const Deadline& deadline);

  KmipServerList& servers() { return servers_; }
  const KmipClientOptions& options() const { return options_; }
  int connections_opened() const { return pool_.opened(); }
  std::string description() const;  // Of the last new connection.

 private:
  struct Try;  // One request to one server over one connection.

  KmipDelivery Deliver(std::span<const KmipCall> calls,
                       std::optional<size_t> server, const Deadline& deadline);

  Millis Share(const Deadline& deadline, size_t servers) const;
  void SendTo(Try& attempt, bool may_resend);
  void SendOnce(Try& attempt, bool fresh);
  // Begins and ends without a connection in the lease.
  void SendOverConnection(Try& attempt, bool fresh);
  Status Receive(Try& attempt, KmipExchange exchange,
                 const KmipRequestOptions& request);
  Result<KmipVersion> VersionOf(Try& attempt);
  Status Connect(Try& attempt, bool fresh);
  KmipExchange Exchange(Try& attempt, const Secret& request);
  Status WithName(size_t server, const Status& status) const;
  void Report(size_t server, const Status& status, Millis share);

  const KmipClientOptions options_;
  Clock& clock_;
  Log& log_;
  KmipServerList servers_;
  StreamPool pool_;
  std::atomic<uint32_t> next_item_{1};
  mutable std::mutex mutex_;
  std::string description_;  // Guarded by mutex_.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_TRANSPORT_H_
