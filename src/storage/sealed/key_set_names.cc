// SPDX-License-Identifier: MIT
#include "storage/sealed/key_set_names.h"

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

}  // namespace openkeyring
