// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_CLIENT_H_
#define OPENKEYRING_KMIP_CLIENT_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kmip/transport.h"

namespace openkeyring {

// The answer to one call.
struct KmipReply {
  // Ok: `payload` holds the answer. Otherwise KmipItemStatus's codes for what a
  // server said, and of what nobody answered: kUnavailable (also for an answer
  // that cannot be read), kTimeout, or kMisconfigured (certificates, version);
  // never kNotFound.
  Status status;
  // Without an answer, of a call that may not be sent twice: it has gone out,
  // so the server may have done it. Look before doing it again.
  bool may_have_happened = false;
  TtlvReader payload;                     // Lies in `message`.
  std::shared_ptr<const Secret> message;  // The whole response.
};

// What became of a change: the object's identifier, or why not.
struct KmipChange {
  Status status;
  std::string id;
  bool may_have_happened = false;  // As of KmipReply.
};

struct KmipClientStatus {
  std::string server;   // That answered last; "" when none has.
  std::string version;  // Spoken with it.
  std::string tls;      // Of the newest connection.
  Status last_error;    // Of the last failed try on any server.
  int connections = 0;  // Opened so far.
};

// KMIP over kept connections to one of several servers that hold the same
// objects. One deadline bounds all that a call does. Only calls that are
// idempotent are sent again after they may have arrived.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmipClient {
 public:
  // All borrowed but the options.
  KmipClient(KmipClientOptions options, StreamConnector& connector,
             Clock& clock, Log& log);

  // Calls that do not depend on each other: one reply each, in their order.
  // They go out in as few messages as the server takes; where it refuses a
  // batch, or answers only a part of it, in smaller ones from then on. When no
  // server can be reached, that is found out once.
  std::vector<KmipReply> Call(std::span<const KmipCall> calls,
                              const Deadline& deadline);

  // Calls that belong together, in one message; the server stops at the first
  // that fails. An empty identifier means the object of the call before. Never
  // split: a server that takes no batches refuses it (kInvalidArgument or
  // kMisconfigured in all replies).
  std::vector<KmipReply> CallTogether(std::span<const KmipCall> calls,
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

  KmipClientStatus status();

 private:
  struct Batch;

  void SendBatch(Batch& batch, const Deadline& deadline);
  [[nodiscard]] bool TakeAnswers(Batch& batch, KmipTransport::Sent sent);
  void TakeMissing(Batch& batch, size_t server,
                   const std::vector<bool>& answered);
  bool IsOtherVersion(Batch& batch, const KmipTransport::Sent& sent,
                      const KmipResponse& response);
  bool TakeRefusal(Batch& batch, const KmipTransport::Sent& sent,
                   const KmipResponse& response);

  KmipTransport transport_;
};

// What a change's reply says; also for those of CallTogether.
KmipChange KmipChangeOf(const KmipReply& reply);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_CLIENT_H_
