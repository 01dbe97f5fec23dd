// SPDX-License-Identifier: MIT
// What KmipKeyringBackend reads: which objects are keys, and their values.
#include <utility>

#include "kmip/locate_all.h"
#include "storage/kmip/kmip_keyring_backend.h"

namespace openkeyring {
namespace {

constexpr KmipObjectType kTypes[] = {KmipObjectType::kSymmetricKey,
                                     KmipObjectType::kSecretData};

std::string Quoted(const std::string& text) { return '"' + text + '"'; }

void AddCount(std::string& text, size_t count, const char* what) {
  if (count == 0) return;
  text += (text.empty() ? "" : ", ") + std::to_string(count) + ' ' + what;
}

Status CheckSize(const Key& key, const std::string& id) {
  if (!key.data.empty() && key.data.size() <= kMaxKeyBytes) return Status::Ok();
  return {StatusCode::kCorrupt,
          ToString(key.name) + " has " + std::to_string(key.data.size()) +
              " bytes in KMIP object " + Quoted(id) + "; a key has 1 to " +
              std::to_string(kMaxKeyBytes) +
              ". If it is none, revoke the object or set object_group"};
}

}  // namespace

struct KmipKeyringBackend::Skipped {
  size_t unfinished = 0, unusable = 0, foreign = 0;
  size_t pre_active = 0;  // Percona's: read, not skipped.

  size_t total() const { return unfinished + unusable + foreign; }
};

Result<std::vector<Key>> KmipKeyringBackend::Load(const Deadline& deadline) {
  Skipped skipped;
  std::vector<Found> found;
  for (const KmipObjectType type : kTypes) {
    Result<std::vector<Found>> some = List(type, skipped, deadline);
    if (!some) return some.error();
    for (Found& one : *some) found.push_back(std::move(one));
  }
  Result<std::vector<Key>> keys = Read(found, deadline);
  if (!keys) return keys.error();
  std::string counts;
  AddCount(counts, skipped.unusable, "deactivated, compromised or destroyed");
  AddCount(counts, skipped.unfinished, "left by stores that failed");
  AddCount(counts, skipped.foreign, "that are no MySQL keys");
  if (!counts.empty()) {
    log_.Write(LogLevel::kNote,
               "objects on the KMIP server that were not "
               "loaded: " +
                   counts);
  }
  if (skipped.pre_active > 0) {
    log_.Write(LogLevel::kWarning,
               std::to_string(skipped.pre_active) +
                   " keys are Pre-Active on the KMIP server, as old versions "
                   "of Percona's component left them; activate_pre_active "
                   "makes them Active");
  }
  std::lock_guard lock(mutex_);
  known_.clear();
  for (Found& one : found) {
    known_.emplace(std::move(one.identity.name), std::move(one.object));
  }
  skipped_ = skipped.total();
  return keys;
}

Result<std::vector<KmipKeyringBackend::Found>> KmipKeyringBackend::List(
    KmipObjectType type, Skipped& skipped, const Deadline& deadline) {
  KmipAttributes filter;
  filter.object_type = type;
  if (!options_.object_group.empty()) {
    filter.object_groups = {options_.object_group};
  }
  Result<std::vector<std::string>> ids =
      LocateAll(client_, filter, options_.max_objects, deadline);
  if (!ids) {
    return ids.error().WithContext("the keys cannot be listed");
  }
  auto described = objects_.Describe(*ids, type, deadline);
  if (!described) return described.error();
  std::vector<Found> found;
  for (const auto& attributes : *described) {
    if (!attributes) continue;  // Removed since it was listed.
    if (Status status = Take(*attributes, found, skipped, deadline);
        !status.ok()) {
      return status;
    }
  }
  return found;
}

Status KmipKeyringBackend::Take(const KmipAttributes& attributes,
                                std::vector<Found>& found, Skipped& skipped,
                                const Deadline& deadline) {
  const std::string& id = *attributes.unique_identifier;
  const KmipUse use = KmipUseOf(attributes);
  if (use == KmipUse::kUnusable) {
    ++skipped.unusable;
    return Status::Ok();
  }
  Result<std::optional<MysqlKeyIdentity>> identity =
      ReadMysqlKeyIdentity(attributes);
  if (!identity) {
    return identity.error().WithContext("KMIP object " + Quoted(id));
  }
  if (!*identity) {
    ++skipped.foreign;
    return Status::Ok();
  }
  Object object = {id, *attributes.object_type};
  if (use == KmipUse::kUnfinished) {
    if ((*identity)->is_ours()) {
      ++skipped.unfinished;
      return Status::Ok();
    }
    if (options_.activate_pre_active) {
      Status status = objects_.Activate(id, object.type, deadline);
      if (!status.ok()) {
        return status.WithContext("activating " + ToString((*identity)->name));
      }
    } else {
      ++skipped.pre_active;
    }
  }
  found.push_back({std::move(object), std::move(**identity)});
  return Status::Ok();
}

Result<std::vector<Key>> KmipKeyringBackend::Read(
    const std::vector<Found>& found, const Deadline& deadline) {
  std::vector<std::string> ids;
  for (const Found& one : found) ids.push_back(one.object.id);
  Result<std::vector<Secret>> values = objects_.Get(ids, deadline);
  if (!values) {
    return values.error().WithContext("a key cannot be read");
  }
  std::map<KeyName, size_t> places;  // In `keys`, which grows with `ids`.
  std::vector<Key> keys;
  std::vector<size_t> sources;  // Of each key, in `found`.
  for (size_t i = 0; i < found.size(); ++i) {
    const MysqlKeyIdentity& identity = found[i].identity;
    Key key = {identity.name, identity.type, std::move((*values)[i])};
    if (Status status = CheckSize(key, ids[i]); !status.ok()) return status;
    const auto [place, is_new] = places.emplace(key.name, keys.size());
    if (is_new) {
      sources.push_back(i);
      keys.push_back(std::move(key));
      continue;
    }
    const Key& other = keys[place->second];
    const std::string both = ToString(key.name) +
                             " is there twice, in KMIP "
                             "objects " +
                             Quoted(ids[sources[place->second]]) + " and " +
                             Quoted(ids[i]);
    if (other.type != key.type || !other.data.Equals(key.data)) {
      return Status(StatusCode::kCorrupt,
                    both +
                        ", with different values. Revoke the one that is "
                        "not in use, or give each server an object_group "
                        "of its own");
    }
    log_.Write(LogLevel::kWarning, both + ", with the same value");
  }
  return keys;
}

std::vector<std::pair<std::string, std::string>> KmipKeyringBackend::Describe()
    const {
  std::lock_guard lock(mutex_);
  return {{"Skipped_objects", std::to_string(skipped_)}};
}

}  // namespace openkeyring
