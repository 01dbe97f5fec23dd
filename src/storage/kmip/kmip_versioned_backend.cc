// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_versioned_backend.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/encoding.h"
#include "kmip/locate_all.h"
#include "kmip/operations/create.h"
#include "storage/kmip/mariadb_key_identity.h"

namespace openkeyring {
namespace {

constexpr auto kType = KmipObjectType::kSymmetricKey;
constexpr int32_t kUsage = 0x0C;  // Encrypt, decrypt.
constexpr size_t kNonceBytes = 8;
constexpr int kMostTries = 4;
constexpr double kLongestPause = 200;  // Milliseconds.

bool IsDestroyed(KmipState state) {
  return state == KmipState::kDestroyed ||
         state == KmipState::kDestroyedCompromised;
}

}  // namespace

KmipVersionedBackend::KmipVersionedBackend(KmipClient& client, Clock& clock,
                                           Random& random, Log& log,
                                           Options options)
    : client_(client),
      clock_(clock),
      random_(random),
      log_(log),
      options_(std::move(options)),
      objects_(client, log),
      maker_(client, objects_, clock) {}

Result<std::vector<KeyVersion>> KmipVersionedBackend::List() {
  const Deadline deadline = Deadline::After(clock_, options_.list_deadline());
  KmipAttributes filter;
  filter.object_type = kType;
  if (!options_.object_group.empty()) {
    filter.object_groups = {options_.object_group};
  }
  const auto ids = LocateAll(client_, filter, options_.max_objects, deadline);
  if (!ids) return ids.error().WithContext("the keys can't be listed");
  if (Status status = Look(*ids, deadline); !status.ok()) return status;
  std::vector<KeyVersion> keys;
  std::lock_guard lock(mutex_);
  known_.clear();
  for (const std::string& id : *ids) {
    const auto one = seen_.find(id);
    if (one == seen_.end() || !one->second) continue;
    known_.insert(*one->second);
    keys.push_back(one->second->first);
  }
  return keys;
}

// Asks what those are that have not been seen. An object never becomes another
// key's; that it was revoked meanwhile shows at the next start.
Status KmipVersionedBackend::Look(const std::vector<std::string>& ids,
                                  const Deadline& deadline) {
  std::vector<std::string> unknown;
  {
    std::lock_guard lock(mutex_);
    std::ranges::copy_if(ids, std::back_inserter(unknown),
                         [&](const auto& id) { return !seen_.contains(id); });
  }
  const auto described = objects_.Describe(unknown, kType, deadline);
  if (!described) return described.error();
  for (const auto& one : *described) {
    if (!one || KmipUseOf(*one) == KmipUse::kUnfinished) continue;
    const std::string& id = *one->unique_identifier;
    const auto identity = ReadMariaDbKeyIdentity(*one);
    if (!identity) {
      return identity.error().WithContext("KMIP object \"" + id + '"');
    }
    std::lock_guard lock(mutex_);
    if (*identity) {
      seen_[id] = {(*identity)->key,
                   Object{id, one->state.value_or(KmipState::kActive)}};
    } else {
      seen_[id] = std::nullopt;
    }
  }
  return Status::Ok();
}

// From what is known, or by looking on the server.
Result<std::vector<KmipVersionedBackend::Object>>
KmipVersionedBackend::ObjectsOf(KeyVersion key, const Deadline& deadline) {
  std::vector<Object> objects;
  {
    std::lock_guard lock(mutex_);
    const auto [first, last] = known_.equal_range(key);
    for (auto one = first; one != last; ++one) objects.push_back(one->second);
  }
  if (!objects.empty()) return objects;
  const auto there =
      objects_.Find(NameOf(key), options_.object_group, kType, deadline);
  if (!there) return there.error();
  std::lock_guard lock(mutex_);
  for (const KmipAttributes& one : *there) {
    const auto identity = ReadMariaDbKeyIdentity(one);
    if (!identity || !*identity || (*identity)->key != key ||
        KmipUseOf(one) == KmipUse::kUnfinished) {
      continue;
    }
    objects.push_back(
        {*one.unique_identifier, one.state.value_or(KmipState::kActive)});
    known_.emplace(key, objects.back());
  }
  return objects;
}

Result<Secret> KmipVersionedBackend::Fetch(KeyVersion key,
                                           const Deadline& deadline) {
  const auto objects = ObjectsOf(key, deadline);
  if (!objects) return objects.error().WithContext(Describe(key));
  if (objects->empty()) {
    return Status(StatusCode::kNotFound,
                  "there is no " + Describe(key) + " on the KMIP server");
  }
  Secret value;
  for (const Object& object : *objects) {
    if (IsDestroyed(object.state)) continue;
    Result<Secret> one = FetchOne(key, object, deadline);
    if (!one) return one.error().WithContext(Describe(key));
    if (!value.empty() && !value.Equals(*one)) {
      return Status(StatusCode::kCorrupt,
                    Describe(key) +
                        " is there twice, with different values: "
                        "give each server an object_group of its "
                        "own, and revoke and destroy the object "
                        "that is not in use (" +
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

Result<Secret> KmipVersionedBackend::FetchOne(KeyVersion key,
                                              const Object& object,
                                              const Deadline& deadline) {
  Result<std::vector<Secret>> values = objects_.Get({object.id}, deadline);
  if (!values) {
    // What is known of it may be old.
    std::lock_guard lock(mutex_);
    known_.erase(key);
    return values.error();
  }
  Secret value = std::move(values->front());
  if (value.size() != 16 && value.size() != 24 && value.size() != 32) {
    return Status(StatusCode::kCorrupt, "KMIP object \"" + object.id +
                                            "\" has " +
                                            std::to_string(value.size()) +
                                            " bytes, which is no AES key");
  }
  if (object.state != KmipState::kActive) {
    Warn(key, Describe(key) +
                  " is revoked on the KMIP server; data that was encrypted "
                  "with it can be read, but rotate the key");
  }
  return value;
}

void KmipVersionedBackend::Warn(KeyVersion key, const std::string& text) {
  {
    std::lock_guard lock(mutex_);
    if (!warned_.insert(key).second) return;
  }
  log_.Write(LogLevel::kWarning, text);
}

Status KmipVersionedBackend::Create(KeyVersion key, size_t bytes,
                                    const Deadline& deadline) {
  for (int tries = 1;; ++tries) {
    Status status = TryToCreate(key, bytes, deadline);
    if (status.code() != StatusCode::kAlreadyExists) return status;
    // Of two that make it at once each may see the other's and give up its own:
    // then nobody has it, and both try again, not at the same moment.
    {
      std::lock_guard lock(mutex_);
      known_.erase(key);
    }
    const auto there = ObjectsOf(key, deadline);
    if (!there) return there.error();
    if (!there->empty() || tries == kMostTries) return status;
    clock_.SleepFor(std::min(
        Millis(static_cast<int64_t>(kLongestPause * random_.Fraction())),
        deadline.Remaining(clock_)));
  }
}

Status KmipVersionedBackend::TryToCreate(KeyVersion key, size_t bytes,
                                         const Deadline& deadline) {
  const MariaDbKeyIdentity identity = {key, RandomHex(random_, kNonceBytes)};
  const KmipNewKey wanted = ToMake(key, identity.nonce);
  Status status = maker_.CheckAlone("", wanted, deadline);
  if (!status.ok()) return status;
  KmipAttributes attributes;
  attributes.names = {wanted.name};
  if (!options_.object_group.empty()) {
    attributes.object_groups = {options_.object_group};
  }
  attributes.application_info = {WriteMariaDbKeyIdentity(identity)};
  attributes.algorithm = KmipAlgorithm::kAes;
  attributes.length = static_cast<int32_t>(bytes * 8);
  attributes.usage_mask = kUsage;
  Result<std::string> id =
      maker_.Make(MakeCreate(attributes), wanted, deadline);
  if (!id) return id.error();
  status = objects_.Activate(*id, kType, deadline);
  if (status.ok()) {
    const auto made = objects_.Describe(*id, kType, deadline);
    if (!made) {
      status = made.error();
    } else if (!*made || wanted.match(**made) != KmipMatch::kThisAttempt) {
      status = {StatusCode::kMisconfigured,
                "the KMIP server does not keep Application Specific "
                "Information, which tells whose key it is"};
    } else {
      status = maker_.CheckAlone(*id, wanted, deadline);
    }
  }
  if (status.ok()) return status;
  // Nobody has used it yet.
  Status retired = objects_.Retire(*id, kType, deadline);
  if (retired.ok()) return status;
  return {status.code() == StatusCode::kAlreadyExists ? retired.code()
                                                      : status.code(),
          status.message() + "; what was made of it (KMIP object \"" + *id +
              "\") could not be destroyed: " + retired.message()};
}

KmipNewKey KmipVersionedBackend::ToMake(KeyVersion key,
                                        const std::string& nonce) const {
  KmipNewKey wanted;
  wanted.name = NameOf(key);
  wanted.object_group = options_.object_group;
  wanted.type = kType;
  wanted.revoked_counts = true;
  wanted.match = [key, nonce](const KmipAttributes& object) {
    const auto found = ReadMariaDbKeyIdentity(object);
    if (!found || !*found || (*found)->key != key) return KmipMatch::kOtherKey;
    return (*found)->nonce == nonce ? KmipMatch::kThisAttempt
                                    : KmipMatch::kSameKey;
  };
  wanted.is_leftover = [](const KmipAttributes& object) {
    const auto found = ReadMariaDbKeyIdentity(object);
    return found && *found;
  };
  return wanted;
}

std::string KmipVersionedBackend::NameOf(KeyVersion key) const {
  return "openkeyring-mariadb/" + PercentEncode(options_.object_group) + "/" +
         std::to_string(key.id) + "/" + std::to_string(key.version);
}

std::string KmipVersionedBackend::Describe(KeyVersion key) const {
  return "KMIP key " + NameOf(key);
}

}  // namespace openkeyring
