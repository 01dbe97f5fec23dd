// SPDX-License-Identifier: MIT
#include "cli/stored_keyring.h"

#include "os/lock_holder.h"

namespace openkeyring {

std::string IdText(const StoredKey& key) {
  return key.version ? key.id + "." + std::to_string(*key.version) : key.id;
}

void FindLockHolder(const std::string& path, StoredKeyring& keyring) {
  const std::optional<LockHolder> holder = LockHolderOf(path);
  if (!holder) return;
  keyring.lock_pid = holder->pid;
  keyring.lock_holder = holder->text;
}

tl::expected<std::unique_ptr<KeyringReader>, Failure> OpenForReading(
    const Installation& installation, FileSystem& files, Log& log) {
  switch (installation.product) {
    case Product::kComponentKeyringKms:
      return MakeKmsComponentReader(installation, files, log);
    case Product::kKeyringAws:
      return MakeKeyringAwsReader(installation, files, log);
    case Product::kAwsKeyManagement:
      return MakeKeyFilesReader(installation, files, log);
    case Product::kComponentKeyringKmip:
      return MakeKmipComponentReader(installation, files, log);
    case Product::kKmipKeyManagement:
      return MakeKmipVersionsReader(installation, files, log);
  }
  return UsageFailure("unknown product");
}

}  // namespace openkeyring
