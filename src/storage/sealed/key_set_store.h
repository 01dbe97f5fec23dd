// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_KEY_SET_STORE_H_
#define OPENKEYRING_STORAGE_SEALED_KEY_SET_STORE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "keyring/key_wrapper.h"
#include "storage/key_directory.h"
#include "storage/sealed/key_set_location.h"
#include "storage/sealed/sealed_store.h"

// What a key set is made of and opened with.
namespace openkeyring {

// Who makes the bytes of new keys.
enum class KeySource {
  kKms,    // KMS; they are sealed here.
  kLocal,  // The random source of this process, without a call to anybody.
};

struct KeySetOptions {
  KeyDirectory::Options keys;
  std::string data_directory = "";
  KeySource source = KeySource::kKms;
  // Who makes new keys, in this order: the next one is asked when the one
  // before does not. At least one; borrowed.
  std::vector<KeyWrapper*> makers;
  size_t parallelism = 16;  // Calls of KMS at once.
  // The keys that open the set; asked before each opening, as the option that
  // names them may be changed. Called from any thread.
  std::function<std::unique_ptr<KeySlots>()> slots;
  ReplayProgress progress = nullptr;  // For tools.
};

// All borrowed.
struct KeySetDependencies {
  FileSystem& files;
  Random& random;
  Clock& clock;
  Log& log;
};

// The set in `file`, which is bound to that installation.
struct KeySetAccess {
  bool may_create = false;
  bool read_only = false;
  bool last_resort = false;  // See SealedStoreOptions.
  bool must_rewrap = false;  // See FileBackendOptions.
};
std::unique_ptr<SealedStore> MakeKeySetStore(
    const KeySetDependencies& dependencies, const KeySetOptions& options,
    std::shared_ptr<KeyringFile> file, const std::string& installation,
    const KeySetAccess& access);
// The file itself, which nobody else has an interest in.
std::shared_ptr<KeyringFile> MakeKeySetFile(
    const KeySetDependencies& dependencies, std::string path);

// What the record of a key holds.
Key MakeKeySetRecord(KeyVersion key, KeyOrigin origin, const Secret& secret);

// Makes the set of `location` from these keys, which were read from key files.
// They are read again from it, with the key server, and compared before it
// takes its name: after a crash there is all of it, or none. kAlreadyExists
// when there is one.
Status ImportKeySet(const KeySetDependencies& dependencies,
                    const KeySetOptions& options, KeySetLocation& location,
                    const std::map<KeyVersion, const Secret*>& keys,
                    const Deadline& deadline);

// kCorrupt unless `found`, which was read from a new set, is these records and
// nothing else.
Status CompareRecords(const SealedStore::Keys& found,
                      const std::vector<Key>& records);

// A new set of these records, as the bytes of its file: made in memory, opened
// again with the key server and compared. A slot that cannot be made now is
// missing from it, with a warning in the log.
Result<Bytes> BuildKeySet(const KeySetDependencies& dependencies,
                          const KeySetOptions& options,
                          const std::string& installation,
                          const std::vector<Key>& records,
                          const Deadline& deadline);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_KEY_SET_STORE_H_
