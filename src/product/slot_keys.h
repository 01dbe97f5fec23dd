// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_SLOT_KEYS_H_
#define OPENKEYRING_PRODUCT_SLOT_KEYS_H_

#include <memory>
#include <string>
#include <vector>

#include "product/key_slot_options.h"
#include "product/kms_services.h"
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

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_SLOT_KEYS_H_
