// SPDX-License-Identifier: MIT
// The operations of KmsService on aliases.
#include "emulators/kms/kms_service.h"
#include "emulators/kms/paging.h"

namespace kms_emulator {
namespace {

std::string ReadAliasName(Fields& fields) {
  const std::string name =
      fields.Text("AliasName", Fields::Need::kRequired, {1, 256});
  if (!name.empty() && !IsAliasName(name)) {
    fields.Invalid(name.starts_with("alias/")
                       ? "Alias name contains characters that are not valid."
                       : "Alias must start with the prefix \"alias/\". Please "
                         "see https://docs.aws.amazon.com/kms");
  } else if (name.starts_with("alias/aws/")) {
    fields.Invalid("NotAuthorizedException: alias/aws/ is reserved.");
  }
  return name;
}

Failure AliasNotFound(const State& state, const std::string& region,
                      const std::string& name) {
  return Fail("NotFoundException",
              "Alias " + AliasArn(state, region, name) + " is not found.");
}

}  // namespace

Outcome<Json> KmsService::CreateAlias(Request& request) {
  const std::string name = ReadAliasName(request.fields);
  const std::string key_id = request.fields.RequiredKeyId("TargetKeyId");
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  return store_.Update([&](State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const auto usable = CheckNotPendingDeletion(state, *key);
    if (!usable) return Failure(usable.error());
    const std::string arn = AliasArn(state, key->region, name);
    if (!state.aliases.emplace(RegionName(key->region, name), key->id).second) {
      return Fail("AlreadyExistsException",
                  "An alias with the name " + arn + " already exists");
    }
    return Json::object();
  });
}

Outcome<Json> KmsService::UpdateAlias(Request& request) {
  const std::string name = ReadAliasName(request.fields);
  const std::string key_id = request.fields.RequiredKeyId("TargetKeyId");
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  return store_.Update([&](State& state) -> Outcome<Json> {
    const auto key = FindManaged(state, request, key_id);
    if (!key) return Failure(key.error());
    const auto usable = CheckNotPendingDeletion(state, *key);
    if (!usable) return Failure(usable.error());
    const auto found = state.aliases.find({key->region, name});
    if (found == state.aliases.end()) {
      return AliasNotFound(state, key->region, name);
    }
    found->second = key->id;
    return Json::object();
  });
}

Outcome<Json> KmsService::DeleteAlias(Request& request) {
  const std::string name = ReadAliasName(request.fields);
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  const std::string& region = request.caller.region;
  return store_.Update([&](State& state) -> Outcome<Json> {
    const auto allowed = Authorize(request.caller, request.action,
                                   AliasArn(state, region, name));
    if (!allowed) return Failure(allowed.error());
    if (state.aliases.erase({region, name}) == 0) {
      return AliasNotFound(state, region, name);
    }
    return Json::object();
  });
}

Outcome<Json> KmsService::ListAliases(Request& request) {
  const std::string key_id = request.fields.OptionalKeyId("KeyId");
  const Page page = Page::Read(request.fields, 50);
  const auto check = request.fields.Check();
  if (!check) return Failure(check.error());
  const auto allowed = Authorize(request.caller, request.action, "*");
  if (!allowed) return Failure(allowed.error());
  const auto all = store_.View([&](const State& state) -> Outcome<Json> {
    std::string wanted;
    if (!key_id.empty()) {
      const auto key = FindManaged(state, request, key_id);
      if (!key) return Failure(key.error());
      wanted = key->id;
    }
    Json list = Json::array();
    for (const auto& [name, target] : state.aliases) {
      if (name.first != request.caller.region) continue;
      if (!wanted.empty() && target != wanted) continue;
      list.push_back({{"AliasName", name.second},
                      {"AliasArn", AliasArn(state, name.first, name.second)},
                      {"TargetKeyId", target}});
    }
    return list;
  });
  if (!all) return Failure(all.error());
  return page.Cut("Aliases", *all);
}

}  // namespace kms_emulator
