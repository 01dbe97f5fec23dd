// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_keyring_backend.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "kmip/operations/register.h"

namespace openkeyring {
namespace {

constexpr size_t kNonceBytes = 8;

// MySQL's own keys have its server_uuid in their names, so nobody else stores
// them: "INNODBKey-f3a0ab2e-...-1".
bool NamesItsServer(const std::string& data_id) {
  constexpr std::string_view kUuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const auto fits = [](char have, char want) {
    return want == '-' ? have == '-'
                       : std::isxdigit(static_cast<unsigned char>(have)) != 0;
  };
  return std::search(data_id.begin(), data_id.end(), kUuid.begin(), kUuid.end(),
                     fits) != data_id.end();
}

}  // namespace

KmipKeyringBackend::KmipKeyringBackend(KmipClient& client, Clock& clock,
                                       Random& random, Log& log,
                                       KmipKeyringOptions options)
    : client_(client),
      random_(random),
      log_(log),
      options_(std::move(options)),
      objects_(client, log),
      maker_(client, objects_, clock) {}

Status KmipKeyringBackend::Store(const Key& key, const Deadline& deadline) {
  const MysqlKeyIdentity identity = {key.name, key.type,
                                     RandomHex(random_, kNonceBytes)};
  const std::string what = ToString(key.name) + " cannot be stored";
  // Else there might be two of them after a crash.
  Status status = DiscardLeftovers(&key.name, deadline);
  if (!status.ok()) return status.WithContext(what);
  const KmipNewKey wanted = ToMake(identity, MysqlKeyObject(key).type);
  Result<Object> object = Register(key, wanted, identity, deadline);
  if (!object) return object.error().WithContext(what);
  status = ActivateAndCheck(*object, key, wanted, identity, deadline);
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

Result<KmipKeyringBackend::Object> KmipKeyringBackend::Register(
    const Key& key, const KmipNewKey& wanted, const MysqlKeyIdentity& identity,
    const Deadline& deadline) {
  const KmipObject object = MysqlKeyObject(key);
  const KmipAttributes attributes = MysqlKeyAttributes(
      identity, options_.object_group, object.type, key.data.size());
  Result<std::string> id =
      maker_.Make(MakeRegister(object, attributes), wanted, deadline);
  if (!id) return id.error();
  return Object{std::move(*id), object.type};
}

KmipNewKey KmipKeyringBackend::ToMake(const MysqlKeyIdentity& identity,
                                      KmipObjectType type) const {
  KmipNewKey key;
  key.name = MysqlKeyObjectName(identity.name);
  key.object_group = options_.object_group;
  key.type = type;
  key.match = [identity](const KmipAttributes& object) {
    const auto found = ReadMysqlKeyIdentity(object);
    if (!found || !*found || (*found)->name != identity.name) {
      return KmipMatch::kOtherKey;
    }
    return **found == identity ? KmipMatch::kThisAttempt : KmipMatch::kSameKey;
  };
  // Not Percona's Pre-Active ones, which are keys in use.
  key.is_leftover = [](const KmipAttributes& object) {
    const auto found = ReadMysqlKeyIdentity(object);
    return found && *found && (*found)->is_ours();
  };
  return key;
}

Status KmipKeyringBackend::ActivateAndCheck(const Object& object,
                                            const Key& key,
                                            const KmipNewKey& wanted,
                                            const MysqlKeyIdentity& identity,
                                            const Deadline& deadline) {
  Status status = objects_.Activate(object.id, object.type, deadline);
  if (!status.ok()) return status;
  const auto whole = objects_.Read(object.id, object.type, deadline);
  if (!whole) return whole.error();
  const std::string who = "KMIP object \"" + object.id + "\"";
  if (!whole->value.Equals(key.data)) {
    return {StatusCode::kCorrupt, who +
                                      " gives back another value than was "
                                      "registered"};
  }
  if (KmipUseOf(whole->attributes) != KmipUse::kUsable) {
    return {StatusCode::kUnavailable,
            who + " is not Active after it was activated"};
  }
  const auto found = ReadMysqlKeyIdentity(whole->attributes);
  const auto& names = whole->attributes.names;
  if (!found || !*found || **found != identity || names.empty() ||
      names.front() != MysqlKeyObjectName(key.name)) {
    return {StatusCode::kMisconfigured,
            who +
                " lost its Name or Application Specific Information: this "
                "server does not keep what tells whose key it is"};
  }
  if (NamesItsServer(key.name.data_id)) return Status::Ok();
  return maker_.CheckAlone(object.id, wanted, deadline);
}

Status KmipKeyringBackend::Remove(const KeyName& name,
                                  const Deadline& deadline) {
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

Status KmipKeyringBackend::DiscardLeftovers(const KeyName* name,
                                            const Deadline& deadline) {
  std::multimap<KeyName, Object> leftovers;
  {
    std::lock_guard lock(mutex_);
    leftovers = leftovers_;
  }
  Status first_failure;
  for (const auto& leftover : leftovers) {
    if (name != nullptr && leftover.first != *name) continue;
    const Object& object = leftover.second;
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
