// SPDX-License-Identifier: MIT
#include "emulators/kmip/control.h"

#include <utility>

namespace kmip_server {

using openkeyring::Status;
using openkeyring::StatusCode;

namespace {

const Json kDone = {{"ok", true}};

Status Invalid(std::string text) {
  return {StatusCode::kInvalidArgument, std::move(text)};
}

emulators::Reply ToReply(const Result<Json>& answer) {
  const Json body =
      answer ? *answer : Json{{"error", answer.error().ToString()}};
  return {answer ? 200 : 400,
          {{"Content-Type", "application/json"}},
          body.dump(2) + "\n",
          {}};
}

}  // namespace

emulators::Reply Control::Handle(const emulators::HttpMessage& request) {
  Json body = Json::object();
  if (!request.body.empty()) {
    body = Json::parse(request.body, nullptr, false);
  }
  if (!body.is_object()) return ToReply(Invalid("not a JSON object"));
  return ToReply(
      Dispatch(request.method + " " + request.path, std::move(body)));
}

Result<Json> Control::Dispatch(const std::string& call, Json body) {
  if (call == "GET /health") return Json{{"status", "ok"}};
  if (call == "GET /counters") return Counters();
  if (call == "GET /objects") return Objects();
  return OnServer(call, std::move(body));
}

Result<KmipServer*> Control::Chosen(Json& body) {
  size_t index = 0;
  if (body.contains("server")) {
    if (!body["server"].is_number_unsigned()) return Invalid("bad server");
    index = body["server"].get<size_t>();
    body.erase("server");
  }
  if (index >= servers_.size()) return Invalid("there is no such server");
  return servers_[index].get();
}

Result<Json> Control::OnServer(const std::string& call, Json body) {
  const Result<KmipServer*> server = Chosen(body);
  if (!server) return server.error();
  if (call == "POST /faults") {
    Result<Fault> fault = FaultFromJson(body);
    if (!fault) return fault.error();
    (*server)->Push(std::move(*fault));
  } else if (call == "DELETE /faults") {
    (*server)->ClearFaults();
  } else if (call == "POST /behaviour") {
    Behaviour changed = (*server)->behaviour();
    Status status = ChangeBehaviour(body, changed);
    if (!status.ok()) return status;
    (*server)->Set(changed);
  } else if (call == "POST /objects") {
    return ChangeObject(**server, body);
  } else if (call == "POST /stop") {
    (*server)->Stop();
  } else if (call == "POST /start") {
    (*server)->Start();
  } else if (call == "POST /cut") {
    (*server)->CutAll();
  } else {
    return Invalid("no such control call: " + call);
  }
  return kDone;
}

// Dates of one object, as if it had been made at another time.
Result<Json> Control::ChangeObject(KmipServer& server, const Json& body) {
  if (!body.contains("id") || !body["id"].is_string()) {
    return Invalid("which object?");
  }
  const std::string id = body["id"].get<std::string>();
  const auto date = [&](const char* name,
                        std::optional<openkeyring::KmipTime>& into) {
    if (!body.contains(name) || !body[name].is_number_integer()) return;
    into =
        openkeyring::KmipTime(std::chrono::seconds(body[name].get<int64_t>()));
  };
  bool is_there = false;
  server.store().ForEach([&](StoredObject& stored) {
    KmipAttributes& attributes = stored.attributes;
    if (attributes.unique_identifier != id) return;
    is_there = true;
    date("initial_date", attributes.initial_date);
    date("deactivation_date", attributes.deactivation_date);
  });
  if (!is_there) return Invalid("there is no object " + id);
  return kDone;
}

Result<Json> Control::Counters() {
  Json all = Json::array();
  for (const auto& server : servers_) {
    all.push_back({{"requests", server->requests()},
                   {"operations", server->operations()},
                   {"connections", server->connections()},
                   {"tls_handshakes", server->handshakes()}});
  }
  return Json{{"servers", all}};
}

Result<Json> Control::Objects() {
  Json all = Json::array();
  servers_.front()->store().ForEach([&](const StoredObject& stored) {
    const KmipAttributes& attributes = stored.attributes;
    Json info = Json::array();
    for (const auto& one : attributes.application_info) {
      info.push_back({one.name_space, one.data});
    }
    all.push_back(
        {{"id", attributes.unique_identifier.value_or("")},
         {"owner", stored.owner},
         {"names", attributes.names},
         {"groups", attributes.object_groups},
         {"info", info},
         {"type", openkeyring::KmipName(stored.object.type)},
         {"state", attributes.state ? openkeyring::KmipName(*attributes.state)
                                    : "none"}});
  });
  return Json{{"objects", all}};
}

}  // namespace kmip_server
