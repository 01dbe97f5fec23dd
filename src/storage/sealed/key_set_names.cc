// SPDX-License-Identifier: MIT
#include "storage/sealed/key_set_names.h"

#include <algorithm>
#include <string>

#include "storage/key_names.h"
#include "storage/sealed/sealed_names.h"

namespace openkeyring {
namespace {

constexpr std::string_view kMadeType = "AES", kImportedType = "AES-IMPORTED";
}  // namespace

KeyName RecordName(KeyVersion key) {
  return {std::to_string(key.id), std::to_string(key.version)};
}

std::string RecordType(KeyOrigin origin) {
  return std::string(origin == KeyOrigin::kMade ? kMadeType : kImportedType);
}

Result<RecordIdentity> ReadRecordIdentity(const KeyName& name,
                                          std::string_view type) {
  // Numbers have one spelling, which is that of key files.
  const auto key = ParseKeyFileName(std::string(kKeyFilePrefix) + name.data_id +
                                    "." + name.auth_id);
  if (!key || (type != kMadeType && type != kImportedType)) {
    return Status(StatusCode::kCorrupt,
                  ToString(name) + " is not a key of MariaDB's");
  }
  return RecordIdentity{
      *key, type == kMadeType ? KeyOrigin::kMade : KeyOrigin::kImported};
}

KeySetNames ListedKeySet::Proven() const {
  KeySetNames proven = names;
  for (const KeyVersion key : unproven) proven.erase(key);
  return proven;
}

Result<ListedKeySet> ReadKeySetNames(ByteView content) {
  const Result<SealedNames> listed = ListSealedNames(content);
  if (!listed) return listed.error();
  ListedKeySet set;
  for (const SealedName& name : listed->keys) {
    const Result<RecordIdentity> identity =
        ReadRecordIdentity(name.key.name(), name.key.type);
    // Else it is damage, as the opening of the set will say.
    if (!identity) continue;
    set.names[identity->key] = identity->origin;
    if (name.sequence == listed->unproven) set.unproven.insert(identity->key);
  }
  return set;
}

HighestVersions HighestVersionsOf(const KeySetNames& names) {
  HighestVersions highest;
  for (const auto& [key, origin] : names) {
    highest[key.id] = std::max(highest[key.id], key.version);
  }
  return highest;
}

HighestVersions HighestVersionsOf(const std::vector<KeyVersion>& versions) {
  HighestVersions highest;
  for (const KeyVersion key : versions) {
    highest[key.id] = std::max(highest[key.id], key.version);
  }
  return highest;
}

std::vector<KeyVersion> MissingVersions(const HighestVersions& marked,
                                        const HighestVersions& in_set) {
  std::vector<KeyVersion> missing;
  for (const auto& [id, version] : marked) {
    const auto found = in_set.find(id);
    if (found == in_set.end() || found->second < version) {
      missing.push_back({id, version});
    }
  }
  return missing;
}

Status MissingFromKeySet(const std::string& path, KeyVersion key) {
  return {StatusCode::kCorrupt,
          "key set " + path + " lacks version " + std::to_string(key.version) +
              " of key " + std::to_string(key.id) +
              ", which was made: restore the newest copy of it"};
}

}  // namespace openkeyring
