// SPDX-License-Identifier: MIT
#include "backend/kmip_backend.h"

#include <utility>

#include "kmip/operations/register.h"

namespace openkeyring {
namespace {

constexpr int kMostTries = 3;
constexpr size_t kNonceBytes = 8;

Status StoredByAnother(const std::string& id) {
  return {StatusCode::kAlreadyExists,
          "KMIP object \"" + id +
              "\" is that key, stored by somebody else since the keyring was "
              "loaded (ALTER INSTANCE RELOAD KEYRING brings it)"};
}

}  // namespace

KmipBackend::KmipBackend(KmipClient& client, Clock& clock, Random& random,
                         Log& log, KmipBackendOptions options)
    : client_(client),
      clock_(clock),
      random_(random),
      log_(log),
      options_(std::move(options)),
      objects_(client, log) {}

Status KmipBackend::Store(const Key& key, const Deadline& deadline) {
  const KmipIdentity identity = {key.name, key.type,
                                 RandomHex(random_, kNonceBytes)};
  const std::string what = ToString(key.name) + " cannot be stored";
  // Else there might be two of them after a crash.
  Status status = DiscardLeftovers(&key.name, deadline);
  if (!status.ok()) return status.WithContext(what);
  Result<Object> object = Register(key, identity, deadline);
  if (!object) return object.error().WithContext(what);
  status = ActivateAndCheck(*object, key, identity, deadline);
  if (!status.ok()) {
    if (!objects_.Retire(object->id, object->type, deadline).ok()) {
      std::lock_guard lock(mutex_);
      leftovers_.emplace(key.name, std::move(*object));
    }
    return status.WithContext(what);
  }
  {
    std::lock_guard lock(mutex_);
    known_.emplace(key.name, std::move(*object));
  }
  (void)DiscardLeftovers(nullptr, deadline);  // While the server answers.
  return Status::Ok();
}

Result<KmipBackend::Object> KmipBackend::Register(const Key& key,
                                                  const KmipIdentity& identity,
                                                  const Deadline& deadline) {
  const KmipObject object = KmipObjectFor(key);
  const KmipAttributes attributes = KmipAttributesFor(
      identity, options_.object_group, object.type, key.data.size());
  for (int tries = 1;; ++tries) {
    KmipChange change =
        client_.Change(MakeRegister(object, attributes), deadline);
    if (change.status.ok()) return Object{change.id, object.type};
    // Of a name that is taken, some servers say that the request is invalid.
    const bool taken = change.status.code() == StatusCode::kAlreadyExists ||
                       change.status.code() == StatusCode::kInvalidArgument;
    if (!taken && !change.may_have_happened) return change.status;
    // Whether it is there is asked before it is sent again.
    const auto there = objects_.Find(
        attributes.names.front(), options_.object_group, object.type, deadline);
    if (!there) {
      return change.status.WithContext(
          "whether the server has it cannot be found out (" +
          there.error().message() + ")");
    }
    for (const KmipAttributes& one : *there) {
      const auto found = KmipIdentityOf(one);
      if (found && *found && **found == identity) {
        return Object{*one.unique_identifier, object.type};
      }
    }
    if (tries == kMostTries || deadline.Passed(clock_)) return change.status;
    if (!taken) continue;
    const Result<bool> freed = FreeName(identity, object.type, deadline);
    if (!freed) return freed.error();
    if (!*freed) return change.status;
  }
}

// On a server where names are unique: true when what had the name of this key
// was of no use and is gone.
Result<bool> KmipBackend::FreeName(const KmipIdentity& identity,
                                   KmipObjectType type,
                                   const Deadline& deadline) {
  const std::string name = KmipObjectName(identity.name);
  const auto there = objects_.Find(name, options_.object_group, type, deadline);
  if (!there) return there.error();
  bool freed = false;
  for (const KmipAttributes& one : *there) {
    const std::string& id = *one.unique_identifier;
    const auto found = KmipIdentityOf(one);
    const bool same = found && *found && (*found)->name == identity.name;
    const KmipUse use = KmipUseOf(one);
    if (same && use == KmipUse::kUsable) {
      return StoredByAnother(id);
    }
    // Not Percona's Pre-Active ones, which are keys in use.
    const bool ours = same && (*found)->is_ours();
    if (use == KmipUse::kUsable || (use == KmipUse::kUnfinished && !ours)) {
      continue;
    }
    Status status = objects_.Retire(id, type, deadline);
    if (!status.ok()) return status;
    freed = true;
  }
  return freed;
}

Status KmipBackend::ActivateAndCheck(const Object& object, const Key& key,
                                     const KmipIdentity& identity,
                                     const Deadline& deadline) {
  Status status = objects_.Activate(object.id, object.type, deadline);
  if (!status.ok()) return status;
  const auto values = objects_.Get({object.id}, deadline);
  if (!values) return values.error();
  const std::string who = "KMIP object \"" + object.id + "\"";
  if (!values->front().Equals(key.data)) {
    return {StatusCode::kCorrupt, who +
                                      " gives back another value than was "
                                      "registered"};
  }
  // After it is Active: of two servers that store one key at once, the later
  // one sees the other's, whichever that is.
  const auto there = objects_.Find(
      KmipObjectName(key.name), options_.object_group, object.type, deadline);
  if (!there) return there.error();
  bool whole = false;
  for (const KmipAttributes& one : *there) {
    if (KmipUseOf(one) != KmipUse::kUsable) continue;
    const auto found = KmipIdentityOf(one);
    if (!found || !*found) continue;
    if (*one.unique_identifier == object.id) {
      whole = **found == identity;
    } else if ((*found)->name == key.name) {
      return StoredByAnother(*one.unique_identifier);
    }
  }
  if (whole) return Status::Ok();
  return {StatusCode::kMisconfigured,
          who +
              " is not found by its name with what was registered: the "
              "server does not keep Name, Object Group or Application "
              "Specific Information, which tell whose key it is"};
}

Status KmipBackend::Remove(const KeyName& name, const Deadline& deadline) {
  std::vector<Object> objects;
  {
    std::lock_guard lock(mutex_);
    const auto [first, last] = known_.equal_range(name);
    for (auto one = first; one != last; ++one) objects.push_back(one->second);
  }
  for (const Object& object : objects) {
    Status status = objects_.Retire(object.id, object.type, deadline);
    if (!status.ok()) {
      return status.WithContext(ToString(name) + " cannot be removed");
    }
  }
  std::lock_guard lock(mutex_);
  known_.erase(name);
  return Status::Ok();
}

Status KmipBackend::DiscardLeftovers(const KeyName* name,
                                     const Deadline& deadline) {
  std::multimap<KeyName, Object> leftovers;
  {
    std::lock_guard lock(mutex_);
    leftovers = leftovers_;
  }
  Status first_failure;
  for (const auto& [of, object] : leftovers) {
    if (name != nullptr && of != *name) continue;
    Status status = objects_.Retire(object.id, object.type, deadline);
    if (!status.ok()) {
      if (first_failure.ok()) first_failure = status;
      continue;
    }
    std::lock_guard lock(mutex_);
    std::erase_if(leftovers_, [&](const auto& entry) {
      return entry.second.id == object.id;
    });
  }
  return first_failure.WithContext("what an earlier try left");
}

}  // namespace openkeyring
