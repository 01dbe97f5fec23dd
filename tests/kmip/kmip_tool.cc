// SPDX-License-Identifier: MIT
// Our KMIP client as a program, for tests/kmip: a JSON object a line in, what
// came of it as a JSON object a line out. Values are hex, times seconds.
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/encoding.h"
#include "kmip/client.h"
#include "kmip/locate_all.h"
#include "kmip/operations/activate.h"
#include "kmip/operations/add_attribute.h"
#include "kmip/operations/create.h"
#include "kmip/operations/destroy.h"
#include "kmip/operations/get.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/query.h"
#include "kmip/operations/register.h"
#include "kmip/operations/revoke.h"
#include "net/tls_stream.h"
#include "testing/fakes.h"

namespace openkeyring {
namespace {

using nlohmann::json;

json Failure(const Status& status, bool lost = false) {
  return {{"ok", false},
          {"code", StatusCodeName(status.code())},
          {"message", status.message()},
          {"lost", lost}};
}

template <typename T>
std::optional<T> Optional(const json& in, const char* name) {
  if (!in.contains(name)) return std::nullopt;
  return static_cast<T>(in.at(name).get<int64_t>());
}

std::optional<KmipTime> OptionalTime(const json& in, const char* name) {
  if (!in.contains(name)) return std::nullopt;
  return KmipTime(std::chrono::seconds(in.at(name).get<int64_t>()));
}

KmipAttributes AttributesOf(const json& in) {
  KmipAttributes out;
  out.names = in.value("names", out.names);
  out.object_groups = in.value("groups", out.object_groups);
  for (const json& pair : in.value("info", json::array())) {
    out.application_info.push_back({pair.at(0), pair.at(1)});
  }
  for (const json& pair : in.value("custom", json::array())) {
    out.vendor_attributes.push_back({"x", pair.at(0), pair.at(1)});
  }
  out.object_type = Optional<KmipObjectType>(in, "type");
  out.state = Optional<KmipState>(in, "state");
  out.algorithm = Optional<KmipAlgorithm>(in, "algorithm");
  out.length = Optional<int32_t>(in, "length");
  out.usage_mask = Optional<int32_t>(in, "usage_mask");
  out.activation_date = OptionalTime(in, "activation_date");
  return out;
}

json ToJson(const KmipAttributes& in) {
  json out = {{"names", in.names}, {"groups", in.object_groups}};
  out["info"] = json::array();
  for (const auto& info : in.application_info) {
    out["info"].push_back({info.name_space, info.data});
  }
  out["custom"] = json::array();
  for (const auto& custom : in.vendor_attributes) {
    out["custom"].push_back({custom.name, custom.value});
  }
  if (in.object_type) out["type"] = *in.object_type;
  if (in.state) out["state"] = *in.state;
  if (in.algorithm) out["algorithm"] = *in.algorithm;
  if (in.length) out["length"] = *in.length;
  if (in.usage_mask) out["usage_mask"] = *in.usage_mask;
  if (in.initial_date) {
    out["initial_date"] = in.initial_date->time_since_epoch().count();
  }
  return out;
}

KmipObject ObjectOf(const json& in) {
  KmipObject object;
  object.type = static_cast<KmipObjectType>(in.value("type", 2));
  object.value = Secret::CopyOf(*HexDecode(in.at("value").get<std::string>()));
  object.format = static_cast<KmipKeyFormat>(in.value("format", 1));
  if (object.type == KmipObjectType::kSymmetricKey) {
    object.algorithm = KmipAlgorithm::kAes;
    object.length =
        in.value("bits", static_cast<int32_t>(8 * object.value.size()));
  }
  return object;
}

// One client, and what can be asked of it.
class Session {
 public:
  static Result<std::unique_ptr<Session>> Open(const json& in) {
    TlsOptions tls;
    tls.ca_file = in.at("server_ca");
    tls.certificate_file = in.value("client_ca", "");
    tls.key_file = in.value("client_key", "");
    tls.verify_host_name = in.value("verify_host", true);
    tls.minimum_version = in.value("tls_min_version", "1.2");
    KmipClientOptions options;
    for (const json& server : in.at("servers")) {
      options.servers.push_back({server.at(0), server.at(1)});
    }
    options.request_timeout = Millis(in.value("request_timeout_ms", 10000));
    if (in.contains("version")) {
      const auto version = ParseKmipVersion(in["version"].get<std::string>());
      if (!version) return version.error();
      options.version = *version;
    }
    auto connector = TlsConnector::Make(std::move(tls), PosixFileSystem());
    if (!connector) return connector.error();
    auto session = std::make_unique<Session>();
    session->connector_ = std::move(*connector);
    session->client_ = std::make_unique<KmipClient>(
        std::move(options), *session->connector_, SystemClock(), session->log_);
    session->deadline_ = Millis(in.value("deadline_ms", 30000));
    return session;
  }

  json Do(const std::string& what, const json& in) {
    if (what == "register") return Register(in);
    if (what == "create")
      return Change(MakeCreate(attributes_ = Attributes(in)));
    if (what == "activate") return Change(MakeActivate(in.at("id")));
    if (what == "revoke") return Revoke(in);
    if (what == "destroy") return Change(MakeDestroy(in.at("id")));
    if (what == "add_attribute") {
      attributes_ = Attributes(in);
      return Change(MakeAddAttribute(in.at("id"), attributes_));
    }
    if (what == "get") return Get(in.at("id"));
    if (what == "get_many") return GetMany(in.at("ids"));
    if (what == "attributes") return GetAttributes(in);
    if (what == "locate") return Locate(in);
    if (what == "query") return Query();
    return Status_();
  }

 private:
  static KmipAttributes Attributes(const json& in) {
    return AttributesOf(in.value("attributes", json::object()));
  }
  Deadline By() const { return Deadline::After(SystemClock(), deadline_); }

  static json ToJson(const KmipChange& change) {
    if (!change.status.ok()) {
      return Failure(change.status, change.may_have_happened);
    }
    return {{"ok", true}, {"id", change.id}};
  }
  json Change(const KmipCall& call) {
    return ToJson(client_->Change(call, By()));
  }

  json Register(const json& in) {
    const KmipObject object = ObjectOf(in);
    const KmipAttributes attributes = Attributes(in);
    const KmipChange made =
        client_->Change(MakeRegister(object, attributes), By());
    json out = ToJson(made);
    if (made.status.ok() && in.value("activate", false)) {
      out["activated"] =
          client_->Change(MakeActivate(made.id), By()).status.ToString();
    }
    return out;
  }

  json Revoke(const json& in) {
    KmipRevokeRequest request;
    request.id = in.at("id");
    request.reason = static_cast<KmipRevocationReason>(in.value("reason", 1));
    request.message = in.value("message", "");
    if (request.reason == KmipRevocationReason::kKeyCompromise) {
      request.compromise_occurrence = KmipTime(std::chrono::seconds(1));
    }
    return Change(MakeRevoke(std::move(request)));
  }

  json Get(const std::string& id) {
    const auto got = client_->Ask(MakeGet(id), ReadGet, By());
    if (!got) return Failure(got.error());
    return {{"ok", true},
            {"id", got->id},
            {"type", got->object.type},
            {"format", got->object.format},
            {"value", HexEncode(got->object.value.RevealBytes())}};
  }

  json GetMany(const std::vector<std::string>& ids) {
    std::vector<KmipCall> calls;
    for (const std::string& id : ids) {
      calls.push_back(MakeGet(id));
      calls.push_back(MakeGetAttributes(id, {}));
    }
    json out = json::array();
    const auto replies = client_->Call(calls, By());
    for (size_t i = 0; i < replies.size(); i += 2) {
      if (!replies[i].status.ok() || !replies[i + 1].status.ok()) {
        out.push_back(Failure(replies[i].status));
        continue;
      }
      const auto got = ReadGet(replies[i].payload);
      const auto attributes = ReadGetAttributes(replies[i + 1].payload);
      if (!got || !attributes) return Failure(got.status());
      out.push_back({{"id", got->id},
                     {"value", HexEncode(got->object.value.RevealBytes())},
                     {"names", attributes->names}});
    }
    return {{"ok", true}, {"objects", out}};
  }

  json GetAttributes(const json& in) {
    std::vector<KmipAttributeRef> wanted;
    for (const std::string name : in.value("wanted", json::array())) {
      wanted.push_back(KmipAttributeOfName(name));
    }
    const auto got = client_->Ask(MakeGetAttributes(in.at("id"), wanted),
                                  ReadGetAttributes, By());
    if (!got) return Failure(got.error());
    return {{"ok", true}, {"attributes", openkeyring::ToJson(*got)}};
  }

  json Locate(const json& in) {
    const auto found =
        LocateAll(*client_, Attributes(in), in.value("most", 10000U), By());
    if (!found) return Failure(found.error());
    return {{"ok", true}, {"ids", *found}};
  }

  json Query() {
    const auto got = client_->Ask(MakeQuery(), ReadQuery, By());
    if (!got) return Failure(got.error());
    json operations = json::array();
    for (const auto one : got->operations) operations.push_back(KmipName(one));
    return {{"ok", true},
            {"operations", operations},
            {"types", got->object_types},
            {"vendor", got->vendor}};
  }

  json Status_() {
    const KmipClientStatus status = client_->status();
    return {{"ok", true},
            {"server", status.server},
            {"version", status.version},
            {"tls", status.tls},
            {"last_error", status.last_error.ToString()},
            {"connections", status.connections},
            {"log", log_.Text()}};
  }

  MemoryLog log_;
  std::unique_ptr<TlsConnector> connector_;
  std::unique_ptr<KmipClient> client_;
  KmipAttributes attributes_;  // Borrowed by the call that is under way.
  Millis deadline_{30000};
};

json Tags() {
  json tags = json::object();
#define OPENKEYRING_TAG(name, number) tags[#name] = number;
#include "kmip/tags.inc"
#undef OPENKEYRING_TAG
  return {{"ok", true}, {"tags", tags}};
}

json Handle(const json& in,
            std::map<std::string, std::unique_ptr<Session>>& all) {
  const std::string what = in.at("do");
  if (what == "tags") return Tags();
  const std::string name = in.value("session", "default");
  if (what == "open") {
    auto session = Session::Open(in);
    if (!session) return Failure(session.error());
    all[name] = std::move(*session);
    return {{"ok", true}};
  }
  return all.at(name)->Do(what, in);
}

}  // namespace
}  // namespace openkeyring

int main() {
  std::map<std::string, std::unique_ptr<openkeyring::Session>> sessions;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << openkeyring::Handle(nlohmann::json::parse(line), sessions)
              << std::endl;
  }
}
