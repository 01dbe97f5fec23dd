// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_FAULTS_H_
#define OPENKEYRING_EMULATORS_KMS_FAULTS_H_

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "emulators/kms/model.h"
#include "emulators/shared/http_message.h"

namespace kms_emulator {

using emulators::Delivery;
using emulators::Header;
using emulators::HttpMessage;
using emulators::Reply;

// One way to misbehave. The kinds are described in README.md.
struct Fault {
  std::string operation = "*";  // "Decrypt", "kms:*", "*" ...
  std::string kind;
  int64_t count = 1;  // How many requests it hits; -1: all.
  int64_t skip = 0;   // How many it lets pass first.
  int64_t hits = 0;
  openkeyring::Millis latency{0};  // latency_ms; hang and its bound.
  double offset_s = 3600;          // wrong_date, clock_offset
  int status = 500;                // http_status, html, bad_json, empty_body
  std::string code;                // http_status: "__type"
  std::string message;
  std::optional<std::string> body;  // http_status, bad_json: verbatim
  size_t bytes = 0;                 // truncate, oversize

  // True for kinds that take effect instead of the operation.
  bool Instead() const;
};

// The last good answer of each operation, for the fault "earlier_answer".
// Threads: all methods may be called concurrently.
class EarlierAnswers {
 public:
  // Keeps `body`, and gives the one before it, "" when there was none.
  std::string Exchange(const std::string& operation, const std::string& body);

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> bodies_;
};

// kInvalidArgument for an unknown kind or a member of the wrong type.
Result<Fault> FaultFromJson(const Json& json);
Json ToJson(const Fault& fault);

// The faults to come. Threads: all methods may be called concurrently.
class FaultQueue {
 public:
  void Push(Fault fault);
  void Clear();
  Json List() const;
  // The first fault that is meant for this operation of this service ("kms",
  // "sts", "metadata") and due; it is counted as used. Faults that let it pass
  // count it too.
  std::optional<Fault> Take(const std::string& service,
                            const std::string& operation);

 private:
  mutable std::mutex mutex_;
  std::deque<Fault> faults_;
};

// The answer of a fault that takes effect instead of the operation. `render`
// puts an error into the form of the service that was asked.
Reply ReplyInstead(const Fault& fault,
                   const std::function<Reply(const ServiceError&)>& render);
// What the fault makes of the operation's answer. `earlier` is the body of an
// answer to an earlier request, "" for none.
void Distort(const Fault& fault, const std::string& earlier, Reply& reply);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_FAULTS_H_
