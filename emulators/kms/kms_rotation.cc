// SPDX-License-Identifier: MIT
// The rotation operations of KmsService.
#include <algorithm>

#include "emulators/kms/kms_service.h"
#include "emulators/kms/paging.h"

namespace kms_emulator {
namespace {

constexpr double kDay = 86400;
constexpr int kMaxOnDemand =
    25;  // Rotations on demand, for a key's whole life.

Outcome<void> CheckRotatable(const State& state, const Key& key) {
  const auto enabled = CheckEnabled(state, key);
  if (!enabled) return enabled;
  if (key.usage != "ENCRYPT_DECRYPT") {
    return Fail("UnsupportedOperationException",
                KeyArn(state, key) + " cannot be rotated.");
  }
  if (key.multi_region() && key.region != key.primary_region) {
    return Fail("UnsupportedOperationException",
                KeyArn(state, key) +
                    " is a replica; rotation is a matter of its primary key.");
  }
  return {};
}

int OnDemandCount(const std::vector<BackingKey>& generations) {
  return static_cast<int>(
      std::ranges::count(generations, "ON_DEMAND", &BackingKey::rotation_type));
}

}  // namespace

Outcome<Json> KmsService::EnableKeyRotation(Request& request) {
  const std::string key_id = request.fields.RequiredKeyId();
  const int64_t days =
      request.fields.Number("RotationPeriodInDays", 90, 2560).value_or(365);
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  const double next = Now() + static_cast<double>(days) * kDay;
  return store_.Update([&](State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const auto rotatable = CheckRotatable(state, *key);
    if (!rotatable) return Failure(rotatable.error());
    Key& stored = state.keys[{key->region, key->id}];
    stored.rotation_days = static_cast<int>(days);
    stored.rotation_next = next;
    return Json::object();
  });
}

Outcome<Json> KmsService::DisableKeyRotation(Request& request) {
  const std::string key_id = request.fields.RequiredKeyId();
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  return store_.Update([&](State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const auto rotatable = CheckRotatable(state, *key);
    if (!rotatable) return Failure(rotatable.error());
    state.keys[{key->region, key->id}].rotation_next = 0;
    return Json::object();
  });
}

Outcome<Json> KmsService::GetKeyRotationStatus(Request& request) {
  const std::string key_id = request.fields.RequiredKeyId();
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  return store_.View([&](const State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const auto usable = CheckNotPendingDeletion(state, *key);
    if (!usable) return Failure(usable.error());
    Json answer = {{"KeyId", KeyArn(state, *key)},
                   {"KeyRotationEnabled", key->rotation_next > 0}};
    if (key->rotation_next > 0) {
      answer["RotationPeriodInDays"] = key->rotation_days;
      answer["NextRotationDate"] = key->rotation_next;
    }
    return answer;
  });
}

Outcome<Json> KmsService::RotateKeyOnDemand(Request& request) {
  const std::string key_id = request.fields.RequiredKeyId();
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  const auto fresh = NewBackingKey("ON_DEMAND");
  if (!fresh) return Failure(fresh.error());
  return store_.Update([&](State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const auto rotatable = CheckRotatable(state, *key);
    if (!rotatable) return Failure(rotatable.error());
    std::vector<BackingKey>& generations = state.material[key->id];
    if (OnDemandCount(generations) >= kMaxOnDemand) {
      return Fail("LimitExceededException", "The on-demand rotation limit of " +
                                                std::to_string(kMaxOnDemand) +
                                                " for " + KeyArn(state, *key) +
                                                " has been reached.");
    }
    generations.push_back(*fresh);
    return Json{{"KeyId", KeyArn(state, *key)}};
  });
}

Outcome<Json> KmsService::ListKeyRotations(Request& request) {
  const std::string key_id = request.fields.RequiredKeyId();
  const bool all_material =
      request.fields.OneOf("IncludeKeyMaterial", "ROTATIONS_ONLY",
                           {"ALL_KEY_MATERIAL", "ROTATIONS_ONLY"}) ==
      "ALL_KEY_MATERIAL";
  const Page page = Page::Read(request.fields, 100);
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  const auto all = store_.View([&](const State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const std::vector<BackingKey>& generations = state.material.at(key->id);
    Json list = Json::array();
    for (const BackingKey& one : generations) {
      if (one.rotation_type.empty() && !all_material) continue;
      Json item = {{"KeyId", KeyArn(state, *key)}, {"KeyMaterialId", one.id}};
      item["KeyMaterialState"] =
          one.id == generations.back().id ? "CURRENT" : "NON_CURRENT";
      if (!one.rotation_type.empty()) {
        item["RotationDate"] = one.created;
        item["RotationType"] = one.rotation_type;
      }
      list.push_back(item);
    }
    return list;
  });
  if (!all) return Failure(all.error());
  return page.Cut("Rotations", *all);
}

Outcome<void> KmsService::RotateIfDue(const Key& key) {
  const auto fresh = NewBackingKey("AUTOMATIC");
  if (!fresh) return Failure(fresh.error());
  const double now = Now();
  return store_.Update([&](State& state) -> Outcome<void> {
    const auto found = state.keys.find({key.region, key.id});
    if (found == state.keys.end()) return {};
    Key& stored = found->second;
    // Another thread may have been here first.
    if (stored.rotation_next == 0 || stored.rotation_next > now) return {};
    stored.rotation_next = now + stored.rotation_days * kDay;
    state.material[key.id].push_back(*fresh);
    return {};
  });
}

}  // namespace kms_emulator
