// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_objects.h"

#include <utility>

#include "kmip/operations/activate.h"
#include "kmip/operations/destroy.h"
#include "kmip/operations/get.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/locate.h"
#include "kmip/operations/revoke.h"

namespace openkeyring {
namespace {

// More of one name than that are no accident.
constexpr int32_t kMostOfOneName = 100;
constexpr char kWhyRevoked[] = "The key was removed from its keyring.";

std::vector<KmipAttributeRef> Wanted(KmipObjectType type) {
  std::vector<KmipAttributeRef> wanted = {
      {KmipTag::kState, "", ""},
      {KmipTag::kName, "", ""},
      {KmipTag::kApplicationSpecificInformation, "", ""}};
  if (type == KmipObjectType::kSymmetricKey) {
    wanted.push_back({KmipTag::kCryptographicAlgorithm, "", ""});
  }
  return wanted;
}

std::string Object(const std::string& id) {
  return "KMIP object \"" + id + '"';
}

bool IsGone(const Status& status) {
  return status.code() == StatusCode::kNotFound;
}

Status WentAway(const std::string& id, const Status& status) {
  return {StatusCode::kUnavailable, Object(id) +
                                        " went away while the keys were "
                                        "read: " +
                                        status.message()};
}

Result<KmipAttributes> AttributesOf(const KmipReply& reply,
                                    const std::string& id,
                                    KmipObjectType type) {
  if (IsGone(reply.status)) return WentAway(id, reply.status);
  if (!reply.status.ok()) return reply.status.WithContext(Object(id));
  Result<KmipAttributes> attributes = ReadGetAttributes(reply.payload);
  if (!attributes) return attributes.error().WithContext(Object(id));
  attributes->unique_identifier = id;
  attributes->object_type = type;
  return attributes;
}

Result<Secret> ValueOf(const KmipReply& reply, const std::string& id) {
  if (IsGone(reply.status)) return WentAway(id, reply.status);
  if (!reply.status.ok()) return reply.status.WithContext(Object(id));
  Result<KmipGetAnswer> answer = ReadGet(reply.payload);
  if (!answer) return answer.error().WithContext(Object(id));
  return std::move(answer->object.value);
}

}  // namespace

KmipUse KmipUseOf(const KmipAttributes& attributes) {
  switch (attributes.state.value_or(KmipState::kActive)) {
    case KmipState::kActive:
      return KmipUse::kUsable;
    case KmipState::kPreActive:
      return KmipUse::kUnfinished;
    default:
      return KmipUse::kUnusable;
  }
}

Result<std::vector<std::optional<KmipAttributes>>> KmipObjects::Describe(
    const std::vector<std::string>& ids, KmipObjectType type,
    const Deadline& deadline) {
  std::vector<KmipCall> calls;
  for (const std::string& id : ids) {
    calls.push_back(MakeGetAttributes(id, Wanted(type)));
  }
  const std::vector<KmipReply> replies = client_.Call(calls, deadline);
  std::vector<std::optional<KmipAttributes>> all;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (IsGone(replies[i].status)) {
      all.emplace_back(std::nullopt);
      continue;
    }
    Result<KmipAttributes> one = AttributesOf(replies[i], ids[i], type);
    if (!one) return one.error();
    all.emplace_back(std::move(*one));
  }
  return all;
}

Result<std::optional<KmipAttributes>> KmipObjects::Describe(
    const std::string& id, KmipObjectType type, const Deadline& deadline) {
  auto all = Describe(std::vector<std::string>{id}, type, deadline);
  if (!all) return all.error();
  return std::move(all->front());
}

Result<std::vector<KmipAttributes>> KmipObjects::Find(
    const std::string& name, const std::string& object_group,
    KmipObjectType type, const Deadline& deadline) {
  KmipLocateRequest request;
  request.attributes.object_type = type;
  request.attributes.names = {name};
  if (!object_group.empty()) {
    request.attributes.object_groups = {object_group};
  }
  request.maximum_items = kMostOfOneName;
  const auto located =
      client_.Ask(MakeLocate(std::move(request)), ReadLocate, deadline);
  if (!located) return located.error();
  if (located->ids.size() >= kMostOfOneName) {
    return Status(StatusCode::kInvalidArgument,
                  "there are too many KMIP objects called \"" + name + '"');
  }
  auto described = Describe(located->ids, type, deadline);
  if (!described) return described.error();
  std::vector<KmipAttributes> found;
  for (auto& one : *described) {
    if (one) found.push_back(std::move(*one));
  }
  return found;
}

Result<std::vector<Secret>> KmipObjects::Get(
    const std::vector<std::string>& ids, const Deadline& deadline) {
  std::vector<KmipCall> calls;
  for (const std::string& id : ids) calls.push_back(MakeGet(id));
  const std::vector<KmipReply> replies = client_.Call(calls, deadline);
  std::vector<Secret> values;
  for (size_t i = 0; i < ids.size(); ++i) {
    Result<Secret> value = ValueOf(replies[i], ids[i]);
    if (!value) return value.error();
    values.push_back(std::move(*value));
  }
  return values;
}

Result<KmipObjects::Whole> KmipObjects::Read(const std::string& id,
                                             KmipObjectType type,
                                             const Deadline& deadline) {
  const KmipCall calls[] = {MakeGet(id), MakeGetAttributes(id, Wanted(type))};
  const std::vector<KmipReply> replies = client_.Call(calls, deadline);
  Result<Secret> value = ValueOf(replies[0], id);
  if (!value) return value.error();
  Result<KmipAttributes> attributes = AttributesOf(replies[1], id, type);
  if (!attributes) return attributes.error();
  return Whole{std::move(*value), std::move(*attributes)};
}

Status KmipObjects::Activate(const std::string& id, KmipObjectType type,
                             const Deadline& deadline) {
  // Twice: the first may have been lost on its way.
  for (bool again = false;; again = true) {
    const KmipChange change = client_.Change(MakeActivate(id), deadline);
    if (change.status.ok()) return Status::Ok();
    const auto now = Describe(id, type, deadline);
    if (!now) return change.status.WithContext(Object(id));
    if (*now && KmipUseOf(**now) == KmipUse::kUsable) return Status::Ok();
    if (again || !change.may_have_happened) {
      return change.status.WithContext(Object(id));
    }
  }
}

Status KmipObjects::Retire(const std::string& id, KmipObjectType type,
                           const Deadline& deadline) {
  KmipRevokeRequest why;
  why.id = id;
  why.message = kWhyRevoked;
  // Refused of what is not Active; then it can be destroyed as it is.
  const KmipChange revoked = client_.Change(MakeRevoke(why), deadline);
  const KmipChange destroyed = client_.Change(MakeDestroy(id), deadline);
  if (destroyed.status.ok() || IsGone(destroyed.status)) return Status::Ok();
  const Status failure =
      revoked.status.ok() || destroyed.status.IsTransient()
          ? destroyed.status
          : destroyed.status.WithContext(revoked.status.message());
  const auto now = Describe(id, type, deadline);
  if (!now) return failure.WithContext(Object(id));
  if (!*now) return Status::Ok();
  if (KmipUseOf(**now) != KmipUse::kUnusable) {
    return failure.WithContext(Object(id));
  }
  if ((*now)->state == KmipState::kDeactivated ||
      (*now)->state == KmipState::kCompromised) {
    log_.Write(LogLevel::kWarning,
               Object(id) +
                   " is revoked, but the server did not destroy it; it is "
                   "not used any more: " +
                   failure.message());
  }
  return Status::Ok();
}

}  // namespace openkeyring
