// SPDX-License-Identifier: MIT
#include "emulators/kms/model.h"

#include "base/encoding.h"

namespace kms_emulator {
namespace {

using openkeyring::HexDecode;
using openkeyring::HexEncode;

Json PolicyToJson(const Policy& policy) {
  Json json = Json::object();
  if (policy.allow_operations) {
    json["allow_operations"] = *policy.allow_operations;
  }
  if (policy.allow_keys) json["allow_keys"] = *policy.allow_keys;
  json["deny_operations"] = policy.deny_operations;
  json["deny_keys"] = policy.deny_keys;
  return json;
}

Json KeyToJson(const Key& key) {
  return {{"id", key.id},
          {"region", key.region},
          {"description", key.description},
          {"state", key.state},
          {"spec", key.spec},
          {"usage", key.usage},
          {"primary_region", key.primary_region},
          {"created", key.created},
          {"deletion", key.deletion},
          {"rotation_next", key.rotation_next},
          {"rotation_days", key.rotation_days}};
}

Json MaterialToJson(const std::vector<BackingKey>& generations) {
  Json list = Json::array();
  for (const BackingKey& one : generations) {
    list.push_back({{"id", one.id},
                    {"material", HexEncode(one.material)},
                    {"created", one.created},
                    {"rotation_type", one.rotation_type}});
  }
  return list;
}

Json AccessKeyToJson(const AccessKey& key) {
  return {{"id", key.id},
          {"secret", key.secret},
          {"session_token", key.session_token},
          {"expires", key.expires},
          {"principal", key.principal},
          {"policy", PolicyToJson(key.policy)}};
}

Json RoleToJson(const Role& role) {
  return {{"name", role.name},
          {"external_id", role.external_id},
          {"max_seconds", role.max_seconds},
          {"policy", PolicyToJson(role.policy)}};
}

// Runs `read`, which may throw as nlohmann's accessors do.
template <typename T, typename Read>
Result<T> Guarded(const char* what, StatusCode code, Read read) {
  try {
    return read();
  } catch (const Json::exception& error) {
    // The text names the member, and never its value.
    return Status(code, std::string(what) + ": " + error.what());
  }
}

Key ReadKey(const Json& json) {
  Key key;
  json.at("id").get_to(key.id);
  json.at("region").get_to(key.region);
  json.at("state").get_to(key.state);
  key.description = json.value("description", "");
  key.spec = json.value("spec", key.spec);
  key.usage = json.value("usage", key.usage);
  key.primary_region = json.value("primary_region", "");
  key.created = json.value("created", 0.0);
  key.deletion = json.value("deletion", 0.0);
  key.rotation_next = json.value("rotation_next", 0.0);
  key.rotation_days = json.value("rotation_days", key.rotation_days);
  return key;
}

Result<BackingKey> ReadBackingKey(const Json& json) {
  BackingKey one;
  json.at("id").get_to(one.id);
  Result<Bytes> material = HexDecode(json.at("material").get<std::string>());
  if (!material) return material.error();
  if (material->size() != 32 || one.id.size() != 64) {
    return Status(StatusCode::kCorrupt, "a backing key of the wrong size");
  }
  one.material = std::move(*material);
  one.created = json.value("created", 0.0);
  one.rotation_type = json.value("rotation_type", "");
  return one;
}

Status ReadMaterial(const Json& json, State& state) {
  for (const auto& [id, generations] : json.items()) {
    for (const Json& item : generations) {
      Result<BackingKey> one = ReadBackingKey(item);
      if (!one) return one.error();
      state.material[id].push_back(std::move(*one));
    }
  }
  return Status::Ok();
}

// Every key must have material, or the first use would find none.
Status CheckMaterial(const State& state) {
  for (const auto& [name, key] : state.keys) {
    if (!state.material.contains(key.id)) {
      return {StatusCode::kCorrupt, "key " + key.id + " has no material"};
    }
  }
  return Status::Ok();
}

template <typename T, typename Read>
Status ReadList(const Json& list, std::map<std::string, T>& out,
                std::string T::*name, Read read) {
  for (const Json& item : list) {
    Result<T> one = read(item);
    if (!one) return one.error();
    const std::string key = (*one).*name;
    out[key] = std::move(*one);
  }
  return Status::Ok();
}

Result<State> ReadState(const Json& json) {
  State state;
  json.at("account").get_to(state.account);
  for (const Json& item : json.at("keys")) {
    Key key = ReadKey(item);
    state.keys[{key.region, key.id}] = key;
  }
  Status status = ReadMaterial(json.at("material"), state);
  if (status.ok()) status = CheckMaterial(state);
  for (const Json& item : json.at("aliases")) {
    state.aliases[{item.at("region"), item.at("name")}] = item.at("key_id");
  }
  if (status.ok()) {
    status = ReadList(json.at("access_keys"), state.access_keys, &AccessKey::id,
                      AccessKeyFromJson);
  }
  if (status.ok()) {
    status = ReadList(json.at("roles"), state.roles, &Role::name, RoleFromJson);
  }
  if (status.ok()) {
    status = ReadList(json.at("web_identities"), state.web_identities,
                      &WebIdentity::token, WebIdentityFromJson);
  }
  if (!status.ok()) return status;
  return state;
}

}  // namespace

std::string KeyArn(const State& state, const Key& key) {
  return "arn:aws:kms:" + key.region + ":" + state.account + ":key/" + key.id;
}

std::string AliasArn(const State& state, const std::string& region,
                     const std::string& alias) {
  return "arn:aws:kms:" + region + ":" + state.account + ":" + alias;
}

Json ToJson(const State& state) {
  Json json = {{"account", state.account},       {"keys", Json::array()},
               {"material", Json::object()},     {"aliases", Json::array()},
               {"access_keys", Json::array()},   {"roles", Json::array()},
               {"web_identities", Json::array()}};
  for (const auto& [name, key] : state.keys) {
    json["keys"].push_back(KeyToJson(key));
  }
  for (const auto& [id, generations] : state.material) {
    json["material"][id] = MaterialToJson(generations);
  }
  for (const auto& [name, key_id] : state.aliases) {
    json["aliases"].push_back(
        {{"region", name.first}, {"name", name.second}, {"key_id", key_id}});
  }
  for (const auto& [id, key] : state.access_keys) {
    json["access_keys"].push_back(AccessKeyToJson(key));
  }
  for (const auto& [name, role] : state.roles) {
    json["roles"].push_back(RoleToJson(role));
  }
  for (const auto& [token, one] : state.web_identities) {
    json["web_identities"].push_back({{"token", one.token},
                                      {"subject", one.subject},
                                      {"expires", one.expires}});
  }
  return json;
}

Result<State> StateFromJson(const Json& json) {
  return Guarded<State>("state file", StatusCode::kCorrupt,
                        [&] { return ReadState(json); });
}

Result<Policy> PolicyFromJson(const Json& json) {
  using List = std::vector<std::string>;
  return Guarded<Policy>("policy", StatusCode::kInvalidArgument, [&] {
    Policy policy;
    if (json.contains("allow_operations")) {
      policy.allow_operations = json["allow_operations"].get<List>();
    }
    if (json.contains("allow_keys")) {
      policy.allow_keys = json["allow_keys"].get<List>();
    }
    policy.deny_operations = json.value("deny_operations", List());
    policy.deny_keys = json.value("deny_keys", List());
    return policy;
  });
}

Result<AccessKey> AccessKeyFromJson(const Json& json) {
  return Guarded<AccessKey>(
      "access key", StatusCode::kInvalidArgument, [&]() -> Result<AccessKey> {
        AccessKey key;
        json.at("id").get_to(key.id);
        json.at("secret").get_to(key.secret);
        key.session_token = json.value("session_token", "");
        key.expires = json.value("expires", 0.0);
        key.principal = json.value("principal", "");
        Result<Policy> policy =
            PolicyFromJson(json.value("policy", Json::object()));
        if (!policy) return policy.error();
        key.policy = std::move(*policy);
        return key;
      });
}

Result<Role> RoleFromJson(const Json& json) {
  return Guarded<Role>(
      "role", StatusCode::kInvalidArgument, [&]() -> Result<Role> {
        Role role;
        json.at("name").get_to(role.name);
        role.external_id = json.value("external_id", "");
        role.max_seconds = json.value("max_seconds", role.max_seconds);
        Result<Policy> policy =
            PolicyFromJson(json.value("policy", Json::object()));
        if (!policy) return policy.error();
        role.policy = std::move(*policy);
        return role;
      });
}

Result<WebIdentity> WebIdentityFromJson(const Json& json) {
  return Guarded<WebIdentity>(
      "web identity", StatusCode::kInvalidArgument, [&] {
        WebIdentity one;
        json.at("token").get_to(one.token);
        one.subject = json.value("subject", one.subject);
        one.expires = json.value("expires", 0.0);
        return one;
      });
}

}  // namespace kms_emulator
