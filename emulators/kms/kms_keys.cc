// SPDX-License-Identifier: MIT
// The operations of KmsService on keys as a whole.
#include "base/encoding.h"
#include "emulators/kms/kms_service.h"
#include "emulators/kms/paging.h"

namespace kms_emulator {
namespace {

using Need = Fields::Need;

constexpr double kDay = 86400;

Json RegionJson(const State& state, const Key& key) {
  return {{"Arn", KeyArn(state, key)}, {"Region", key.region}};
}

Json MultiRegionJson(const State& state, const Key& key) {
  Json answer = {{"MultiRegionKeyType",
                  key.region == key.primary_region ? "PRIMARY" : "REPLICA"},
                 {"ReplicaKeys", Json::array()}};
  for (const auto& [name, other] : state.keys) {
    if (other.id != key.id) continue;
    if (other.region == key.primary_region) {
      answer["PrimaryKey"] = RegionJson(state, other);
    } else {
      answer["ReplicaKeys"].push_back(RegionJson(state, other));
    }
  }
  return answer;
}

Json Metadata(const State& state, const Key& key) {
  Json answer = {{"AWSAccountId", state.account},
                 {"KeyId", key.id},
                 {"Arn", KeyArn(state, key)},
                 {"CreationDate", key.created},
                 {"Enabled", key.state == "Enabled"},
                 {"Description", key.description},
                 {"KeyUsage", key.usage},
                 {"KeyState", key.state},
                 {"Origin", "AWS_KMS"},
                 {"KeyManager", "CUSTOMER"},
                 {"CustomerMasterKeySpec", key.spec},
                 {"KeySpec", key.spec},
                 {"MultiRegion", key.multi_region()}};
  if (key.usage == "ENCRYPT_DECRYPT") {
    answer["EncryptionAlgorithms"] = {"SYMMETRIC_DEFAULT"};
    answer["CurrentKeyMaterialId"] = state.material.at(key.id).back().id;
  } else {
    answer["MacAlgorithms"] = {"HMAC_SHA_256"};
  }
  if (key.deletion > 0) answer["DeletionDate"] = key.deletion;
  if (key.multi_region()) {
    answer["MultiRegionConfiguration"] = MultiRegionJson(state, key);
  }
  return answer;
}

// Only what a keyring or a test of its refusals needs is offered.
Outcome<void> CheckSpec(const std::string& spec, const std::string& usage) {
  if (spec == "SYMMETRIC_DEFAULT" && usage == "ENCRYPT_DECRYPT") return {};
  if (spec == "HMAC_256" && usage == "GENERATE_VERIFY_MAC") return {};
  if (spec == "SYMMETRIC_DEFAULT" || spec == "HMAC_256") {
    return Fail("ValidationException",
                "The operation failed because the "
                "KeyUsage value of " +
                    usage + " is incompatible with KeySpec " + spec + ".");
  }
  return Fail("UnsupportedOperationException",
              "KeySpec " + spec + " is not emulated.");
}

}  // namespace

Outcome<Json> KmsService::CreateKey(Request& request) {
  Fields& fields = request.fields;
  const std::string description =
      fields.Text("Description", Need::kOptional, {0, 8192});
  const std::string spec = fields.Text("KeySpec", Need::kOptional, {1, 64});
  const std::string old_spec =
      fields.Text("CustomerMasterKeySpec", Need::kOptional, {1, 64});
  const std::string usage =
      fields.OneOf("KeyUsage", "ENCRYPT_DECRYPT",
                   {"SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC",
                    "KEY_AGREEMENT"});
  const bool multi_region = fields.Flag("MultiRegion");
  if (!spec.empty() && !old_spec.empty()) {
    fields.Invalid("KeySpec and CustomerMasterKeySpec cannot both be given.");
  }
  if (const auto check = fields.Check(); !check) return Failure(check.error());
  const auto allowed = Authorize(request.caller, request.action, "*");
  if (!allowed) return Failure(allowed.error());
  auto key =
      NewKey(request.caller.region,
             multi_region ? "mrk-" + openkeyring::RandomHex(random_, 16) : "");
  if (!key) return Failure(key.error());
  key->description = description;
  key->usage = usage;
  if (!spec.empty() || !old_spec.empty()) {
    key->spec = spec.empty() ? old_spec : spec;
  }
  const auto supported = CheckSpec(key->spec, usage);
  if (!supported) return Failure(supported.error());
  const auto backing = NewBackingKey("");
  if (!backing) return Failure(backing.error());
  return store_.Update([&](State& state) -> Outcome<Json> {
    state.material[key->id] = {*backing};
    state.keys[{key->region, key->id}] = *key;
    return Json{{"KeyMetadata", Metadata(state, *key)}};
  });
}

Outcome<Json> KmsService::DescribeKey(Request& request) {
  const std::string key_id = request.fields.RequiredKeyId();
  request.fields.GrantTokens();
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  return store_.View([&](const State& state) -> Outcome<Json> {
    const auto key = FindKey(state, request.caller, request.action, key_id,
                             KeyIdForms::kAll);
    if (!key) return Failure(key.error());
    const auto allowed =
        Authorize(request.caller, request.action, KeyArn(state, *key));
    if (!allowed) return Failure(allowed.error());
    return Json{{"KeyMetadata", Metadata(state, *key)}};
  });
}

Outcome<Json> KmsService::ListKeys(Request& request) {
  const Page page = Page::Read(request.fields, 100);
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  const auto allowed = Authorize(request.caller, request.action, "*");
  if (!allowed) return Failure(allowed.error());
  const Json all = store_.View([&](const State& state) {
    Json list = Json::array();
    for (const auto& [name, key] : state.keys) {
      if (key.region != request.caller.region) continue;
      list.push_back({{"KeyId", key.id}, {"KeyArn", KeyArn(state, key)}});
    }
    return list;
  });
  return page.Cut("Keys", all);
}

Outcome<Json> KmsService::SetEnabled(Request& request,
                                     const std::string& key_state) {
  const std::string key_id = request.fields.RequiredKeyId();
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  return store_.Update([&](State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const auto usable = CheckNotPendingDeletion(state, *key);
    if (!usable) return Failure(usable.error());
    state.keys[{key->region, key->id}].state = key_state;
    return Json::object();
  });
}

Outcome<Json> KmsService::EnableKey(Request& request) {
  return SetEnabled(request, "Enabled");
}

Outcome<Json> KmsService::DisableKey(Request& request) {
  return SetEnabled(request, "Disabled");
}

Outcome<Json> KmsService::ScheduleKeyDeletion(Request& request) {
  const std::string key_id = request.fields.RequiredKeyId();
  const int64_t days =
      request.fields.Number("PendingWindowInDays", 7, 30).value_or(30);
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  const double deletion = Now() + static_cast<double>(days) * kDay;
  return store_.Update([&](State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const auto usable = CheckNotPendingDeletion(state, *key);
    if (!usable) return Failure(usable.error());
    Key& stored = state.keys[{key->region, key->id}];
    stored.state = "PendingDeletion";
    stored.deletion = deletion;
    return Json{{"KeyId", KeyArn(state, *key)},
                {"DeletionDate", deletion},
                {"KeyState", stored.state},
                {"PendingWindowInDays", days}};
  });
}

Outcome<Json> KmsService::CancelKeyDeletion(Request& request) {
  const std::string key_id = request.fields.RequiredKeyId();
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  return store_.Update([&](State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const std::string arn = KeyArn(state, *key);
    if (key->state != "PendingDeletion") {
      return Fail("KMSInvalidStateException",
                  arn + " is not pending deletion.");
    }
    Key& stored = state.keys[{key->region, key->id}];
    stored.state = "Disabled";
    stored.deletion = 0;
    return Json{{"KeyId", arn}};
  });
}

}  // namespace kms_emulator
