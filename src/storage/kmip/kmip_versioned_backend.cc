// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_versioned_backend.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/encoding.h"
#include "kmip/operations/create.h"
#include "kmip/operations/register.h"
#include "storage/kmip/mariadb_key_identity.h"

namespace openkeyring {
namespace {

constexpr auto kType = KmipObjectType::kSymmetricKey;
constexpr int32_t kUsage = kUsageEncrypt | kUsageDecrypt;
constexpr size_t kNonceBytes = 8;
constexpr int kMaxTries = 4;
constexpr double kLongestPause = 200;  // Milliseconds.

Status CheckAesKey(const Secret& value, const std::string& id) {
  if (IsAesKeySize(value.size())) return Status::Ok();
  return {StatusCode::kCorrupt, KmipObjectText(id) + " has " +
                                    std::to_string(value.size()) +
                                    " bytes, which is not an AES key"};
}

}  // namespace

KmipVersionedBackend::KmipVersionedBackend(KmipClient& client, KmipGroup& group,
                                           Clock& clock, Random& random,
                                           Log& log, Options options)
    : client_(client),
      group_(group),
      clock_(clock),
      random_(random),
      log_(log),
      options_(std::move(options)),
      leftovers_(client, clock, log) {}

// ---- List ------------------------------------------------------------------

Result<std::vector<KeyVersion>> KmipVersionedBackend::List() {
  Operation operation(KmipSession(client_), *this);
  return ListWith(operation, Deadline::After(clock_, options_.list_deadline()));
}

Result<std::vector<KeyVersion>> KmipVersionedBackend::ListWith(
    Operation& operation, const Deadline& deadline) {
  const auto ids = operation.objects.LocateGroup(group_.options().object_group,
                                                 kType, deadline);
  if (!ids) return ids.error();
  std::vector<KmipLeftovers::Object> unfinished;
  Status status = Identify(*ids, operation.objects, unfinished, deadline);
  if (status.ok()) status = CheckGroup(*ids, operation, deadline);
  if (!status.ok()) return status;
  RememberUnfinished(unfinished, operation.session);
  std::vector<KeyVersion> keys;
  size_t alive = 0;
  const std::lock_guard lock(mutex_);
  known_.clear();
  listed_on_ = operation.session.server();
  for (const std::string& id : *ids) {
    const auto found = identified_.find(id);
    const bool is_over =
        found != identified_.end() &&
        (found->second.lifecycle == KmipLifecycle::kDestroyed ||
         found->second.marker);
    if (!is_over) ++alive;
    if (found == identified_.end() || !found->second.key) continue;
    known_.emplace(*found->second.key, found->second);
    keys.push_back(*found->second.key);
  }
  if (alive <= options_.max_objects) return keys;
  return Status(StatusCode::kMisconfigured,
                "the KMIP server has " + std::to_string(alive) +
                    " keys that are not destroyed, and max_objects is " +
                    std::to_string(options_.max_objects));
}

Status KmipVersionedBackend::CheckGroup(const std::vector<std::string>& ids,
                                        Operation& operation,
                                        const Deadline& deadline) {
  std::vector<KmipGroupMarker> markers;
  bool has_keys = false;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& id : ids) {
      const auto found = identified_.find(id);
      if (found == identified_.end()) continue;
      if (found->second.marker) markers.push_back(*found->second.marker);
      if (found->second.key) has_keys = true;
    }
  }
  return group_.CheckListed(operation.session, markers, has_keys, deadline);
}

// Asks what those objects are that were not asked before. What is Pre-Active
// may become a key.
Status KmipVersionedBackend::Identify(
    const std::vector<std::string>& ids, KmipObjects& objects,
    std::vector<KmipLeftovers::Object>& unfinished, const Deadline& deadline) {
  std::vector<std::string> unknown;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy_if(ids, std::back_inserter(unknown), [&](const auto& id) {
      return !identified_.contains(id);
    });
  }
  const auto all = objects.GetAttributesOfFound(
      unknown, kType,
      [&] {
        return objects.LocateGroup(group_.options().object_group, kType,
                                   deadline);
      },
      deadline);
  if (!all) return all.error();
  for (const KmipAttributes& one : *all) {
    auto marker = ReadKmipGroupMarker(one);
    const std::string& id = *one.unique_identifier;
    const auto identity = ReadMariaDbKeyIdentity(one);
    if (KmipLifecycleOf(one) == KmipLifecycle::kPreActive && !marker) {
      if (identity && *identity) unfinished.push_back({id, kType});
      continue;
    }
    if (!identity) return identity.error().WithContext(KmipObjectText(id));
    Object object = {id, std::nullopt, KmipLifecycleOf(one), std::move(marker)};
    if (*identity &&
        (object.lifecycle != KmipLifecycle::kDestroyed || WasActive(one))) {
      object.key = (*identity)->key;
    }
    const std::lock_guard lock(mutex_);
    identified_.insert_or_assign(id, std::move(object));
  }
  return Status::Ok();
}

// Later ones are perhaps of this server's own creations.
void KmipVersionedBackend::RememberUnfinished(
    const std::vector<KmipLeftovers::Object>& unfinished,
    const KmipSession& session) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_first_list_) return;
    is_first_list_ = false;
  }
  leftovers_.SetUnfinished(unfinished, session.server().value_or(0));
}

// ---- Fetch -----------------------------------------------------------------

std::vector<KmipVersionedBackend::Object> KmipVersionedBackend::KnownObjectsOf(
    KeyVersion key) {
  const std::lock_guard lock(mutex_);
  std::vector<Object> objects;
  const auto [first, last] = known_.equal_range(key);
  for (auto one = first; one != last; ++one) objects.push_back(one->second);
  return objects;
}

// From what is known, or from the server: its name may not be the usual one.
Result<std::vector<KmipVersionedBackend::Object>>
KmipVersionedBackend::ObjectsOf(KeyVersion key, Operation& operation,
                                const Deadline& deadline) {
  std::vector<Object> found = KnownObjectsOf(key);
  if (!found.empty()) return found;
  const auto listed = ListWith(operation, deadline);
  if (!listed) return listed.error();
  return KnownObjectsOf(key);
}

Result<Secret> KmipVersionedBackend::Fetch(KeyVersion key,
                                           const Deadline& deadline) {
  Operation operation(KmipSession(client_), *this);
  const auto found = ObjectsOf(key, operation, deadline);
  if (!found) return found.error().WithContext(Describe(key));
  if (found->empty()) {
    return Status(StatusCode::kNotFound,
                  "there is no " + Describe(key) + " on the KMIP server");
  }
  Secret value;
  for (const Object& object : *found) {
    if (object.lifecycle == KmipLifecycle::kDestroyed) continue;
    Result<Secret> one = FetchObject(key, object, operation.objects, deadline);
    if (!one) return one.error().WithContext(Describe(key));
    if (!value.empty() && !value.Equals(*one)) {
      return Status(StatusCode::kCorrupt,
                    "duplicate " + Describe(key) +
                        ", with different values: give each database server "
                        "an object_group of its own, and revoke and destroy "
                        "the object that is not in use (" +
                        object.id + " is one)");
    }
    value = std::move(*one);
  }
  if (value.empty()) {
    return Status(StatusCode::kCorrupt,
                  Describe(key) + " was destroyed on the KMIP server");
  }
  return value;
}

Result<Secret> KmipVersionedBackend::FetchObject(KeyVersion key,
                                                 const Object& object,
                                                 KmipObjects& objects,
                                                 const Deadline& deadline) {
  auto read = objects.Get(object.id, kType, deadline);
  Status status = read.status();
  if (status.ok()) {
    const auto identity = ReadMariaDbKeyIdentity(read->attributes);
    if (!identity || !*identity || (*identity)->key != key) {
      status = {StatusCode::kUnavailable,
                KmipObjectText(object.id) +
                    " is not that key any more: the KMIP server's objects "
                    "have other identifiers than before"};
    }
  }
  if (!status.ok()) {
    // What is known of it may be old.
    const std::lock_guard lock(mutex_);
    known_.erase(key);
    identified_.erase(object.id);
    return status;
  }
  status = CheckAesKey(read->value, object.id);
  if (!status.ok()) return status;
  if (KmipLifecycleOf(read->attributes) != KmipLifecycle::kActive) {
    WarnOnce(key,
             Describe(key) +
                 " is deactivated on the KMIP server; data that was encrypted "
                 "with it can be read, but rotate the key");
  }
  return std::move(read->value);
}

void KmipVersionedBackend::WarnOnce(KeyVersion key, const std::string& text) {
  {
    const std::lock_guard lock(mutex_);
    if (!warned_.insert(key).second) return;
  }
  log_.Write(LogLevel::kWarning, text);
}

// ---- Create ----------------------------------------------------------------

Status KmipVersionedBackend::Create(KeyVersion key, size_t bytes,
                                    const Deadline& deadline) {
  Operation operation(SessionForChanges(), *this);
  Status status = CreateOnce(
      key, operation, [&] { return NewKey(key, bytes); }, deadline);
  if (status.ok()) {
    WarnOfFirst(key, operation.session);
    leftovers_.DestroyAbandoned(deadline);
  }
  return status;
}

Status KmipVersionedBackend::Store(KeyVersion key, const Secret& value,
                                   const Deadline& deadline) {
  const Status size = CheckAesKeySize(Describe(key), value.size());
  if (!size.ok()) return size;
  KmipObject object;
  object.type = kType;
  object.value = value.Clone();
  object.algorithm = KmipAlgorithm::kAes;
  object.length = static_cast<int32_t>(value.size() * 8);
  Operation operation(SessionForChanges(), *this);
  return CreateOnce(
      key, operation,
      [&] {
        KmipNewKey wanted = NewKey(key, value.size());
        wanted.call = [&object](const KmipAttributes& attributes) {
          return MakeRegister(object, attributes);
        };
        return wanted;
      },
      deadline);
}

Status KmipVersionedBackend::CreateOnce(KeyVersion key, Operation& operation,
                                        const NewKeys& make,
                                        const Deadline& deadline) {
  for (int tries = 1;; ++tries) {
    Status status = TryToCreate(key, make(), operation, deadline);
    if (status.code() != StatusCode::kAlreadyExists) return status;
    // Of two that make it concurrently each may see the other's and give up its
    // own: then nobody has it, and both try again, not at the same moment.
    {
      const std::lock_guard lock(mutex_);
      known_.erase(key);
    }
    const auto found = ObjectsOf(key, operation, deadline);
    if (!found) return found.error();
    if (!found->empty()) return status;
    if (tries == kMaxTries) {
      return {StatusCode::kUnavailable, status.message() + "; try again"};
    }
    clock_.SleepFor(std::min(
        Millis(static_cast<int64_t>(kLongestPause * random_.Fraction())),
        deadline.Remaining(clock_)));
  }
}

KmipSession KmipVersionedBackend::SessionForChanges() {
  const std::lock_guard lock(mutex_);
  return listed_on_ ? KmipSession(client_, *listed_on_) : KmipSession(client_);
}

// In the wrong place, every key is a new one.
void KmipVersionedBackend::WarnOfFirst(KeyVersion key,
                                       const KmipSession& session) {
  if (key.version != 1) return;
  log_.Write(LogLevel::kWarning, "key " + std::to_string(key.id) +
                                     " is new: " + group_.Place(session) +
                                     " had no version of it");
}

Status KmipVersionedBackend::TryToCreate(KeyVersion key, KmipNewKey wanted,
                                         Operation& operation,
                                         const Deadline& deadline) {
  Status status = group_.Check(operation.session, deadline);
  if (status.ok()) status = operation.creator.CheckNone(wanted, deadline);
  if (!status.ok()) return status;
  Result<std::string> id = operation.creator.Make(wanted, deadline);
  if (!id) return id.error();
  status = CheckIdentity(*id, wanted, operation, deadline);
  if (status.ok()) {
    status = operation.creator.DestroyRivals(*id, wanted, deadline);
  }
  if (status.ok()) status = operation.creator.Activate(*id, wanted, deadline);
  if (status.ok()) {
    RememberMade(key, *id);
    return status;
  }
  // Not what became Active although no answer said so: others may have used it.
  Status destroyed = operation.objects.DestroyPreActive(*id, deadline);
  if (destroyed.ok()) return status;
  return {status.code() == StatusCode::kAlreadyExists ? destroyed.code()
                                                      : status.code(),
          status.message() + "; what was made of it (" + KmipObjectText(*id) +
              ") was not destroyed: " + destroyed.message()};
}

// So that it is read back without another list of all keys.
void KmipVersionedBackend::RememberMade(KeyVersion key, const std::string& id) {
  const Object made{id, key, KmipLifecycle::kActive, std::nullopt};
  const std::lock_guard lock(mutex_);
  identified_.insert_or_assign(id, made);
  known_.emplace(key, made);
}

Status KmipVersionedBackend::CheckIdentity(const std::string& id,
                                           const KmipNewKey& wanted,
                                           Operation& operation,
                                           const Deadline& deadline) {
  const auto made = operation.objects.GetAttributes(id, kType, deadline);
  if (!made) return made.error();
  if (!*made) return KmipKeyCreator::DestroyedByRival(id);
  if (wanted.match(**made) == KmipKeyMatch::kThisAttempt) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "the KMIP server does not keep Application Specific Information, "
          "which says which key an object is"};
}

KmipNewKey KmipVersionedBackend::NewKey(KeyVersion key, size_t bytes) {
  const MariaDbKeyIdentity identity = {key, RandomHex(random_, kNonceBytes)};
  KmipNewKey wanted;
  KmipAttributes& attributes = wanted.attributes;
  attributes.names = {ObjectName(key)};
  if (!group_.options().object_group.empty()) {
    attributes.object_groups = {group_.options().object_group};
  }
  attributes.application_info = {WriteMariaDbKeyIdentity(identity)};
  attributes.algorithm = KmipAlgorithm::kAes;
  attributes.length = static_cast<int32_t>(bytes * 8);
  attributes.usage_mask = kUsage;
  wanted.type = kType;
  wanted.unique_name = ObjectName(key) + "/" + identity.nonce;
  wanted.destroyed_counts = true;
  wanted.call = MakeCreate;
  wanted.match = [identity](const KmipAttributes& object) {
    const auto found = ReadMariaDbKeyIdentity(object);
    if (!found || !*found || (*found)->key != identity.key) {
      return KmipKeyMatch::kOtherKey;
    }
    return (*found)->nonce == identity.nonce ? KmipKeyMatch::kThisAttempt
                                             : KmipKeyMatch::kOtherAttempt;
  };
  return wanted;
}

std::string KmipVersionedBackend::ObjectName(KeyVersion key) const {
  return "openkeyring-mariadb/" + PercentEncode(group_.options().object_group) +
         "/" + std::to_string(key.id) + "/" + std::to_string(key.version);
}

std::string KmipVersionedBackend::Describe(KeyVersion key) const {
  return "KMIP key " + ObjectName(key);
}

}  // namespace openkeyring
