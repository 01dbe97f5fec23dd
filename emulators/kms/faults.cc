// SPDX-License-Identifier: MIT
#include "emulators/kms/faults.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"

namespace kms_emulator {
namespace {

using Kind = Delivery::Kind;
using openkeyring::Millis;

constexpr size_t kDefaultOversize = 16 << 20;

constexpr std::array<std::string_view, 8> kInsteadKinds = {
    "hang",       "throttle",     "http_status",   "html",
    "cut_before", "reset_before", "expired_token", "http_redirect"};
constexpr std::array<std::string_view, 15> kAfterKinds = {
    "latency_ms",   "cut_after",      "reset_after",  "truncate",
    "oversize",     "wrong_date",     "bad_json",     "empty_body",
    "clock_offset", "earlier_answer", "answer_twice", "other_key_id",
    "other_bytes",  "no_bytes",       "half_json"};

template <size_t n>
bool Contains(const std::array<std::string_view, n>& list,
              const std::string& kind) {
  return std::ranges::find(list, kind) != list.end();
}

bool Meant(const Fault& fault, const std::string& service,
           const std::string& operation) {
  return fault.operation == "*" || fault.operation == operation ||
         fault.operation == service + ":*" ||
         fault.operation == service + ":" + operation;
}

Fault ReadFault(const Json& json) {
  Fault fault;
  json.at("kind").get_to(fault.kind);
  fault.operation = json.value("operation", fault.operation);
  fault.count = json.value("count", fault.count);
  fault.skip = json.value("skip", fault.skip);
  fault.latency = Millis(json.value("ms", json.value("latency_ms", 0)));
  fault.offset_s = json.value("offset_s", fault.offset_s);
  fault.status = json.value(
      "status", fault.kind == "html" ? 502
                : fault.kind == "bad_json" || fault.kind == "empty_body"
                    ? 200
                    : fault.status);
  fault.code = json.value("code", "");
  fault.message = json.value("message", "");
  fault.bytes = json.value("bytes", size_t{0});
  if (json.contains("body")) fault.body = json["body"].get<std::string>();
  return fault;
}

Reply HtmlReply(const Fault& fault) {
  const std::string page =
      "<html><head><title>Bad Gateway</title></head><body><h1>A proxy was "
      "here</h1></body></html>\n";
  return {fault.status,
          {{"Content-Type", "text/html; charset=utf-8"}},
          fault.body.value_or(page),
          {}};
}

// The error that stands for the fault, when it is one.
std::optional<ServiceError> ErrorOf(const Fault& fault) {
  if (fault.kind == "throttle") {
    return ServiceError{"ThrottlingException",
                        "You have exceeded the rate at which you may call KMS. "
                        "Reduce the frequency of your calls."};
  }
  if (fault.kind == "expired_token") {
    return ServiceError{
        "ExpiredTokenException",
        "The security token included in the request is expired"};
  }
  if (fault.kind == "http_status" && !fault.body) {
    return ServiceError{fault.code.empty() ? "InternalFailure" : fault.code,
                        fault.message, fault.status};
  }
  return std::nullopt;
}

void Oversize(const Fault& fault, Reply& reply) {
  const size_t size = fault.bytes > 0 ? fault.bytes : kDefaultOversize;
  reply.body = "{\"Padding\":\"" + std::string(size, 'A') + "\"}";
}

// Any key of this account that nobody asked about.
std::string OtherKey(const std::string& arn) {
  const size_t slash = arn.rfind('/');
  return slash == arn.npos
             ? arn
             : arn.substr(0, slash) + "/00000000-0000-4000-8000-000000000000";
}

// As many bytes, each of them another.
std::string OtherBytes(const std::string& base64) {
  auto bytes = openkeyring::Base64Decode(base64);
  if (!bytes) return base64;
  for (uint8_t& byte : *bytes) byte = static_cast<uint8_t>(~byte);
  return openkeyring::Base64Encode(*bytes);
}

// Answers that are well formed and not true.
void Falsify(const std::string& kind, Reply& reply) {
  Json body = Json::parse(reply.body, nullptr, false);
  if (!body.is_object()) return;
  for (const char* name : {"KeyId", "SourceKeyId"}) {
    if (kind == "other_key_id" && body.contains(name)) {
      body[name] = OtherKey(body[name].get<std::string>());
    }
  }
  for (const char* name : {"Plaintext", "CiphertextBlob"}) {
    if (!body.contains(name)) continue;
    if (kind == "no_bytes") body[name] = "";
    if (kind == "other_bytes") {
      body[name] = OtherBytes(body[name].get<std::string>());
    }
  }
  reply.body = body.dump();
}

}  // namespace

std::string EarlierAnswers::Exchange(const std::string& operation,
                                     const std::string& body) {
  const std::lock_guard lock(mutex_);
  return std::exchange(bodies_[operation], body);
}

bool Fault::Instead() const { return Contains(kInsteadKinds, kind); }

Result<Fault> FaultFromJson(const Json& json) {
  try {
    const Fault fault = ReadFault(json);
    if (Contains(kInsteadKinds, fault.kind) ||
        Contains(kAfterKinds, fault.kind)) {
      return fault;
    }
    return Status(StatusCode::kInvalidArgument,
                  "unknown kind of fault '" + fault.kind + "'");
  } catch (const Json::exception& error) {
    return Status(StatusCode::kInvalidArgument, error.what());
  }
}

Json ToJson(const Fault& fault) {
  return {{"operation", fault.operation},
          {"kind", fault.kind},
          {"count", fault.count},
          {"skip", fault.skip},
          {"hits", fault.hits},
          {"ms", fault.latency.count()},
          {"offset_s", fault.offset_s},
          {"status", fault.status},
          {"code", fault.code}};
}

void FaultQueue::Push(Fault fault) {
  std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultQueue::Clear() {
  std::lock_guard lock(mutex_);
  faults_.clear();
}

Json FaultQueue::List() const {
  std::lock_guard lock(mutex_);
  Json list = Json::array();
  for (const Fault& fault : faults_) list.push_back(ToJson(fault));
  return list;
}

std::optional<Fault> FaultQueue::Take(const std::string& service,
                                      const std::string& operation) {
  std::lock_guard lock(mutex_);
  for (auto it = faults_.begin(); it != faults_.end(); ++it) {
    if (!Meant(*it, service, operation)) continue;
    if (it->skip > 0) {
      --it->skip;
      continue;
    }
    ++it->hits;
    if (it->count > 0) --it->count;
    const Fault taken = *it;
    if (it->count == 0) faults_.erase(it);
    return taken;
  }
  return std::nullopt;
}

Reply ReplyInstead(const Fault& fault,
                   const std::function<Reply(const ServiceError&)>& render) {
  if (const auto error = ErrorOf(fault)) return render(*error);
  if (fault.kind == "html") return HtmlReply(fault);
  Reply reply;
  if (fault.kind == "hang") {
    reply.delivery = {Kind::kHang, 0, fault.latency};
  } else if (fault.kind == "cut_before") {
    reply.delivery.kind = Kind::kCut;
  } else if (fault.kind == "reset_before") {
    reply.delivery.kind = Kind::kReset;
  } else if (fault.kind == "http_redirect") {
    reply.status = 307;
    reply.headers = {{"Location", fault.body.value_or("http://127.0.0.1:1/")}};
  } else {
    reply.status = fault.status;
    reply.headers = {{"Content-Type", "text/plain"}};
    reply.body = fault.body.value_or("");
  }
  return reply;
}

void Distort(const Fault& fault, const std::string& earlier, Reply& reply) {
  if (fault.kind == "cut_after") {
    reply.delivery.kind = Kind::kCut;
  } else if (fault.kind == "reset_after") {
    reply.delivery.kind = Kind::kReset;
  } else if (fault.kind == "truncate") {
    const size_t bytes = fault.bytes > 0 ? fault.bytes : reply.body.size() / 2;
    reply.delivery = {Kind::kTruncate, bytes, Millis(0)};
  } else if (fault.kind == "oversize") {
    Oversize(fault, reply);
  } else if (fault.kind == "bad_json") {
    reply.status = fault.status;
    reply.body = fault.body.value_or("{\"CiphertextBlob\": \"AQ");
  } else if (fault.kind == "empty_body") {
    reply.status = fault.status;
    reply.body.clear();
  } else if (fault.kind == "earlier_answer") {
    if (!earlier.empty()) reply.body = earlier;
  } else if (fault.kind == "answer_twice") {
    reply.delivery.kind = Kind::kTwice;
  } else if (fault.kind == "half_json") {
    reply.body.resize(reply.body.size() / 2);
  } else {
    Falsify(fault.kind, reply);
  }
}

}  // namespace kms_emulator
