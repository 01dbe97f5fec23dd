// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/encrypted_keyring.h"

#include <utility>

#include "base/encoding.h"

namespace openkeyring {
namespace {

// AWS KMS's limits for GenerateDataKey and Encrypt.
constexpr size_t kMostGenerated = 1024, kMostStored = 4096;

Status CheckType(const std::string& type, size_t bytes, size_t most) {
  if (type == "AES") {
    if (bytes == 16 || bytes == 24 || bytes == 32) return Status::Ok();
    return {StatusCode::kInvalidArgument,
            "an AES key has 16, 24 or 32 bytes, not " + std::to_string(bytes)};
  }
  if (type != "SECRET") {
    return {StatusCode::kInvalidArgument,
            "keyring_aws keeps keys of type AES and SECRET, no others"};
  }
  if (bytes >= 1 && bytes <= most) return Status::Ok();
  return {StatusCode::kInvalidArgument, "1 to " + std::to_string(most) +
                                            " bytes are possible here, not " +
                                            std::to_string(bytes)};
}

Status Taken(const KeyName& name) {
  return {StatusCode::kAlreadyExists, ToString(name) + " exists already"};
}

}  // namespace

Result<std::unique_ptr<EncryptedKeyring>> EncryptedKeyring::Open(
    std::unique_ptr<AwsKeyringFile> file, Clock& clock,
    const Options& options) {
  Result<AwsKeyring> keyring = file->Open();
  if (!keyring) return keyring.error();
  return std::unique_ptr<EncryptedKeyring>(new EncryptedKeyring(
      std::move(file), clock, options, std::move(*keyring)));
}

EncryptedKeyring::EncryptedKeyring(std::unique_ptr<AwsKeyringFile> file,
                                   Clock& clock, const Options& options,
                                   AwsKeyring keyring)
    : clock_(clock),
      options_(options),
      file_id_(keyring.file_id),
      file_(std::move(file)),
      keyring_(std::move(keyring)) {}

StoredKeyPointer EncryptedKeyring::Find(const KeyName& name) const {
  std::shared_lock lock(keys_mutex_);
  const auto found = keyring_.keys.find(name);
  return found == keyring_.keys.end() ? nullptr : found->second;
}

std::vector<KeyName> EncryptedKeyring::List() const {
  std::shared_lock lock(keys_mutex_);
  std::vector<KeyName> names;
  names.reserve(keyring_.keys.size());
  for (const auto& [name, key] : keyring_.keys) names.push_back(name);
  return names;
}

size_t EncryptedKeyring::size() const {
  std::shared_lock lock(keys_mutex_);
  return keyring_.keys.size();
}

EncryptionContext EncryptedKeyring::BindingOf(const KeyName& name,
                                              const std::string& type) const {
  return AwsKeyBinding(file_id_, name, type);
}

Result<EncryptedKeyring::KeyPointer> EncryptedKeyring::Fetch(
    KeyWrapper& kms, const KeyName& name, const Deadline& deadline) {
  const StoredKeyPointer stored = Find(name);
  if (stored == nullptr) return KeyPointer();
  if (KeyPointer plain = Remembered(stored)) return plain;
  Result<UnwrappedKey> opened =
      kms.Unwrap(stored->wrapped, BindingOf(name, stored->type), deadline);
  if (!opened) {
    return opened.error().WithContext("can't decrypt " + ToString(name));
  }
  KeyPointer plain = std::make_shared<const Key>(
      Key{name, stored->type, std::move(opened->key)});
  Remember(stored, plain);
  return plain;
}

EncryptedKeyring::KeyPointer EncryptedKeyring::Remembered(
    const StoredKeyPointer& stored) const {
  std::shared_lock lock(keys_mutex_);
  const auto found = plain_.find(stored);
  return found == plain_.end() ? nullptr : found->second;
}

void EncryptedKeyring::Remember(const StoredKeyPointer& stored,
                                KeyPointer plain) {
  if (!options_.cache_keys) return;
  std::unique_lock lock(keys_mutex_);
  // Only what is still stored: it may have been removed meanwhile.
  const auto found = keyring_.keys.find(plain->name);
  if (found != keyring_.keys.end() && found->second == stored) {
    plain_[stored] = std::move(plain);
  }
}

Status EncryptedKeyring::CheckNew(const KeyName& name, const std::string& type,
                                  size_t bytes, size_t most) const {
  if (name.data_id.empty()) {
    return {StatusCode::kInvalidArgument, "a key needs an id"};
  }
  if (name.data_id.size() > kMaxAwsKeyName ||
      name.auth_id.size() > kMaxAwsKeyName) {
    return {StatusCode::kInvalidArgument,
            ToString(name) + ": an id or owner has at most " +
                std::to_string(kMaxAwsKeyName) + " bytes"};
  }
  if (!IsUtf8(name.data_id) || !IsUtf8(name.auth_id)) {
    return {StatusCode::kInvalidArgument,
            ToString(name) + ": an id or owner must be valid UTF-8"};
  }
  Status status = CheckType(type, bytes, most).WithContext(ToString(name));
  if (!status.ok()) return status;
  return Find(name) == nullptr ? Status::Ok() : Taken(name);
}

Status EncryptedKeyring::Store(KeyWrapper& kms, const Key& key,
                               const Deadline& deadline) {
  Status status = CheckNew(key.name, key.type, key.data.size(), kMostStored);
  if (!status.ok()) return status;
  return Add(
      kms, key.name, key.type,
      kms.Wrap(key.data, BindingOf(key.name, key.type), deadline),
      [&](const Secret& opened) { return opened.Equals(key.data); }, deadline);
}

Status EncryptedKeyring::Generate(KeyWrapper& kms, const KeyName& name,
                                  const std::string& type, size_t bytes,
                                  const Deadline& deadline) {
  Status status = CheckNew(name, type, bytes, kMostGenerated);
  if (!status.ok()) return status;
  return Add(
      kms, name, type, kms.Generate(bytes, BindingOf(name, type), deadline),
      [&](const Secret& opened) { return opened.size() == bytes; }, deadline);
}

Status EncryptedKeyring::Add(KeyWrapper& kms, const KeyName& name,
                             const std::string& type,
                             Result<WrappedKey> wrapped,
                             const std::function<bool(const Secret&)>& is_it,
                             const Deadline& deadline) {
  if (!wrapped) {
    return wrapped.error().WithContext("can't make " + ToString(name));
  }
  Result<UnwrappedKey> opened =
      kms.Unwrap(*wrapped, BindingOf(name, type), deadline);
  if (!opened) {
    return opened.error().WithContext("what was just wrapped does not open: " +
                                      ToString(name));
  }
  if (!is_it(opened->key)) {
    return {StatusCode::kCorrupt,
            "what was just wrapped opens as another key: " + ToString(name)};
  }
  const auto stored =
      std::make_shared<const StoredKey>(StoredKey{type, std::move(*wrapped)});
  const Status status = Change([&](Keys& keys) {
    return keys.emplace(name, stored).second ? Status::Ok() : Taken(name);
  });
  if (status.ok()) {
    Remember(stored, std::make_shared<const Key>(
                         Key{name, type, std::move(opened->key)}));
  }
  return status;
}

Status EncryptedKeyring::Remove(const KeyName& name) {
  return Change([&](Keys& keys) {
    if (keys.erase(name) != 0) return Status::Ok();
    return Status(StatusCode::kNotFound, "there is no " + ToString(name));
  });
}

Status EncryptedKeyring::Change(const std::function<Status(Keys&)>& change) {
  std::lock_guard turn(file_mutex_);
  AwsKeyring next;
  {
    std::shared_lock lock(keys_mutex_);
    next = keyring_;
  }
  Status status = change(next.keys);
  if (!status.ok()) return status;
  ++next.generation;
  bool in_place = false;
  status = file_->Replace(next, in_place);
  if (!in_place) return status;
  std::unique_lock lock(keys_mutex_);
  keyring_ = std::move(next);
  std::erase_if(plain_, [&](const auto& entry) {
    const auto found = keyring_.keys.find(entry.second->name);
    return found == keyring_.keys.end() || found->second != entry.first;
  });
  return status;
}

}  // namespace openkeyring
