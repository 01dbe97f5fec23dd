// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_TRANSPORT_H_
#define OPENKEYRING_KMIP_TRANSPORT_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "kmip/exchange.h"
#include "kmip/messages.h"
#include "kmip/server_list.h"
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
};

// Brings one message to one of the servers, and its answer back: connections,
// versions, failover. See KmipClient.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmipTransport {
 public:
  // All borrowed but the options.
  KmipTransport(KmipClientOptions options, StreamConnector& connector,
                Clock& clock, Log& log);

  struct Sent {
    KmipExchange exchange;
    size_t server = 0;  // Which answered, or was the last to be tried.
    KmipVersion version;
  };
  // With `resend`, a request that may have arrived is sent again: over a new
  // connection, to another server. Without it, only one that surely did not.
  // Two rounds over all servers, with a short pause, within the deadline.
  Sent Send(std::span<const KmipCall> calls, KmipBatchError on_error,
            bool resend, const Deadline& deadline);

  KmipServerList& servers() { return servers_; }
  const KmipClientOptions& options() const { return options_; }
  int connections_opened() const { return pool_.opened(); }
  std::string description() const;  // Of the last new connection.

 private:
  Deadline Share(const Deadline& deadline, size_t servers) const;
  Status OfServer(size_t server, const Status& status) const;
  Sent SendTo(size_t server, std::span<const KmipCall> calls,
              KmipBatchError on_error, bool resend, const Deadline& bound);
  Sent Try(size_t server, bool fresh, std::span<const KmipCall> calls,
           KmipBatchError on_error, const Deadline& deadline, bool& was_kept);
  Result<KmipVersion> VersionOf(size_t server, const Deadline& deadline);
  void Describe(StreamPool::Lease& lease);
  void Tell(size_t server, const Status& status);

  const KmipClientOptions options_;
  Clock& clock_;
  Log& log_;
  KmipServerList servers_;
  StreamPool pool_;
  mutable std::mutex mutex_;
  std::string description_;  // Guarded by mutex_.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_TRANSPORT_H_
