// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/encrypted_key_store.h"

#include <utility>

namespace openkeyring {

Result<std::unique_ptr<EncryptedKeyStore>> EncryptedKeyStore::Open(
    std::unique_ptr<AwsDataFile> file) {
  Result<AwsKeyringContent> content = file->Open();
  if (!content) return content.error();
  return std::unique_ptr<EncryptedKeyStore>(
      new EncryptedKeyStore(std::move(file), std::move(*content)));
}

EncryptedKeyStore::EncryptedKeyStore(std::unique_ptr<AwsDataFile> file,
                                     AwsKeyringContent content)
    : file_id_(content.file_id),
      file_(std::move(file)),
      content_(std::move(content)) {}

EncryptedKeyPointer EncryptedKeyStore::Find(const KeyName& name) const {
  const std::shared_lock lock(content_mutex_);
  const auto found = content_.keys.find(name);
  return found == content_.keys.end() ? nullptr : found->second;
}

EncryptedKeyStore::Keys EncryptedKeyStore::Snapshot() const {
  const std::shared_lock lock(content_mutex_);
  return content_.keys;
}

size_t EncryptedKeyStore::size() const {
  const std::shared_lock lock(content_mutex_);
  return content_.keys.size();
}

Status EncryptedKeyStore::Change(const std::function<Status(Keys&)>& change) {
  return ChangeBy(&AwsDataFile::Replace, change);
}

Status EncryptedKeyStore::ChangeAll(
    const std::function<Status(Keys&)>& change) {
  return ChangeBy(&AwsDataFile::ReplaceAll, change);
}

Status EncryptedKeyStore::ChangeBy(Replace replace,
                                   const std::function<Status(Keys&)>& change) {
  const std::lock_guard turn(file_mutex_);
  AwsKeyringContent next;
  {
    const std::shared_lock lock(content_mutex_);
    next = content_;
  }
  Status status = change(next.keys);
  if (!status.ok()) return status;
  ++next.generation;
  bool in_place = false;
  status = ((*file_).*replace)(next, in_place);
  if (!in_place) return status;
  const std::unique_lock lock(content_mutex_);
  content_ = std::move(next);
  return status;
}

}  // namespace openkeyring
