// SPDX-License-Identifier: MIT
#include "emulators/kms/control.h"

#include <exception>

namespace kms_emulator {
namespace {

using openkeyring::Millis;

Status NotHere() { return {StatusCode::kNotFound, "no such control call"}; }

Status FromService(const ServiceError& error) {
  return {StatusCode::kInvalidArgument, error.code + ": " + error.message};
}

std::vector<std::string> PathParts(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t start = 0; start < path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    if (end > start) parts.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

Reply ToReply(const Result<Json>& answer) {
  const Json body =
      answer ? *answer : Json{{"error", answer.error().ToString()}};
  const int status = answer                                           ? 200
                     : answer.error().code() == StatusCode::kNotFound ? 404
                                                                      : 400;
  return {
      status, {{"Content-Type", "application/json"}}, body.dump(2) + "\n", {}};
}

const Json kDone = {{"ok", true}};

Json WithExpiry(Json item, double now) {
  if (item.contains("expires_in_s")) {
    item["expires"] = now + item["expires_in_s"].get<double>();
  }
  return item;
}

template <typename T>
Status ReadAll(const Json& json, const char* name, double now,
               Result<T> (*read)(const Json&), std::vector<T>& out) {
  if (!json.contains(name)) return Status::Ok();
  for (const Json& item : json[name]) {
    Result<T> one = read(WithExpiry(item, now));
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return Status::Ok();
}

}  // namespace

Status AddIdentities(KeyStore& store, const Json& json, double now) {
  std::vector<AccessKey> keys;
  std::vector<Role> roles;
  std::vector<WebIdentity> identities;
  Status status = ReadAll(json, "access_keys", now, AccessKeyFromJson, keys);
  if (status.ok()) status = ReadAll(json, "roles", now, RoleFromJson, roles);
  if (status.ok()) {
    status =
        ReadAll(json, "web_identities", now, WebIdentityFromJson, identities);
  }
  if (!status.ok()) return status;
  const auto saved = store.Update([&](State& state) -> Outcome<void> {
    for (AccessKey& key : keys) {
      if (key.principal.empty()) {
        key.principal = "arn:aws:iam::" + state.account + ":user/" + key.id;
      }
      state.access_keys[key.id] = key;
    }
    for (const Role& role : roles) state.roles[role.name] = role;
    for (const WebIdentity& one : identities) {
      state.web_identities[one.token] = one;
    }
    return {};
  });
  return saved ? Status::Ok() : FromService(saved.error());
}

Reply Control::Handle(const HttpMessage& request) {
  Call call{request.method, PathParts(request.path), Json::object()};
  if (!request.body.empty()) {
    call.body = Json::parse(request.body, nullptr, false);
  }
  if (!call.body.is_object()) {
    return ToReply(Status(StatusCode::kInvalidArgument, "not a JSON object"));
  }
  try {
    return ToReply(Dispatch(call));
  } catch (const std::exception& error) {
    return ToReply(Status(StatusCode::kInvalidArgument, error.what()));
  }
}

Result<Json> Control::Dispatch(const Call& call) {
  const std::string topic = call.path.empty() ? "" : call.path[0];
  if (topic == "health") return Json{{"status", "ok"}};
  if (topic == "counters") return Counters(call);
  if (topic == "faults") return Faults(call);
  if (topic == "latency") return Latency(call);
  if (topic == "availability") return Availability(call);
  if (topic == "clock") return Clock(call);
  if (topic == "keys") return Keys(call);
  if (topic == "identities") return Identities(call);
  if (topic == "imds") return Imds(call);
  if (topic == "sts") return Sts(call);
  return NotHere();
}

Result<Json> Control::Counters(const Call& call) {
  if (call.path.size() == 2 && call.path[1] == "reset") {
    if (call.method != "POST") return NotHere();
    emulator_.counters.Reset();
    return kDone;
  }
  return emulator_.counters.ToJson();
}

Result<Json> Control::Faults(const Call& call) {
  if (call.method == "DELETE") {
    emulator_.faults.Clear();
  } else if (call.method == "POST") {
    Result<Fault> fault = FaultFromJson(call.body);
    if (!fault) return fault.error();
    emulator_.faults.Push(std::move(*fault));
  }
  return Json{{"faults", emulator_.faults.List()}};
}

Result<Json> Control::Latency(const Call& call) {
  if (call.method == "POST") {
    emulator_.latency_ms = call.body.at("ms").get<int64_t>();
  }
  return Json{{"ms", emulator_.latency_ms.load()}};
}

Result<Json> Control::Availability(const Call& call) {
  if (call.method == "POST") {
    // Everything is read before anything changes.
    const Json& body = call.body;
    const Json quota = body.value("quota", Json::object());
    const double rate = quota.value("requests_per_second", 0.0);
    const double burst = quota.value("burst", rate);
    const double percent =
        body.value("errors", Json::object()).value("percent", 0.0);
    Json outage = body.value("outage", Json::object());
    const Millis after(
        static_cast<int64_t>(1000 * outage.value("after_s", 0.0)));
    const Millis length(
        static_cast<int64_t>(1000 * outage.value("for_s", 0.0)));
    outage.emplace("kind", "http_status");
    outage.emplace("status", 503);
    outage.emplace("code", "ServiceUnavailable");
    Result<Fault> fault = FaultFromJson(outage);
    if (!fault) return fault.error();
    if (body.contains("quota")) emulator_.availability.SetQuota(rate, burst);
    if (body.contains("errors")) emulator_.availability.SetErrors(percent);
    if (body.contains("outage")) {
      emulator_.availability.PlanOutage(after, length, std::move(*fault));
    }
  }
  return emulator_.availability.ToJson();
}

Result<Json> Control::Clock(const Call& call) {
  if (call.method == "POST") {
    const double seconds = call.body.at("offset_s").get<double>();
    emulator_.clock.SetOffset(Millis(static_cast<int64_t>(seconds * 1000)));
  }
  return Json{{"offset_s",
               static_cast<double>(emulator_.clock.offset().count()) / 1000},
              {"now", IsoTime(EpochSeconds(emulator_.clock.Now()))}};
}

Result<Json> Control::Keys(const Call& call) {
  if (call.path.size() == 1) {
    return call.method == "POST" ? CreateKey(call) : ListKeys();
  }
  const std::string& id = call.path[1];
  if (call.path.size() == 2 && call.method == "DELETE") return ForgetKey(id);
  if (call.path.size() != 3 || call.method != "POST") return NotHere();
  if (call.path[2] == "state") return SetKeyState(id, call.body);
  if (call.path[2] == "replicate") {
    const auto done = emulator_.kms.Replicate(id, call.body.at("region"));
    if (!done) return FromService(done.error());
    return kDone;
  }
  return NotHere();
}

Result<Json> Control::ListKeys() {
  return emulator_.store.View([](const State& state) {
    Json list = Json::array();
    for (const auto& [name, key] : state.keys) {
      Json aliases = Json::array();
      for (const auto& [alias, id] : state.aliases) {
        if (id == key.id && alias.first == key.region) {
          aliases.push_back(alias.second);
        }
      }
      list.push_back({{"arn", KeyArn(state, key)},
                      {"state", key.state},
                      {"aliases", aliases},
                      {"generations", state.material.at(key.id).size()}});
    }
    return Json{{"keys", list}};
  });
}

Result<Json> Control::CreateKey(const Call& call) {
  const auto id =
      emulator_.kms.MakeKey(call.body.at("region"), call.body.value("id", ""),
                            call.body.value("alias", ""));
  if (!id) return FromService(id.error());
  return Json{{"id", *id}};
}

Result<Json> Control::SetKeyState(const std::string& id, const Json& body) {
  const std::string wanted = body.at("state");
  const std::string region = body.value("region", "");
  const auto changed =
      emulator_.store.Update([&](State& state) -> Outcome<int> {
        int count = 0;
        for (auto& [name, key] : state.keys) {
          if (key.id != id || (!region.empty() && key.region != region))
            continue;
          key.state = wanted;
          ++count;
        }
        return count;
      });
  if (!changed) return FromService(changed.error());
  if (*changed == 0) return Status(StatusCode::kNotFound, "no key " + id);
  return Json{{"changed", *changed}};
}

// As after a deletion whose waiting time is over: key, aliases and material go.
Result<Json> Control::ForgetKey(const std::string& id) {
  const auto done = emulator_.store.Update([&](State& state) -> Outcome<bool> {
    std::erase_if(state.keys,
                  [&](const auto& item) { return item.first.second == id; });
    std::erase_if(state.aliases,
                  [&](const auto& item) { return item.second == id; });
    return state.material.erase(id) > 0;
  });
  if (!done) return FromService(done.error());
  if (!*done) return Status(StatusCode::kNotFound, "no key " + id);
  return kDone;
}

Result<Json> Control::Identities(const Call& call) {
  if (call.method == "POST") {
    const Status status = AddIdentities(emulator_.store, call.body,
                                        EpochSeconds(emulator_.clock.Now()));
    if (!status.ok()) return status;
    return kDone;
  }
  if (call.method == "DELETE" && call.path.size() == 2) {
    const auto done =
        emulator_.store.Update([&](State& state) -> Outcome<bool> {
          return state.access_keys.erase(call.path[1]) +
                     state.roles.erase(call.path[1]) +
                     state.web_identities.erase(call.path[1]) >
                 0;
        });
    if (!done) return FromService(done.error());
    if (!*done) return Status(StatusCode::kNotFound, "no such identity");
    return kDone;
  }
  return emulator_.store.View([](const State& state) {
    Json keys = Json::array();
    for (const auto& [id, key] : state.access_keys) {
      keys.push_back(
          {{"id", id}, {"principal", key.principal}, {"expires", key.expires}});
    }
    Json roles = Json::array();
    for (const auto& [name, role] : state.roles) roles.push_back(name);
    return Json{{"access_keys", keys}, {"roles", roles}};
  });
}

Result<Json> Control::Imds(const Call& call) {
  if (call.method != "POST") return NotHere();
  const Status status = emulator_.metadata.Configure(call.body);
  if (!status.ok()) return status;
  return kDone;
}

Result<Json> Control::Sts(const Call& call) {
  if (call.method != "POST") return NotHere();
  const Json lifetime = call.body.at("lifetime_s");
  emulator_.issuer.OverrideLifetime(
      lifetime.is_null() ? std::nullopt
                         : std::optional<double>(lifetime.get<double>()));
  return kDone;
}

}  // namespace kms_emulator
