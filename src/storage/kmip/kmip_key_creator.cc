// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_key_creator.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

constexpr int kMaxTries = 3;

// Whether the server has found fault with the request, as some do when a name
// is taken or an attribute is not supported.
bool IsRefusal(const Status& status) {
  return status.code() == StatusCode::kAlreadyExists ||
         status.code() == StatusCode::kInvalidArgument ||
         status.code() == StatusCode::kMisconfigured;
}

// Whether an object is the key, in use: not a failed attempt, and not gone.
bool IsTheKey(const KmipAttributes& object, const KmipNewKey& key) {
  const KmipKeyMatch match = key.match(object);
  if (match != KmipKeyMatch::kSameKey && match != KmipKeyMatch::kOtherAttempt) {
    return false;
  }
  const KmipLifecycle lifecycle = KmipLifecycleOf(object);
  return lifecycle == KmipLifecycle::kActive ||
         lifecycle == KmipLifecycle::kDeactivated ||
         (lifecycle == KmipLifecycle::kDestroyed && key.destroyed_counts &&
          WasActive(object)) ||
         (lifecycle == KmipLifecycle::kPreActive &&
          match == KmipKeyMatch::kSameKey);
}

Status NoneIsTheKey(const std::vector<KmipAttributes>& objects,
                    const std::string& but, const KmipNewKey& key) {
  for (const KmipAttributes& one : objects) {
    if (*one.unique_identifier == but || !IsTheKey(one, key)) continue;
    return {StatusCode::kAlreadyExists,
            KmipObjectText(*one.unique_identifier) +
                (KmipLifecycleOf(one) == KmipLifecycle::kDeactivated
                     ? " is that key, deactivated on the KMIP server"
                     : " is that key, stored by somebody else since the keys "
                       "were loaded")};
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> KmipKeyCreator::Make(KmipNewKey& key,
                                         const Deadline& deadline) {
  Result<std::string> id = Send(key, deadline);
  if (id || !IsRefusal(id.status())) return id;
  return SendAfterRefusal(key, id.status(), deadline);
}

Result<std::string> KmipKeyCreator::Send(const KmipNewKey& key,
                                         const Deadline& deadline) {
  for (int tries = 1;; ++tries) {
    KmipChange change = session_.Change(key.call(key.attributes), deadline);
    if (change.status.ok()) return std::move(change.id);
    if (!change.may_have_happened) return change.status;
    // Whether it is there is asked before it is sent again.
    const auto found =
        objects_.Find(key.name(), key.object_group(), key.type, deadline);
    if (!found) {
      return change.status.WithContext(
          "whether the server has it cannot be found out (" +
          found.error().message() + ")");
    }
    for (const KmipAttributes& one : *found) {
      if (key.match(one) == KmipKeyMatch::kThisAttempt ||
          IsOwnByValue(one, key, deadline)) {
        return *one.unique_identifier;
      }
    }
    if (tries == kMaxTries || deadline.Passed(clock_)) return change.status;
  }
}

// On a server that keeps no identities.
bool KmipKeyCreator::IsOwnByValue(const KmipAttributes& object,
                                  const KmipNewKey& key,
                                  const Deadline& deadline) {
  if (!key.name_is_enough || key.has_value == nullptr ||
      key.match(object) != KmipKeyMatch::kSameKey ||
      KmipLifecycleOf(object) != KmipLifecycle::kPreActive) {
    return false;
  }
  const auto values = objects_.GetValues({*object.unique_identifier}, deadline);
  return values.front() && key.has_value(*values.front());
}

Result<std::string> KmipKeyCreator::SendAfterRefusal(KmipNewKey& key,
                                                     const Status& refusal,
                                                     const Deadline& deadline) {
  const Result<bool> destroyed = DestroyFailedAttempts("", key, deadline);
  if (!destroyed) return destroyed.error();
  if (*destroyed) {
    Result<std::string> id = Send(key, deadline);
    if (id || !IsRefusal(id.status())) return id;
  }
  const std::string name = key.name();
  Result<std::string> id = SendWithUniqueName(key, deadline);
  if (id || !IsRefusal(id.status())) return id;
  if (id.status().code() == StatusCode::kAlreadyExists) return id;
  key.attributes.names = {name};
  id = SendWithoutIdentity(key, deadline);
  if (id || !IsRefusal(id.status())) return id;
  const auto holders = objects_.FindByName(name, deadline);
  if (!holders || holders->empty()) return refusal;
  return Status(refusal.code(), refusal.message() + "; the name \"" + name +
                                    "\" is held by " +
                                    KmipObjectText(holders->front()));
}

// With a name that nobody else can have, by the group.
Result<std::vector<KmipAttributes>> KmipKeyCreator::FindAll(
    const KmipNewKey& key, const Deadline& deadline) {
  return key.name() == key.unique_name
             ? objects_.ListGroup(key.object_group(), key.type, deadline)
             : objects_.Find(key.name(), key.object_group(), key.type,
                             deadline);
}

// True when there were any, and all are gone.
Result<bool> KmipKeyCreator::DestroyFailedAttempts(const std::string& but,
                                                   const KmipNewKey& key,
                                                   const Deadline& deadline) {
  Result<bool> destroyed = DestroyOnce(but, key, deadline);
  // One that was not destroyed has perhaps become Active meanwhile.
  if (!destroyed && !destroyed.error().IsTransient()) {
    destroyed = DestroyOnce(but, key, deadline);
  }
  return destroyed;
}

Result<bool> KmipKeyCreator::DestroyOnce(const std::string& but,
                                         const KmipNewKey& key,
                                         const Deadline& deadline) {
  const auto found = FindAll(key, deadline);
  if (!found) return found.error();
  if (Status status = NoneIsTheKey(*found, but, key); !status.ok()) {
    return status;
  }
  if (Status status = CheckShown(*found, but, key, deadline); !status.ok()) {
    return status;
  }
  bool any = false;
  for (const KmipAttributes& one : *found) {
    if (key.match(one) != KmipKeyMatch::kOtherAttempt ||
        KmipLifecycleOf(one) != KmipLifecycle::kPreActive) {
      continue;
    }
    Status status = objects_.DestroyPreActive(*one.unique_identifier, deadline);
    if (!status.ok()) return status;
    any = true;
  }
  return any;
}

// What is found proves that nobody else makes the key only if it shows what is
// known to be there. (A rival that has destroyed it is met by Activate.)
Status KmipKeyCreator::CheckShown(const std::vector<KmipAttributes>& objects,
                                  const std::string& id, const KmipNewKey& key,
                                  const Deadline& deadline) {
  const auto is_own = [&id](const KmipAttributes& one) {
    return one.unique_identifier == id;
  };
  if (id.empty() || std::any_of(objects.begin(), objects.end(), is_own)) {
    return Status::Ok();
  }
  const auto now = objects_.GetAttributes(id, key.type, deadline);
  if (!now) return now.error();
  if (!*now || KmipLifecycleOf(**now) == KmipLifecycle::kDestroyed) {
    return Status::Ok();
  }
  return {StatusCode::kUnavailable,
          KmipObjectText(id) +
              ", which was just made, is not found by its Name and Object "
              "Group, so that another one of the same key would not be found "
              "either; check that Locate shows objects that are Pre-Active, "
              "and at once"};
}

Status KmipKeyCreator::Activate(const std::string& id, const KmipNewKey& key,
                                const Deadline& deadline) {
  Status status = objects_.Activate(id, key.type, deadline);
  if (status.ok() || status.IsTransient()) return status;
  const auto now = objects_.GetAttributes(id, key.type, deadline);
  if (!now) return status;
  if (*now && KmipLifecycleOf(**now) != KmipLifecycle::kDestroyed) {
    return status;
  }
  return DestroyedByRival(id);
}

Status KmipKeyCreator::DestroyedByRival(const std::string& id) {
  return {StatusCode::kAlreadyExists,
          KmipObjectText(id) +
              " was destroyed by another server that makes the same key"};
}

Result<std::string> KmipKeyCreator::SendWithUniqueName(
    KmipNewKey& key, const Deadline& deadline) {
  // Such a name does not say which key it is.
  if (key.attributes.application_info.empty()) {
    return Status(StatusCode::kInvalidArgument, "the key needs its name");
  }
  const std::string name = key.name();
  key.attributes.names = {key.unique_name};
  Result<std::string> id = Send(key, deadline);
  if (!id) return id;
  const auto holders = objects_.FindByName(name, deadline);
  log_.Write(
      LogLevel::kWarning,
      "the KMIP server does not give the name \"" + name + "\" a second time" +
          (holders && !holders->empty()
               ? " (" + KmipObjectText(holders->front()) + " has it)"
               : "") +
          "; the key is stored under the name \"" + key.unique_name + '"');
  return id;
}

Result<std::string> KmipKeyCreator::SendWithoutIdentity(
    KmipNewKey& key, const Deadline& deadline) {
  if (!key.name_is_enough || key.attributes.application_info.empty()) {
    return Status(StatusCode::kInvalidArgument, "the key needs its identity");
  }
  std::vector<KmipApplicationInfo> identity =
      std::exchange(key.attributes.application_info, {});
  Result<std::string> id = Send(key, deadline);
  if (!id) key.attributes.application_info = std::move(identity);
  return id;
}

Status KmipKeyCreator::CheckNone(const KmipNewKey& key,
                                 const Deadline& deadline) {
  const auto found = FindAll(key, deadline);
  return found ? NoneIsTheKey(*found, "", key) : found.error();
}

}  // namespace openkeyring
