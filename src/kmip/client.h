// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_CLIENT_H_
#define OPENKEYRING_KMIP_CLIENT_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kmip/transport.h"

namespace openkeyring {

// The answer to one call.
struct KmipReply {
  // Ok: `payload` holds the answer. Otherwise KmipItemStatus's codes for what a
  // server said, and when nobody answered: kUnavailable (also for an answer
  // that cannot be read, or is about another object), kTimeout, or
  // kMisconfigured (certificates, version); never kNotFound.
  Status status;
  // Without an answer, of a call that may not be sent twice: it has gone out,
  // so the server may have done it. Look there before doing it again.
  bool may_have_happened = false;
  TtlvReader payload;                     // Lies in `message`.
  std::shared_ptr<const Secret> message;  // The complete response.
};

// What became of a change: the object's identifier, or why not.
struct KmipChange {
  Status status;
  std::string id;
  bool may_have_happened = false;  // See KmipReply.
};

struct KmipClientStatus {
  std::string server;   // That answered last; "" when none has.
  std::string version;  // Spoken with it.
  std::string tls;      // Of the newest connection.
  Status last_error;    // Of the last failed try on any server.
  int connections = 0;  // Opened so far.
};

// KMIP over kept connections to one of several servers that hold the same
// objects. Threads: all methods may be called concurrently. No lock is held
// during I/O.
class KmipClient {
 public:
  // All borrowed but the options.
  KmipClient(KmipClientOptions options, StreamConnector& connector,
             Clock& clock, Log& log);

  // Each as in a session of its own: only for operations that are one call.
  std::vector<KmipReply> Call(std::span<const KmipCall> calls,
                              const Deadline& deadline);
  template <typename T>
  Result<T> Ask(const KmipCall& call, Result<T> (*read)(TtlvReader),
                const Deadline& deadline);
  KmipChange Change(const KmipCall& call, const Deadline& deadline);

  size_t server_count() { return transport_.servers().size(); }
  // That server of a session turned out not to have the caller's objects.
  void PassOver(size_t server) { transport_.servers().RecordWrong(server); }
  // "host:port" of a server, by KmipSession::server().
  std::string ServerName(size_t server) const;
  KmipClientStatus status();
  // Of exchanges with all servers. An operation failed when no server answered.
  const std::shared_ptr<CallStatisticsKeeper>& statistics() const {
    return transport_.options().statistics;
  }

 private:
  friend class KmipSession;

  KmipTransport transport_;
};

// One operation on keys. All its calls go to one server: the first that
// answers, or that may have done what it did not answer. After that there is no
// failover; calls fail when this server does. So "not found" is said by the
// server that acted, and a list and the values of its objects come from one
// server. Begin another session to try another server.
//
// One deadline bounds all that a call does. Only calls that are idempotent are
// sent again after they may have arrived.
//
// Threads: one session is used by one thread at a time; sessions of one client
// may be used concurrently. It borrows the client.
class KmipSession {
 public:
  explicit KmipSession(KmipClient& client) : client_(client) {}
  // With the server of another session.
  KmipSession(KmipClient& client, size_t server)
      : client_(client), server_(server) {}

  // Calls that do not depend on each other: one reply each, in their order.
  // They go out in as few messages as the server takes; where it refuses a
  // batch, or leaves answers out, in smaller ones from then on. Calls that are
  // not idempotent go out alone. When the server cannot be reached, that is
  // found out once.
  std::vector<KmipReply> Call(std::span<const KmipCall> calls,
                              const Deadline& deadline);

  // One idempotent call, read by `read`.
  template <typename T>
  Result<T> Ask(const KmipCall& call, Result<T> (*read)(TtlvReader),
                const Deadline& deadline) {
    const KmipReply reply = std::move(Call({&call, 1}, deadline).front());
    if (!reply.status.ok()) return reply.status;
    return read(reply.payload);
  }
  // One call whose answer is an identifier.
  KmipChange Change(const KmipCall& call, const Deadline& deadline);

  // Nothing before a server has answered.
  std::optional<size_t> server() const { return server_; }
  // Its "host:port"; "" before a server has answered.
  std::string ServerName() const;

 private:
  size_t BatchSize(std::span<const KmipCall> calls) const;

  KmipClient& client_;
  std::optional<size_t> server_;
};

template <typename T>
Result<T> KmipClient::Ask(const KmipCall& call, Result<T> (*read)(TtlvReader),
                          const Deadline& deadline) {
  return KmipSession(*this).Ask(call, read, deadline);
}

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_CLIENT_H_
