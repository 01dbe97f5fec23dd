// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/key_rewrap.h"

#include <utility>
#include <vector>

#include "keyring/key_batch.h"

namespace openkeyring {
namespace {

// Keys may be stored while others are rewrapped; each pass takes those.
constexpr int kMaxPasses = 20;

}  // namespace

Result<Digest256> KeyRewrap::Fingerprint(const KeyName& name,
                                         const EncryptedKeyPointer& old,
                                         const Deadline& deadline) {
  if (const auto known = opened_.FingerprintOf(old)) return *known;
  Result<UnwrappedKey> key = kms_.Unwrap(
      old->wrapped, AwsKeyContext(store_.file_id(), name, old->type), deadline);
  if (!key) return key.error();
  const auto plain =
      std::make_shared<const Key>(Key{name, old->type, std::move(key->key)});
  opened_.Add(old, plain);
  return opened_.Fingerprint(plain->data);
}

Result<EncryptedKeyPointer> KeyRewrap::RewrapOne(const KeyName& name,
                                                 const EncryptedKeyPointer& old,
                                                 const Deadline& deadline) {
  const Result<Digest256> expected = Fingerprint(name, old, deadline);
  if (!expected) return expected.error();
  const EncryptionContext context =
      AwsKeyContext(store_.file_id(), name, old->type);
  Result<WrappedKey> wrapped = kms_.Rewrap(old->wrapped, context, deadline);
  if (!wrapped) return wrapped.error();
  Result<UnwrappedKey> key = kms_.Unwrap(*wrapped, context, deadline);
  if (!key) {
    return key.error().WithContext(
        "AWS KMS does not open what it has just re-encrypted");
  }
  const Result<Digest256> fingerprint = opened_.Fingerprint(key->key);
  if (!fingerprint) return fingerprint.error();
  if (!DigestsEqual(*fingerprint, *expected)) {
    return Status(StatusCode::kCorrupt,
                  "what AWS KMS has just re-encrypted opens as another key");
  }
  const auto replacement = std::make_shared<const EncryptedKey>(
      EncryptedKey{old->type, std::move(*wrapped)});
  opened_.Add(replacement, std::make_shared<const Key>(
                               Key{name, old->type, std::move(key->key)}));
  return EncryptedKeyPointer(replacement);
}

Status KeyRewrap::RewrapRest(const Deadline& deadline) {
  std::vector<KeyName> names;
  std::vector<EncryptedKeyPointer> old;
  for (auto& [name, key] : store_.Snapshot()) {
    if (rewrapped_.contains(key)) continue;
    names.push_back(name);
    old.push_back(key);
  }
  std::vector<EncryptedKeyPointer> replacements(names.size());
  const Status status = ForEveryKey(
      names, parallelism_, clock_, random_, deadline, "re-encrypt",
      [&](size_t i, const Deadline& own) {
        Result<EncryptedKeyPointer> made = RewrapOne(names[i], old[i], own);
        if (!made) return made.error();
        replacements[i] = std::move(*made);
        return Status::Ok();
      });
  if (!status.ok()) return status;
  for (size_t i = 0; i < names.size(); ++i) {
    rewrapped_[old[i]] = std::move(replacements[i]);
  }
  return status;
}

Status KeyRewrap::ReplaceAll(bool& complete) {
  complete = true;
  return store_.ChangeAll([&](EncryptedKeyStore::Keys& keys) {
    for (auto& [name, key] : keys) {
      const auto found = rewrapped_.find(key);
      if (found == rewrapped_.end()) {
        complete = false;
        return Status(StatusCode::kUnavailable,
                      "keys are stored faster than they can be re-encrypted; "
                      "nothing was changed, try again");
      }
      key = found->second;
    }
    return Status::Ok();
  });
}

Status KeyRewrap::Run(const Deadline& deadline) {
  Status status;
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    status = RewrapRest(deadline);
    if (!status.ok()) return status;
    bool complete = false;
    status = ReplaceAll(complete);
    if (complete) return status;
  }
  return status;
}

}  // namespace openkeyring
