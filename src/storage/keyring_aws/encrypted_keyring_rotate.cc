// SPDX-License-Identifier: MIT
#include <utility>

#include "keyring/key_batch.h"
#include "storage/keyring_aws/encrypted_keyring.h"

namespace openkeyring {
namespace {

// Keys may be stored while others are encrypted anew; each pass takes those
// that were.
constexpr int kMostPasses = 20;

}  // namespace

// Encrypts anew what is stored now and was not yet.
Status EncryptedKeyring::RewrapMissing(KeyWrapper& kms,
                                       const Deadline& deadline,
                                       Rewrapped& done) {
  std::vector<KeyName> names;
  std::vector<StoredKeyPointer> stored;
  {
    std::shared_lock lock(keys_mutex_);
    for (const auto& [name, key] : keyring_.keys) {
      if (done.contains(key)) continue;
      names.push_back(name);
      stored.push_back(key);
    }
  }
  std::vector<StoredKeyPointer> fresh(names.size());
  const Status status = ForEveryKey(
      names, options_.parallelism, clock_, deadline, "re-encrypt",
      [&](size_t i) {
        Result<WrappedKey> wrapped = kms.Rewrap(
            stored[i]->wrapped, BindingOf(names[i], stored[i]->type), deadline);
        if (!wrapped) return wrapped.error();
        fresh[i] = std::make_shared<const StoredKey>(
            StoredKey{stored[i]->type, std::move(*wrapped)});
        return Status::Ok();
      });
  if (!status.ok()) return status;
  for (size_t i = 0; i < names.size(); ++i) {
    done[stored[i]] = std::move(fresh[i]);
  }
  return status;
}

Status EncryptedKeyring::RotateKeys(KeyWrapper& kms, const Deadline& deadline) {
  Rewrapped done;
  for (int pass = 0; pass < kMostPasses; ++pass) {
    Status status = RewrapMissing(kms, deadline, done);
    if (!status.ok()) return status;
    bool missing = false;
    status = Change([&](Keys& keys) {
      for (auto& [name, key] : keys) {
        const auto found = done.find(key);
        if (found == done.end()) {
          missing = true;
          return Status(StatusCode::kUnavailable,
                        "keys are stored faster than they can be "
                        "re-encrypted; nothing was changed, try again");
        }
        key = found->second;
      }
      return Status::Ok();
    });
    if (!missing) return status;
    if (pass + 1 == kMostPasses) return status;
  }
  return {StatusCode::kInternal, "no pass was made"};
}

}  // namespace openkeyring
