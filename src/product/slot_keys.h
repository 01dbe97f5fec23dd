// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_SLOT_KEYS_H_
#define OPENKEYRING_PRODUCT_SLOT_KEYS_H_

#include <memory>
#include <string>
#include <vector>

#include "product/key_slot_options.h"
#include "product/kms_services.h"
#include "storage/sealed/sealed_header.h"
#include "storage/sealed/slot_key.h"

namespace openkeyring {

using SlotKeys = std::vector<std::unique_ptr<SlotKey>>;

struct LocalUnlockFile {
  std::string path;                                // "": none.
  std::vector<std::string> forbidden_directories;  // See CheckLocalUnlockFile.
};

// The keys of a sealed file's slots in the order in which they are tried: the
// KMS keys, the recovery keys, and the local unlock file, which is checked and
// read each time that it is needed. `kms`, `files` and `random` are borrowed.
SlotKeys MakeSlotKeys(KmsServices& kms,
                      const std::vector<RecoveryKey>& recovery_keys,
                      const LocalUnlockFile& local, FileSystem& files,
                      Random& random);

// For tools that promise that everything is under the configured KMS keys: a
// slot is compared by its name, so that a start needs no answer for it.
// kMisconfigured, with the fix, when the alias `option` names is another KMS
// key now than the one that made a slot of `header`; a warning where that may
// not be asked. `kms_keys` are borrowed.
Status CheckSlotAliases(const std::vector<KeyWrapper*>& kms_keys,
                        const SealedHeader& header, const std::string& option,
                        const Deadline& deadline, Log& log);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_SLOT_KEYS_H_
