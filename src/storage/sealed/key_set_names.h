// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_KEY_SET_NAMES_H_
#define OPENKEYRING_STORAGE_SEALED_KEY_SET_NAMES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "keyring/key.h"
#include "keyring/versioned_backend.h"
#include "storage/sealed/sealed_header.h"

// How MariaDB's key set names its records, and what can be read of it without
// its data key (docs/file_formats.md, "Sealed key set"). Bytes only.
namespace openkeyring {

// Where a key came from, which its record says as its type.
enum class KeyOrigin {
  kMade,      // For this set.
  kImported,  // From a key file, which may still be there.
};

// The record of a version: its name, and its origin as its type.
KeyName RecordName(KeyVersion key);
std::string RecordType(KeyOrigin origin);
// The reverse. kCorrupt for a record that is not a key set's.
struct RecordIdentity {
  KeyVersion key;
  KeyOrigin origin = KeyOrigin::kMade;
};
Result<RecordIdentity> ReadRecordIdentity(const KeyName& name,
                                          std::string_view type);

using KeySetNames = std::map<KeyVersion, KeyOrigin>;
struct ListedKeySet {
  KeySetNames names;
  // Those of the last record, when nothing shows that it was ever complete: a
  // crash may have torn it, with its names on the disk and its keys not. Part
  // of `names`.
  std::set<KeyVersion> unproven;

  KeySetNames Proven() const;
};
// What a file says that it holds, up to the first record that is incomplete.
// Nothing of it is authenticated before the data key is there: it serves a
// server that cannot reach KMS to know which versions it must wait for, and
// tells which of two copies is older. Errors are ReadSealedHeader's.
Result<ListedKeySet> ReadKeySetNames(ByteView content);

// Key id -> highest version: of marks (KeyDirectory::Content), or of a set.
using HighestVersions = std::map<uint32_t, uint32_t>;
HighestVersions HighestVersionsOf(const KeySetNames& names);
HighestVersions HighestVersionsOf(const std::vector<KeyVersion>& versions);
// The marked versions of which a set has neither that version nor a later one:
// the set is an old copy, and who makes such a key again loses the data under
// the first one.
std::vector<KeyVersion> MissingVersions(const HighestVersions& marked,
                                        const HighestVersions& in_set);
// kCorrupt: the key set `path` lacks `key`, which was made.
Status MissingFromKeySet(const std::string& path, KeyVersion key);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_KEY_SET_NAMES_H_
