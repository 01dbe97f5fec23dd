// SPDX-License-Identifier: MIT
#include "emulators/kms/kms_service.h"

#include <array>
#include <cmath>

#include "base/encoding.h"

namespace kms_emulator {

struct OperationTable {
  using Method = Outcome<Json> (KmsService::*)(KmsService::Request&);
  static const std::map<std::string, Method>& Get() {
    using K = KmsService;
    static const std::map<std::string, Method> table = {
        {"CancelKeyDeletion", &K::CancelKeyDeletion},
        {"CreateAlias", &K::CreateAlias},
        {"CreateKey", &K::CreateKey},
        {"Decrypt", &K::Decrypt},
        {"DeleteAlias", &K::DeleteAlias},
        {"DescribeKey", &K::DescribeKey},
        {"DisableKey", &K::DisableKey},
        {"DisableKeyRotation", &K::DisableKeyRotation},
        {"EnableKey", &K::EnableKey},
        {"EnableKeyRotation", &K::EnableKeyRotation},
        {"Encrypt", &K::Encrypt},
        {"GenerateDataKey", &K::GenerateDataKey},
        {"GenerateDataKeyWithoutPlaintext",
         &K::GenerateDataKeyWithoutPlaintext},
        {"GenerateRandom", &K::GenerateRandom},
        {"GetKeyRotationStatus", &K::GetKeyRotationStatus},
        {"ListAliases", &K::ListAliases},
        {"ListKeyRotations", &K::ListKeyRotations},
        {"ListKeys", &K::ListKeys},
        {"ReEncrypt", &K::ReEncrypt},
        {"RotateKeyOnDemand", &K::RotateKeyOnDemand},
        {"ScheduleKeyDeletion", &K::ScheduleKeyDeletion},
        {"UpdateAlias", &K::UpdateAlias},
    };
    return table;
  }
};

namespace {

std::string NewUuid(openkeyring::Random& random) {
  std::string hex = openkeyring::RandomHex(random, 16);
  hex[12] = '4';  // RFC 4122: version 4, variant 10.
  hex[16] = "89ab"[(hex[16] >= 'a' ? hex[16] - 'a' + 10 : hex[16] - '0') % 4];
  for (const size_t dash : {8, 13, 18, 23}) hex.insert(dash, "-");
  return hex;
}

}  // namespace

double EpochSeconds(openkeyring::WallTime time) {
  const auto since =
      std::chrono::duration_cast<openkeyring::Millis>(time.time_since_epoch());
  return static_cast<double>(since.count()) / 1000;
}

bool KmsService::Knows(const std::string& operation) {
  return OperationTable::Get().contains(operation);
}

Outcome<Json> KmsService::Call(const std::string& operation, const Json& body,
                               const Caller& caller) {
  const auto found = OperationTable::Get().find(operation);
  if (found == OperationTable::Get().end()) {
    return Fail("UnknownOperationException");
  }
  if (!body.is_object()) return Fail("SerializationException");
  Request request{Fields(body), caller, "kms:" + operation};
  return (this->*found->second)(request);
}

Outcome<BackingKey> KmsService::NewBackingKey(
    const std::string& rotation_type) {
  BackingKey key;
  key.id = openkeyring::RandomHex(random_, 32);
  key.material.resize(32);
  const Status status = random_.Fill(key.material);
  if (!status.ok()) {
    return Fail("KMSInternalException", status.ToString(), 500);
  }
  key.created = Now();
  key.rotation_type = rotation_type;
  return key;
}

Outcome<Key> KmsService::NewKey(const std::string& region,
                                const std::string& id) {
  Key key;
  key.id = id.empty() ? NewUuid(random_) : id;
  key.region = region;
  key.created = Now();
  if (key.id.starts_with("mrk-")) key.primary_region = region;
  if (IsKeyId(key.id)) return key;
  return Fail("ValidationException", "'" + key.id + "' is not a key id");
}

Outcome<std::string> KmsService::MakeKey(const std::string& region,
                                         std::string id,
                                         const std::string& alias) {
  if (!alias.empty() && !IsAliasName(alias)) {
    return Fail("ValidationException", "'" + alias + "' is not an alias name");
  }
  const bool moves_alias = !id.empty();
  const Outcome<Key> key = NewKey(region, id);
  if (!key) return Failure(key.error());
  const Outcome<BackingKey> backing = NewBackingKey("");
  if (!backing) return Failure(backing.error());
  return store_.Update([&](State& state) -> Outcome<std::string> {
    const auto named = state.aliases.find({region, alias});
    if (named != state.aliases.end() && !moves_alias) return named->second;
    if (state.keys.emplace(RegionName(region, key->id), *key).second) {
      state.material.emplace(key->id, std::vector{*backing});
    }
    if (!alias.empty()) state.aliases[{region, alias}] = key->id;
    return key->id;
  });
}

Outcome<void> KmsService::Replicate(const std::string& id,
                                    const std::string& region) {
  return store_.Update([&](State& state) -> Outcome<void> {
    for (const auto& [name, key] : state.keys) {
      if (key.id != id || key.region != key.primary_region) continue;
      Key replica = key;
      replica.region = region;
      replica.state = "Enabled";
      replica.deletion = 0;
      state.keys.emplace(RegionName(region, id), replica);
      return {};
    }
    return Fail("NotFoundException", id + " is not a multi-region key");
  });
}

Outcome<Key> KmsService::FindManaged(const State& state, const Request& request,
                                     const std::string& key_id) {
  Outcome<Key> key = FindKey(state, request.caller, request.action, key_id,
                             KeyIdForms::kNoAliases);
  if (!key) return key;
  const Outcome<void> allowed =
      Authorize(request.caller, request.action, KeyArn(state, *key));
  if (!allowed) return Failure(allowed.error());
  return key;
}

}  // namespace kms_emulator
