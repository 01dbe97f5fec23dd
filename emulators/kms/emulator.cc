// SPDX-License-Identifier: MIT
#include "emulators/kms/emulator.h"

#include <exception>

#include "base/encoding.h"

namespace kms_emulator {

using emulators::FormValue;
using emulators::HttpDate;
namespace {

using openkeyring::Millis;

constexpr std::string_view kTargetPrefix = "TrentService.";
constexpr const char* kGlobalStsRegion = "us-east-1";

std::set<std::string> WithGlobal(const std::vector<std::string>& regions) {
  std::set<std::string> all(regions.begin(), regions.end());
  all.insert(kGlobalStsRegion);
  return all;
}

MetadataSettings WithRegion(MetadataSettings settings,
                            const std::string& region) {
  if (settings.region.empty()) settings.region = region;
  return settings;
}

}  // namespace

Emulator::Emulator(KeyStore& key_store, openkeyring::Random& the_random,
                   openkeyring::Clock& base_clock,
                   const std::vector<std::string>& regions,
                   MetadataSettings metadata_settings)
    : store(key_store),
      random(the_random),
      clock(base_clock),
      issuer(key_store, the_random, clock),
      kms(key_store, the_random, clock),
      sts(key_store, issuer, clock),
      metadata(key_store, issuer, the_random, clock,
               WithRegion(std::move(metadata_settings), regions.front())),
      kms_auth_(key_store, {regions.begin(), regions.end()}),
      sts_auth_(key_store, WithGlobal(regions)) {}

Emulator::Route Emulator::FindRoute(const HttpMessage& request) const {
  const std::string metadata_name = metadata.Classify(request);
  if (!metadata_name.empty()) {
    const size_t colon = metadata_name.find(':');
    return {metadata_name.substr(0, colon), metadata_name.substr(colon + 1),
            metadata_name};
  }
  if (request.path != "/") return {};
  const std::string target = request.Get("x-amz-target");
  if (!target.empty()) {
    const std::string operation = target.starts_with(kTargetPrefix)
                                      ? target.substr(kTargetPrefix.size())
                                      : "Unknown";
    const bool known = KmsService::Knows(operation);
    return {"kms", operation, known ? operation : "Unknown"};
  }
  if (request.Get("content-type")
          .starts_with("application/x-www-form-urlencoded")) {
    const std::string action =
        FormValue(request.body, "Action").value_or("Unknown");
    const bool known = StsService::Knows(action);
    return {"sts", action, known ? "sts:" + action : "sts:Unknown"};
  }
  return {"kms", "", "Unknown"};
}

Reply Emulator::Handle(const HttpMessage& request) {
  const auto arrived = clock.Steady();
  Exchange exchange{request, FindRoute(request), clock.Now(), ""};
  exchange.request_id = openkeyring::RandomHex(random, 16);
  for (const size_t dash : {8, 13, 18, 23}) {
    exchange.request_id.insert(dash, "-");
  }
  const Route& route = exchange.route;
  counters.OperationCalled(route.name);
  const auto fault = faults.Take(route.service, route.operation);
  Millis wait(latency_ms.load());
  if (fault) {
    counters.FaultApplied(fault->kind);
    if (fault->kind == "latency_ms") wait += fault->latency;
    if (fault->kind == "clock_offset") {
      exchange.now += Millis(static_cast<int64_t>(fault->offset_s * 1000));
    }
  }
  Reply reply = fault && fault->Instead()
                    ? ReplyInstead(*fault,
                                   [&](const ServiceError& error) {
                                     return Render(exchange, error);
                                   })
                    : Answer(exchange);
  std::string earlier;
  if (reply.status == 200) earlier = earlier_.Exchange(route.name, reply.body);
  if (fault) Distort(*fault, earlier, reply);
  Stamp(exchange, fault, reply);
  if (wait.count() > 0) stop.WaitUntil(arrived + wait);
  return reply;
}

// The exception firewall: libraries throw, handlers must not.
Reply Emulator::Answer(const Exchange& exchange) {
  try {
    const std::string& service = exchange.route.service;
    if (service == "kms") return AnswerKms(exchange);
    if (service == "sts") return AnswerSts(exchange);
    if (service.empty()) {
      return {404, {{"Content-Type", "text/plain"}}, "Not found\n", {}};
    }
    return metadata.Handle(exchange.request);
  } catch (const std::exception& error) {
    return Render(exchange, {"InternalFailure", error.what(), 500});
  }
}

Reply Emulator::AnswerKms(const Exchange& exchange) {
  const HttpMessage& request = exchange.request;
  if (request.method != "POST" || exchange.route.operation.empty()) {
    return Render(exchange, {"UnknownOperationException", "", 404});
  }
  const auto caller = kms_auth_.Verify(request, "kms", exchange.now);
  if (!caller) return Render(exchange, caller.error());
  if (!request.Get("content-type").starts_with("application/x-amz-json-1.1")) {
    return Render(exchange, {"UnknownOperationException", "", 404});
  }
  const Json body = Json::parse(request.body, nullptr, false);
  const auto answer = kms.Call(exchange.route.operation, body, *caller);
  if (!answer) return Render(exchange, answer.error());
  return {200,
          {{"Content-Type", "application/x-amz-json-1.1"}},
          answer->dump(),
          {}};
}

Reply Emulator::AnswerSts(const Exchange& exchange) {
  const HttpMessage& request = exchange.request;
  const std::string& action = exchange.route.operation;
  Outcome<Caller> caller = Fail("MissingAuthenticationTokenException");
  if (StsService::NeedsSignature(action)) {
    caller = sts_auth_.Verify(request, "sts", exchange.now);
    if (!caller) return Render(exchange, caller.error());
  }
  const auto result =
      sts.Call(action, request.body, caller ? &*caller : nullptr);
  if (!result) return Render(exchange, result.error());
  return {200,
          {{"Content-Type", "text/xml"}},
          StsAnswer(action, *result, exchange.request_id),
          {}};
}

Reply Emulator::Render(const Exchange& exchange, const ServiceError& error) {
  if (exchange.route.service == "sts") {
    const StsError out = ToStsError(error, exchange.request_id);
    counters.OperationFailed(exchange.route.name, out.code);
    return {out.http_status, {{"Content-Type", "text/xml"}}, out.xml, {}};
  }
  counters.OperationFailed(exchange.route.name, error.code);
  Json body = {{"__type", error.code}};
  if (!error.message.empty()) body["message"] = error.message;
  return {error.http_status,
          {{"Content-Type", "application/x-amz-json-1.1"}},
          body.dump(-1, ' ', false, Json::error_handler_t::replace),
          {}};
}

void Emulator::Stamp(const Exchange& exchange,
                     const std::optional<Fault>& fault, Reply& reply) const {
  auto now = exchange.now;
  if (fault && fault->kind == "wrong_date") {
    now += Millis(static_cast<int64_t>(fault->offset_s * 1000));
  }
  reply.headers.emplace_back("x-amzn-RequestId", exchange.request_id);
  reply.headers.emplace_back("Date", HttpDate(now));
}

}  // namespace kms_emulator
