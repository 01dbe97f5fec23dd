// SPDX-License-Identifier: MIT
#include "emulators/kmip/server.h"

#include <algorithm>
#include <utility>

#include "base/byte_codec.h"
#include "emulators/kmip/response.h"

namespace kmip_server {

using openkeyring::AsBytes;
using openkeyring::KmipTag;
using openkeyring::TlsSession;

namespace {

constexpr size_t kMaxRequest = 4 << 20;
constexpr int kLongTime = 600000;

std::vector<std::string> NamesOf(const Request& request) {
  std::vector<std::string> names;
  for (const RequestItem& item : request.items) {
    names.push_back(openkeyring::KmipName(item.operation));
  }
  return names;
}

bool NeedsPlaceholder(const Request& request) {
  return std::ranges::any_of(request.items, [](const RequestItem& item) {
    return item.operation == KmipOperation::kActivate &&
           !item.payload.Find(KmipTag::kUniqueIdentifier);
  });
}

bool Write(TlsSession& session, const Secret& bytes) {
  return session.Write(bytes.RevealText());
}

}  // namespace

KmipServer::KmipServer(openkeyring::TlsServerOptions options, Store& store)
    : options_(std::move(options)),
      store_(store),
      service_(store, openkeyring::SystemRandom(), openkeyring::SystemClock()) {
  Start();
}

KmipServer::~KmipServer() { Stop(); }

void KmipServer::Start() {
  {
    const std::lock_guard lock(mutex_);
    if (server_ != nullptr) return;
  }
  auto made = std::make_unique<openkeyring::TlsServer>(
      options_, [this](TlsSession& session) { Serve(session); });
  const std::lock_guard lock(mutex_);
  server_ = std::move(made);
  port_ = options_.port = server_->port();
}

void KmipServer::Stop() {
  std::unique_ptr<openkeyring::TlsServer> old;
  {
    const std::lock_guard lock(mutex_);
    old = std::move(server_);
    if (old != nullptr) {
      past_connections_ += old->accepted();
      past_handshakes_ += old->handshakes();
    }
  }
  // Its threads may still want the mutex.
}

void KmipServer::Set(const Behaviour& behaviour) {
  const std::lock_guard lock(mutex_);
  behaviour_ = behaviour;
}

Behaviour KmipServer::behaviour() const {
  const std::lock_guard lock(mutex_);
  return behaviour_;
}

std::map<std::string, int> KmipServer::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

int KmipServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

int KmipServer::connections() const {
  const std::lock_guard lock(mutex_);
  return past_connections_ + (server_ == nullptr ? 0 : server_->accepted());
}

int KmipServer::handshakes() const {
  const std::lock_guard lock(mutex_);
  return past_handshakes_ + (server_ == nullptr ? 0 : server_->handshakes());
}

void KmipServer::CutAll() {
  const std::lock_guard lock(mutex_);
  if (server_ != nullptr) server_->CutAll();
}

void KmipServer::Serve(TlsSession& session) {
  for (;;) {
    const std::string head = session.Read(openkeyring::kTtlvHeadSize);
    const auto size = openkeyring::TtlvMessageSize(
        AsBytes(head), KmipTag::kRequestMessage, kMaxRequest);
    if (!size) return;
    Secret message = Secret::CopyOf(head);
    const std::string rest = session.Read(*size - head.size());
    message.Append(rest);
    if (message.size() < *size || !ServeOne(session, message)) return;
  }
}

void KmipServer::Count(const Request& request) {
  const std::lock_guard lock(mutex_);
  ++requests_;
  for (const std::string& name : NamesOf(request)) ++operations_[name];
}

bool KmipServer::ServeOne(TlsSession& session, const Secret& message) {
  const auto request = ReadRequest(message.RevealBytes());
  if (!request) {
    return Write(session,
                 WholeFailure({1, 0}, KmipResultReason::kInvalidMessage,
                              request.error().message()));
  }
  Count(*request);
  const Behaviour now = behaviour();
  const Fault fault = faults_.Take(NamesOf(*request)).value_or(Fault());
  session.WaitForEnd(now.latency_ms + (fault.kind == "slow" ? fault.ms : 0));
  if (fault.kind == "hang") {
    session.WaitForEnd(fault.ms > 0 ? fault.ms : kLongTime);
    return false;
  }
  if (fault.kind == "cut_before") return false;
  if (fault.kind == "half_close") {
    session.HalfClose();
    session.WaitForEnd(kLongTime);
    return false;
  }
  const bool known =
      std::ranges::find(now.versions, request->version) != now.versions.end();
  if (!known && now.cuts_unknown_versions) return false;
  const Secret answer = Answer(*request, now, fault, session.ClientName());
  if (fault.kind == "cut_after") return false;
  if (fault.kind == "reset_after") {
    session.Reset();
    return false;
  }
  return Send(session, fault, answer);
}

Secret KmipServer::Answer(const Request& request, const Behaviour& behaviour,
                          const Fault& fault, const std::string& client) {
  const KmipVersion version = request.version;
  const bool known = std::ranges::find(behaviour.versions, version) !=
                     behaviour.versions.end();
  if (!known || fault.kind == "refuse_version") {
    return WholeFailure(
        version, KmipResultReason::kInvalidMessage,
        "KMIP " + version.Text() + " is not supported by the server.");
  }
  if (behaviour.no_placeholder && NeedsPlaceholder(request)) {
    return WholeFailure(version, KmipResultReason::kInvalidMessage,
                        "Error parsing request message.");
  }
  const auto items = static_cast<int>(request.items.size());
  if (fault.kind == "fail_all" ||
      (behaviour.max_batch > 0 && items > behaviour.max_batch)) {
    return WholeFailure(
        version,
        fault.kind == "fail_all" ? static_cast<KmipResultReason>(fault.reason)
                                 : KmipResultReason::kInvalidMessage,
        fault.kind == "fail_all" ? fault.message : "too many batch items");
  }
  Secret answer = AnswerItems(request, behaviour, fault, client);
  int most = behaviour.max_response;
  if (request.max_response > 0 && (most == 0 || request.max_response < most)) {
    most = request.max_response;
  }
  if (most > 0 && answer.size() > static_cast<size_t>(most)) {
    return WholeFailure(version, KmipResultReason::kResponseTooLarge,
                        "the answer is too large");
  }
  return answer;
}

Secret KmipServer::AnswerItems(const Request& request,
                               const Behaviour& behaviour, const Fault& fault,
                               const std::string& client) {
  const Secret other_object = OtherObject(request, client);
  ResponseWriter writer(request.version, behaviour, fault,
                        request.items.size());
  std::string placeholder;
  for (size_t i = 0; i < request.items.size() && writer.WantsMore(); ++i) {
    RequestItem item = request.items[i];
    if (fault.kind == "wrong_objects") {
      item.payload = request.items.size() > 1
                         ? request.items[(i + 1) % request.items.size()].payload
                         : TtlvReader(other_object.RevealBytes());
    }
    if (fault.kind == "vanish") {
      TtlvFields fields(item.payload);
      store_.Forget(
          fields.OptionalText(KmipTag::kUniqueIdentifier).value_or(""));
    }
    Outcome outcome =
        fault.kind == "fail"
            ? Outcome::Fail(static_cast<KmipResultReason>(fault.reason),
                            fault.message)
            : service_.Do(behaviour, request.version, item, client,
                          placeholder);
    writer.Add(item, outcome);
    if (fault.kind == "lose_first") store_.ForgetFirst();
    if (outcome.failure && request.stops_at_failure) break;
  }
  return writer.Finish();
}

// The payload of the first item, about another object of the client's.
Secret KmipServer::OtherObject(const Request& request,
                               const std::string& client) {
  TtlvReader payload =
      request.items.empty() ? TtlvReader() : request.items[0].payload;
  TtlvFields fields(payload);
  const auto asked = fields.OptionalText(KmipTag::kUniqueIdentifier);
  const auto others = store_.Find(client, [&](const StoredObject& stored) {
    return stored.attributes.unique_identifier != asked;
  });
  TtlvWriter writer;
  if (!others.empty()) writer.Text(KmipTag::kUniqueIdentifier, others.front());
  while (!payload.AtEnd()) {
    const auto item = *payload.Take();
    if (item.tag != KmipTag::kUniqueIdentifier) writer.Item(item);
  }
  return writer.Finish();
}

bool KmipServer::Send(TlsSession& session, const Fault& fault,
                      const Secret& answer) {
  if (fault.kind == "garbage") {
    session.Write("HTTP/1.1 400 Bad Request\r\n\r\n");
    return false;
  }
  if (fault.kind == "oversize") {
    session.Write(std::string_view("\x42\x00\x7b\x01\x7f\xff\xff\x00", 8));
    session.WaitForEnd(kLongTime);
    return false;
  }
  const std::string_view bytes = answer.RevealText();
  if (fault.kind == "truncate") {
    session.Write(bytes.substr(0, bytes.size() / 2));
    return false;
  }
  if (fault.kind == "twice" && fault.ms > 0) {
    if (!Write(session, answer)) return false;
    session.WaitForEnd(fault.ms);
    return Write(session, answer);
  }
  if (fault.kind == "twice") {
    Secret both = answer.Clone();
    both.Append(answer.RevealBytes());
    return Write(session, both);
  }
  if (fault.kind == "split") {
    // A record for every three bytes: heads and values come in pieces.
    for (size_t i = 0; i < bytes.size(); i += 3) {
      if (!session.Write(bytes.substr(i, 3))) return false;
    }
    return true;
  }
  return Write(session, answer);
}

}  // namespace kmip_server
