// SPDX-License-Identifier: MIT
#include "testing/fake_key_wrapper.h"

#include <utility>

namespace openkeyring {
namespace {

// The ARN of a key that a test calls `name`.
std::string ArnOf(const std::string& name) {
  return "arn:aws:kms:us-east-1:111122223333:key/fake-" + name;
}

}  // namespace

Status FakeKeyWrapper::Enter(const std::string& operation) {
  std::function<Status(const std::string&)> hook;
  {
    std::lock_guard lock(mutex_);
    ++calls_[operation];
    hook = hook_;
  }
  return hook ? hook(operation) : Status::Ok();
}

// Blobs look like KMS's: a first byte of 1, opaque, none like another.
WrappedKey FakeKeyWrapper::Seal(Bytes key, const EncryptionContext& binding) {
  std::lock_guard lock(mutex_);
  Bytes blob(100, 0x5a);
  blob[0] = 1;
  ++serial_;
  for (int i = 0; i < 4; ++i)
    blob[1 + i] = static_cast<uint8_t>(serial_ >> 8 * i);
  const std::string arn = ArnOf(current_key_);
  sealed_[blob] = {std::move(key), binding, arn};
  return {blob, arn};
}

Result<WrappedKey> FakeKeyWrapper::Generate(size_t bytes,
                                            const EncryptionContext& binding,
                                            const Deadline& deadline) {
  reporting_generates += deadline.reports_throttling() ? 1 : 0;
  Status status = Enter("Generate");
  if (!status.ok()) return status;
  Bytes key(bytes, 0x77);
  {
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < 4; ++i) {
      key[i] = static_cast<uint8_t>((serial_ + 1) >> 8 * i);
    }
  }
  return Seal(std::move(key), binding);
}

Result<WrappedKey> FakeKeyWrapper::Wrap(const Secret& key,
                                        const EncryptionContext& binding,
                                        const Deadline&) {
  Status status = Enter("Wrap");
  if (!status.ok()) return status;
  const ByteView bytes = key.RevealBytes();
  return Seal(Bytes(bytes.begin(), bytes.end()), binding);
}

Result<UnwrappedKey> FakeKeyWrapper::Unwrap(const WrappedKey& wrapped,
                                            const EncryptionContext& binding,
                                            const Deadline&) {
  Status status = Enter("Unwrap");
  if (!status.ok()) return status;
  UnwrappedKey opened;
  std::function<void(Secret&)> falsify;
  {
    std::lock_guard lock(mutex_);
    const auto found = sealed_.find(wrapped.blob);
    const bool right = found != sealed_.end() &&
                       found->second.binding == binding &&
                       (wrapped.wrapping_key.empty() ||
                        wrapped.wrapping_key == found->second.wrapping_key);
    if (!right) {
      return Status(StatusCode::kCorrupt, "the fake KMS refuses this blob");
    }
    opened = {Secret::CopyOf(ByteView(found->second.key)),
              found->second.wrapping_key};
    falsify = plaintext_hook_;
  }
  if (falsify) falsify(opened.key);
  return opened;
}

Result<WrappedKey> FakeKeyWrapper::Rewrap(const WrappedKey& wrapped,
                                          const EncryptionContext& binding,
                                          const Deadline& deadline) {
  Result<UnwrappedKey> key = Unwrap(wrapped, binding, deadline);
  if (!key) return key.error();
  return Wrap(key->key, binding, deadline);
}

std::string FakeKeyWrapper::CurrentKeyName() const {
  std::lock_guard lock(mutex_);
  return current_key_;
}

Result<bool> FakeKeyWrapper::IsCurrent(const std::string& wrapping_key,
                                       const Deadline&) {
  Status status = Enter("IsCurrent");
  if (!status.ok()) return status;
  return wrapping_key == ArnOf(CurrentKeyName());
}

void FakeKeyWrapper::SetCurrentKey(std::string name) {
  std::lock_guard lock(mutex_);
  current_key_ = std::move(name);
}

void FakeKeyWrapper::SetHook(
    std::function<Status(const std::string& operation)> hook) {
  std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void FakeKeyWrapper::SetPlaintextHook(
    std::function<void(Secret& plaintext)> hook) {
  std::lock_guard lock(mutex_);
  plaintext_hook_ = std::move(hook);
}

int FakeKeyWrapper::calls(const std::string& operation) const {
  std::lock_guard lock(mutex_);
  const auto found = calls_.find(operation);
  return found == calls_.end() ? 0 : found->second;
}

}  // namespace openkeyring
