// SPDX-License-Identifier: MIT
#include "product/slot_keys.h"

#include <memory>

#include "storage/sealed/local_slot_key.h"
#include "storage/sealed/public_slot_key.h"

namespace openkeyring {

SlotKeys MakeSlotKeys(KmsServices& kms,
                      const std::vector<RecoveryKey>& recovery_keys,
                      const LocalUnlockFile& local, FileSystem& files,
                      Random& random) {
  SlotKeys keys;
  for (size_t i = 0; i < kms.size(); ++i) {
    keys.push_back(std::make_unique<KmsSlotKey>(kms.wrapper(i)));
  }
  for (const RecoveryKey& recovery : recovery_keys) {
    keys.push_back(
        std::make_unique<PublicKeySlotKey>(recovery.key, recovery.path));
  }
  if (local.path.empty()) return keys;
  const auto read = [&files, local] {
    return ReadLocalUnlockFile(files, local.path, local.forbidden_directories);
  };
  keys.push_back(std::make_unique<LocalFileSlotKey>(read, local.path, random));
  return keys;
}

}  // namespace openkeyring
