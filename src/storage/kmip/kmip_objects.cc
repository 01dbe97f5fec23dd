// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_objects.h"

#include <algorithm>
#include <set>
#include <utility>

#include "kmip/operations/activate.h"
#include "kmip/operations/add_attribute.h"
#include "kmip/operations/destroy.h"
#include "kmip/operations/get.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/locate.h"
#include "kmip/operations/revoke.h"

namespace openkeyring {
namespace {

// A bound for memory. What a user allows (max_objects) is counted where the
// states are known.
constexpr size_t kMaxListed = size_t{1} << 24;
constexpr int32_t kFew = 100;
constexpr char kWhyRevoked[] = "The key was removed from its keyring.";

std::vector<KmipAttributeRef> WantedAttributes(KmipObjectType type) {
  std::vector<KmipAttributeRef> wanted = {
      {KmipTag::kState, "", ""},
      {KmipTag::kName, "", ""},
      {KmipTag::kApplicationSpecificInformation, "", ""},
      {KmipTag::kInitialDate, "", ""},
      {KmipTag::kActivationDate, "", ""}};
  if (type == KmipObjectType::kSymmetricKey) {
    wanted.push_back({KmipTag::kCryptographicAlgorithm, "", ""});
  }
  return wanted;
}

bool IsGone(const Status& status) {
  return status.code() == StatusCode::kNotFound;
}

Status Vanished(const std::string& id, const Status& status) {
  return {StatusCode::kUnavailable,
          KmipObjectText(id) +
              " disappeared while the keys were read: " + status.message()};
}

bool HasNoValue(const Status& status) {
  static const std::string reason =
      KmipName(KmipResultReason::kKeyValueNotPresent);
  return status.message().find(reason) != std::string::npos;
}

Status WithoutValue(const std::string& id) {
  return {StatusCode::kCorrupt,
          KmipObjectText(id) +
              " has no value on the KMIP server (metadata only): give it one "
              "there, or destroy it if it is not a key"};
}

Result<KmipAttributes> AttributesOf(const KmipReply& reply,
                                    const std::string& id,
                                    KmipObjectType type) {
  if (IsGone(reply.status)) return Vanished(id, reply.status);
  if (!reply.status.ok()) return reply.status.WithContext(KmipObjectText(id));
  Result<KmipAttributes> attributes = ReadGetAttributes(reply.payload);
  if (!attributes) return attributes.error().WithContext(KmipObjectText(id));
  attributes->unique_identifier = id;
  attributes->object_type = type;
  return attributes;
}

Result<Secret> ValueOf(const KmipReply& reply, const std::string& id) {
  if (IsGone(reply.status)) return Vanished(id, reply.status);
  if (HasNoValue(reply.status)) return WithoutValue(id);
  if (!reply.status.ok()) return reply.status.WithContext(KmipObjectText(id));
  Result<KmipGetAnswer> answer = ReadGet(reply.payload);
  if (!answer) return answer.error().WithContext(KmipObjectText(id));
  return std::move(answer->object.value);
}

}  // namespace

Result<std::vector<std::optional<KmipAttributes>>> KmipObjects::GetAttributes(
    const std::vector<std::string>& ids, KmipObjectType type,
    const Deadline& deadline) {
  std::vector<KmipCall> calls;
  for (const std::string& id : ids) {
    calls.push_back(MakeGetAttributes(id, WantedAttributes(type)));
  }
  const std::vector<KmipReply> replies = session_.Call(calls, deadline);
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

Result<std::optional<KmipAttributes>> KmipObjects::GetAttributes(
    const std::string& id, KmipObjectType type, const Deadline& deadline) {
  auto all = GetAttributes(std::vector<std::string>{id}, type, deadline);
  if (!all) return all.error();
  return std::move(all->front());
}

Result<std::vector<KmipAttributes>> KmipObjects::GetAttributesOfFound(
    const std::vector<std::string>& ids, KmipObjectType type,
    const Search& again, const Deadline& deadline) {
  auto attributes = GetAttributes(ids, type, deadline);
  if (!attributes) return attributes.error();
  std::vector<KmipAttributes> found;
  std::set<std::string> gone;
  for (size_t i = 0; i < ids.size(); ++i) {
    auto& one = (*attributes)[i];
    if (one) {
      found.push_back(std::move(*one));
    } else {
      gone.insert(ids[i]);
    }
  }
  if (gone.empty()) return found;
  const auto listed = again();
  if (!listed) return listed.error();
  const auto still = std::ranges::find_if(
      *listed, [&](const std::string& id) { return gone.contains(id); });
  if (still == listed->end()) return found;
  return Status(StatusCode::kUnavailable,
                KmipObjectText(*still) +
                    " is found by Locate and not by Get Attributes, so that "
                    "what it is cannot be known; check that one address leads "
                    "to one KMIP server");
}

Result<std::vector<KmipAttributes>> KmipObjects::AllOf(
    const Search& search, KmipObjectType type, const Deadline& deadline) {
  const auto ids = search();
  if (!ids) return ids.error();
  return GetAttributesOfFound(*ids, type, search, deadline);
}

Result<std::vector<std::string>> KmipObjects::LocateGroup(
    const std::string& object_group, KmipObjectType type,
    const Deadline& deadline) {
  KmipAttributes filter;
  filter.object_type = type;
  if (!object_group.empty()) filter.object_groups = {object_group};
  auto ids = LocateAll(session_, filter, kMaxListed, deadline, probe_);
  if (!ids) return ids.error().WithContext("the keys cannot be listed");
  return ids;
}

Result<std::vector<KmipAttributes>> KmipObjects::ListGroup(
    const std::string& object_group, KmipObjectType type,
    const Deadline& deadline) {
  return AllOf([&] { return LocateGroup(object_group, type, deadline); }, type,
               deadline);
}

Result<std::vector<KmipAttributes>> KmipObjects::Find(
    const std::string& name, const std::string& object_group,
    KmipObjectType type, const Deadline& deadline) {
  KmipAttributes filter;
  filter.object_type = type;
  filter.names = {name};
  if (!object_group.empty()) filter.object_groups = {object_group};
  return AllOf([&] { return LocateFew(filter, deadline); }, type, deadline);
}

// Asks once when the server gives few and does not say that there are more.
Result<std::vector<std::string>> KmipObjects::LocateFew(
    const KmipAttributes& filter, const Deadline& deadline) {
  KmipLocateRequest request;
  request.attributes = filter;
  request.maximum_items = kFew;
  auto page =
      session_.Ask(MakeLocate(std::move(request)), ReadLocate, deadline);
  if (!page) return page.error();
  const auto got = static_cast<int32_t>(page->ids.size());
  if (got < kFew && page->located_items.value_or(0) <= got) {
    return std::move(page->ids);
  }
  return LocateAll(session_, filter, kMaxListed, deadline, probe_);
}

Result<std::vector<std::string>> KmipObjects::FindByName(
    const std::string& name, const Deadline& deadline) {
  KmipAttributes filter;
  filter.names = {name};
  return LocateFew(filter, deadline);
}

std::vector<Result<Secret>> KmipObjects::GetValues(
    const std::vector<std::string>& ids, const Deadline& deadline) {
  std::vector<KmipCall> calls;
  for (const std::string& id : ids) calls.push_back(MakeGet(id));
  const std::vector<KmipReply> replies = session_.Call(calls, deadline);
  std::vector<Result<Secret>> values;
  for (size_t i = 0; i < ids.size(); ++i) {
    values.push_back(ValueOf(replies[i], ids[i]));
  }
  return values;
}

Result<KmipObjects::ValueAndAttributes> KmipObjects::Get(
    const std::string& id, KmipObjectType type, const Deadline& deadline) {
  const KmipCall calls[] = {MakeGet(id),
                            MakeGetAttributes(id, WantedAttributes(type))};
  const std::vector<KmipReply> replies = session_.Call(calls, deadline);
  Result<Secret> value = ValueOf(replies[0], id);
  if (!value) return value.error();
  Result<KmipAttributes> attributes = AttributesOf(replies[1], id, type);
  if (!attributes) return attributes.error();
  return ValueAndAttributes{std::move(*value), std::move(*attributes)};
}

Status KmipObjects::Activate(const std::string& id, KmipObjectType type,
                             const Deadline& deadline) {
  // Twice: the first may have been lost on its way.
  for (bool again = false;; again = true) {
    const KmipChange change = session_.Change(MakeActivate(id), deadline);
    if (change.status.ok()) return Status::Ok();
    const auto now = GetAttributes(id, type, deadline);
    if (!now) return change.status.WithContext(KmipObjectText(id));
    if (*now && KmipLifecycleOf(**now) == KmipLifecycle::kActive) {
      return Status::Ok();
    }
    if (again || !change.may_have_happened) {
      return change.status.WithContext(KmipObjectText(id));
    }
  }
}

Status KmipObjects::Retire(const std::string& id, KmipObjectType type,
                           const Deadline& deadline) {
  // Refused for what is not Active; then it can be destroyed as it is.
  const KmipChange revoked = Revoke(id, deadline);
  const KmipChange destroyed = session_.Change(MakeDestroy(id), deadline);
  if (destroyed.status.ok() || IsGone(destroyed.status)) return Status::Ok();
  const Status failure =
      revoked.status.ok() || destroyed.status.IsTransient()
          ? destroyed.status
          : destroyed.status.WithContext(revoked.status.message());
  const auto now = GetAttributes(id, type, deadline);
  if (!now) return failure.WithContext(KmipObjectText(id));
  if (!*now || KmipLifecycleOf(**now) == KmipLifecycle::kDestroyed) {
    return Status::Ok();
  }
  if (KmipLifecycleOf(**now) == KmipLifecycle::kDeactivated) {
    if (IsMarkedRemoved(**now)) return Status::Ok();
    return MarkUndestroyed(id, type, failure, deadline);
  }
  return failure.WithContext(KmipObjectText(id));
}

Status KmipObjects::MarkUndestroyed(const std::string& id, KmipObjectType type,
                                    const Status& refusal,
                                    const Deadline& deadline) {
  const Status marked = MarkRemoved(id, type, deadline);
  if (!marked.ok()) {
    return refusal.WithContext(
        KmipObjectText(id) +
        " is revoked, but the server neither destroys it nor lets it be "
        "marked as removed (" +
        marked.message() + ")");
  }
  log_.Write(LogLevel::kWarning,
             KmipObjectText(id) +
                 " is revoked and marked as removed, but the server did not "
                 "destroy it: " +
                 refusal.message());
  return Status::Ok();
}

Status KmipObjects::Withdraw(const std::string& id, KmipObjectType type,
                             const Deadline& deadline) {
  const auto now = GetAttributes(id, type, deadline);
  if (!now) return now.error().WithContext(KmipObjectText(id));
  const KmipLifecycle lifecycle =
      *now ? KmipLifecycleOf(**now) : KmipLifecycle::kDestroyed;
  if (lifecycle == KmipLifecycle::kDestroyed) return Status::Ok();
  // Nobody but its maker activates it.
  if (lifecycle == KmipLifecycle::kPreActive) {
    return DestroyPreActive(id, deadline);
  }
  if (lifecycle == KmipLifecycle::kActive) {
    const Status revoked = Revoke(id, deadline).status;
    if (!revoked.ok()) return revoked.WithContext(KmipObjectText(id));
  }
  if (IsMarkedRemoved(**now)) return Status::Ok();
  const Status marked = MarkRemoved(id, type, deadline);
  if (!marked.ok()) {
    return marked.IsTransient() ? marked.WithContext(KmipObjectText(id))
                                : Retire(id, type, deadline);
  }
  log_.Write(LogLevel::kWarning,
             KmipObjectText(id) +
                 ", which a store that failed had made, is revoked and marked "
                 "as removed; it is not destroyed, since another server may "
                 "have loaded it meanwhile");
  return Status::Ok();
}

KmipChange KmipObjects::Revoke(const std::string& id,
                               const Deadline& deadline) {
  KmipRevokeRequest request;
  request.id = id;
  request.message = kWhyRevoked;
  return session_.Change(MakeRevoke(request), deadline);
}

// Otherwise it would be taken for a key that an administrator deactivated, and
// be loaded again.
Status KmipObjects::MarkRemoved(const std::string& id, KmipObjectType type,
                                const Deadline& deadline) {
  KmipAttributes mark;
  mark.application_info = {KmipRemovedMark()};
  Status status = session_.Change(MakeAddAttribute(id, mark), deadline).status;
  if (!status.ok()) return status;
  const auto now = GetAttributes(id, type, deadline);
  if (!now) return now.error();
  if (!*now || IsMarkedRemoved(**now)) return Status::Ok();
  return {StatusCode::kMisconfigured, "the server does not keep the mark"};
}

Status KmipObjects::DestroyPreActive(const std::string& id,
                                     const Deadline& deadline) {
  const KmipChange change = session_.Change(MakeDestroy(id), deadline);
  if (change.status.ok() || IsGone(change.status)) return Status::Ok();
  return change.status.WithContext(KmipObjectText(id));
}

Result<bool> KmipObjects::IsPreActiveSince(const std::string& id,
                                           WallTime moment,
                                           const Deadline& deadline) {
  const auto now = session_.Ask(
      MakeGetAttributes(
          id, {{KmipTag::kState, "", ""}, {KmipTag::kInitialDate, "", ""}}),
      ReadGetAttributes, deadline);
  if (!now) return now.error().WithContext(KmipObjectText(id));
  return now->state == KmipState::kPreActive && now->initial_date &&
         *now->initial_date < moment;
}

}  // namespace openkeyring
