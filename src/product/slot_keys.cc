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

namespace {

Status CheckAlias(KeyWrapper& kms_key, const KeySlot& slot,
                  const std::string& option, const Deadline& deadline,
                  Log& log) {
  const Result<bool> current = kms_key.IsCurrent(slot.maker, deadline);
  if (!current && current.error().code() == StatusCode::kDenied) {
    log.Write(LogLevel::kWarning, "cannot tell whether " + slot.name +
                                      " is still " + slot.maker + ": " +
                                      current.error().message());
    return Status::Ok();
  }
  if (!current) return current.error();
  if (*current) return Status::Ok();
  return {StatusCode::kMisconfigured, ToString(slot) + " is wrapped under " +
                                          slot.maker + ", and " + slot.name +
                                          " is another KMS key now: set " +
                                          option + " to that key's ARN"};
}

}  // namespace

Status CheckSlotAliases(const std::vector<KeyWrapper*>& kms_keys,
                        const SealedHeader& header, const std::string& option,
                        const Deadline& deadline, Log& log) {
  for (KeyWrapper* const kms_key : kms_keys) {
    for (const KeySlot& slot : header.slots) {
      if (slot.kind != SlotKind::kAwsKms ||
          slot.name != kms_key->CurrentKeyName()) {
        continue;
      }
      Status status = CheckAlias(*kms_key, slot, option, deadline, log);
      if (!status.ok()) return status;
    }
  }
  return Status::Ok();
}

}  // namespace openkeyring
