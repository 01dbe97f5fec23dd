// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/opened_keys.h"

#include <utility>

namespace openkeyring {
namespace {

constexpr size_t kSaltBytes = 32;

}  // namespace

Result<std::unique_ptr<OpenedKeys>> OpenedKeys::Make(Random& random,
                                                     bool keep_plaintext) {
  Secret salt(kSaltBytes);
  const Status status = random.Fill(salt.RevealMutable());
  if (!status.ok()) return status;
  return std::unique_ptr<OpenedKeys>(
      new OpenedKeys(std::move(salt), keep_plaintext));
}

OpenedKeys::OpenedKeys(Secret salt, bool keep_plaintext)
    : salt_(std::move(salt)), keep_plaintext_(keep_plaintext) {}

Result<Digest256> OpenedKeys::Fingerprint(const Secret& plain) const {
  Secret salted = salt_.Clone();
  salted.Append(plain.RevealBytes());
  return Sha256(salted.RevealBytes());
}

void OpenedKeys::Add(const EncryptedKeyPointer& encrypted,
                     const KeyPointer& plain) {
  const Result<Digest256> fingerprint = Fingerprint(plain->data);
  if (!fingerprint) return;  // Not remembered, so it is opened again.
  Set(encrypted, *fingerprint, plain);
}

void OpenedKeys::AddUnconfirmed(const EncryptedKeyPointer& encrypted,
                                const KeyPointer& plain) {
  const Result<Digest256> fingerprint = Fingerprint(plain->data);
  if (fingerprint) Set(encrypted, *fingerprint, nullptr);
}

Status OpenedKeys::Confirm(const EncryptedKeyPointer& encrypted,
                           const KeyPointer& plain) {
  const Result<Digest256> fingerprint = Fingerprint(plain->data);
  if (!fingerprint) return fingerprint.error();
  const std::optional<Digest256> before = FingerprintOf(encrypted);
  const bool agrees = !before || DigestsEqual(*before, *fingerprint);
  Set(encrypted, *fingerprint, agrees ? plain : nullptr);
  if (agrees) return Status::Ok();
  return {StatusCode::kUnavailable,
          "AWS KMS has opened it as two different keys, so that neither is "
          "used; if it happens again, look for a proxy between the server and "
          "KMS"};
}

void OpenedKeys::Set(const EncryptedKeyPointer& encrypted,
                     const Digest256& fingerprint, KeyPointer kept) {
  const std::lock_guard lock(mutex_);
  opened_[encrypted] = {fingerprint, keep_plaintext_ ? kept : nullptr};
}

OpenedKeys::KeyPointer OpenedKeys::Find(
    const EncryptedKeyPointer& encrypted) const {
  const std::lock_guard lock(mutex_);
  const auto found = opened_.find(encrypted);
  return found == opened_.end() ? nullptr : found->second.plain;
}

std::optional<Digest256> OpenedKeys::FingerprintOf(
    const EncryptedKeyPointer& encrypted) const {
  const std::lock_guard lock(mutex_);
  const auto found = opened_.find(encrypted);
  if (found == opened_.end()) return std::nullopt;
  return found->second.fingerprint;
}

void OpenedKeys::Forget(const EncryptedKeyPointer& encrypted) {
  const std::lock_guard lock(mutex_);
  opened_.erase(encrypted);
}

void OpenedKeys::Retain(
    const std::function<bool(const EncryptedKeyPointer&)>& is_stored) {
  const std::lock_guard lock(mutex_);
  std::erase_if(opened_,
                [&](const auto& entry) { return !is_stored(entry.first); });
}

}  // namespace openkeyring
