// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/encrypted_keyring.h"

#include <set>
#include <utility>

#include "base/encoding.h"
#include "keyring/checked_wrap.h"
#include "keyring/refusal.h"
#include "storage/keyring_aws/key_rewrap.h"

namespace openkeyring {
namespace {

// AWS KMS's limits for GenerateDataKey and Encrypt.
constexpr size_t kMaxGenerated = 1024, kMaxStored = 4096;

Status CheckType(const std::string& type, size_t bytes, size_t max_bytes) {
  if (type == "AES") {
    if (bytes == 16 || bytes == 24 || bytes == 32) return Status::Ok();
    return {StatusCode::kInvalidArgument,
            "an AES key has 16, 24 or 32 bytes, not " + std::to_string(bytes)};
  }
  if (type != "SECRET") {
    return {StatusCode::kInvalidArgument,
            "keyring_aws keeps keys of type AES and SECRET, no others"};
  }
  if (bytes >= 1 && bytes <= max_bytes) return Status::Ok();
  return {StatusCode::kInvalidArgument, "1 to " + std::to_string(max_bytes) +
                                            " bytes are possible here, not " +
                                            std::to_string(bytes)};
}

Status CannotEncrypt(const KeyName& name, const Status& error) {
  return Refusal(error).WithContext("cannot encrypt " + ToString(name));
}

Status Taken(const KeyName& name) {
  return {StatusCode::kAlreadyExists, ToString(name) + " exists already"};
}

}  // namespace

Result<std::unique_ptr<EncryptedKeyring>> EncryptedKeyring::Open(
    std::unique_ptr<AwsDataFile> file, Clock& clock, Random& random,
    const Options& options) {
  Result<std::unique_ptr<EncryptedKeyStore>> store =
      EncryptedKeyStore::Open(std::move(file));
  if (!store) return store.error();
  Result<std::unique_ptr<OpenedKeys>> opened =
      OpenedKeys::Make(random, options.cache_keys);
  if (!opened) return opened.error();
  return std::unique_ptr<EncryptedKeyring>(new EncryptedKeyring(
      std::move(*store), std::move(*opened), clock, random, options));
}

EncryptedKeyring::EncryptedKeyring(std::unique_ptr<EncryptedKeyStore> store,
                                   std::unique_ptr<OpenedKeys> opened,
                                   Clock& clock, Random& random,
                                   const Options& options)
    : store_(std::move(store)),
      opened_(std::move(opened)),
      clock_(clock),
      random_(random),
      options_(options) {}

std::vector<KeyName> EncryptedKeyring::List() const {
  std::vector<KeyName> names;
  for (const auto& [name, key] : store_->Snapshot()) names.push_back(name);
  return names;
}

EncryptionContext EncryptedKeyring::ContextOf(const KeyName& name,
                                              const std::string& type) const {
  return AwsKeyContext(store_->file_id(), name, type);
}

Result<EncryptedKeyring::KeyPointer> EncryptedKeyring::Fetch(
    KeyWrapper& kms, const KeyName& name, const Deadline& deadline) {
  const EncryptedKeyPointer encrypted = store_->Find(name);
  if (encrypted == nullptr) return KeyPointer();
  if (KeyPointer plain = opened_->Find(encrypted)) return plain;
  Result<UnwrappedKey> key = kms.Unwrap(
      encrypted->wrapped, ContextOf(name, encrypted->type), deadline);
  if (!key) {
    return Refusal(key.error()).WithContext("cannot decrypt " + ToString(name));
  }
  KeyPointer plain = std::make_shared<const Key>(
      Key{name, encrypted->type, std::move(key->key)});
  const Status same = opened_->Confirm(encrypted, plain);
  ForgetUnlessStored(encrypted, name);
  if (!same.ok()) return same.WithContext("cannot decrypt " + ToString(name));
  return plain;
}

// It may have been removed meanwhile.
void EncryptedKeyring::ForgetUnlessStored(const EncryptedKeyPointer& encrypted,
                                          const KeyName& name) {
  if (store_->Find(name) != encrypted) opened_->Forget(encrypted);
}

Status EncryptedKeyring::TryToOpen(KeyWrapper& kms, const KeyName& name,
                                   const EncryptedKeyPointer& encrypted,
                                   const Deadline& deadline) const {
  return kms
      .Unwrap(encrypted->wrapped, ContextOf(name, encrypted->type), deadline)
      .status()
      .WithContext("cannot decrypt the stored " + ToString(name));
}

Status EncryptedKeyring::CheckOpens(KeyWrapper& kms, const Deadline& deadline) {
  const EncryptedKeyStore::Keys keys = store_->Snapshot();
  if (keys.empty()) return Status::Ok();
  return TryToOpen(kms, keys.begin()->first, keys.begin()->second, deadline);
}

std::set<std::string> EncryptedKeyring::WrappingKeys() const {
  std::set<std::string> names;
  for (const auto& [name, encrypted] : store_->Snapshot()) {
    names.insert(encrypted->wrapped.wrapping_key);
  }
  return names;
}

Status EncryptedKeyring::CheckStillOpens(KeyWrapper& now, KeyWrapper& next,
                                         const Deadline& deadline) {
  std::set<std::string> wrapping_keys;
  for (const auto& [name, encrypted] : store_->Snapshot()) {
    if (!wrapping_keys.insert(encrypted->wrapped.wrapping_key).second) continue;
    Status status = TryToOpen(next, name, encrypted, deadline);
    if (status.ok()) continue;
    if (status.IsTransient()) return status;
    // Not a reason to refuse when it is lost already.
    const Status of_now = TryToOpen(now, name, encrypted, deadline);
    if (of_now.ok() || of_now.IsTransient()) return status;
  }
  return Status::Ok();
}

Status EncryptedKeyring::CheckNew(const KeyName& name, const std::string& type,
                                  size_t bytes, size_t max_bytes) const {
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
  Status status = CheckType(type, bytes, max_bytes).WithContext(ToString(name));
  if (!status.ok()) return status;
  return store_->Find(name) == nullptr ? Status::Ok() : Taken(name);
}

Status EncryptedKeyring::Store(KeyWrapper& kms, const Key& key,
                               const Deadline& deadline) {
  Status status = CheckNew(key.name, key.type, key.data.size(), kMaxStored);
  if (!status.ok()) return status;
  Result<WrappedKey> wrapped =
      WrapChecked(kms, key.data, ContextOf(key.name, key.type),
                  StoredWith::kWrappingKey, deadline);
  if (!wrapped) return CannotEncrypt(key.name, wrapped.error());
  return Add({key.name, key.type, key.data.Clone()}, std::move(*wrapped),
             &OpenedKeys::Add);
}

Status EncryptedKeyring::Generate(KeyWrapper& kms, const KeyName& name,
                                  const std::string& type, size_t bytes,
                                  const Deadline& deadline) {
  Status status = CheckNew(name, type, bytes, kMaxGenerated);
  if (!status.ok()) return status;
  Result<GeneratedKey> made =
      GenerateChecked(kms, bytes, ContextOf(name, type), deadline);
  if (!made) return CannotEncrypt(name, made.error());
  return Add({name, type, std::move(made->key)}, std::move(made->wrapped),
             &OpenedKeys::AddUnconfirmed);
}

Status EncryptedKeyring::Add(Key key, WrappedKey wrapped, Remember remember) {
  const KeyName name = key.name;
  const auto encrypted = std::make_shared<const EncryptedKey>(
      EncryptedKey{key.type, std::move(wrapped)});
  const Status status = store_->Change([&](EncryptedKeyStore::Keys& keys) {
    return keys.emplace(name, encrypted).second ? Status::Ok() : Taken(name);
  });
  if (status.ok()) {
    ((*opened_).*remember)(encrypted,
                           std::make_shared<const Key>(std::move(key)));
    ForgetUnlessStored(encrypted, name);
  }
  return status;
}

Status EncryptedKeyring::Remove(const KeyName& name) {
  EncryptedKeyPointer removed;
  const Status status = store_->Change([&](EncryptedKeyStore::Keys& keys) {
    const auto found = keys.find(name);
    if (found == keys.end()) {
      return Status(StatusCode::kNotFound, "there is no " + ToString(name));
    }
    removed = found->second;
    keys.erase(found);
    return Status::Ok();
  });
  if (store_->Find(name) != removed) opened_->Forget(removed);
  return status;
}

Status EncryptedKeyring::RotateKeys(KeyWrapper& kms, const Deadline& deadline) {
  Status status =
      KeyRewrap(*store_, *opened_, kms, clock_, random_, options_.parallelism)
          .Run(deadline);
  std::set<EncryptedKeyPointer> stored;
  for (const auto& [name, key] : store_->Snapshot()) stored.insert(key);
  opened_->Retain(
      [&](const EncryptedKeyPointer& key) { return stored.contains(key); });
  return status;
}

}  // namespace openkeyring
