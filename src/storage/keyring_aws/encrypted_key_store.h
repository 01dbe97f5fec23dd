// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEYRING_AWS_ENCRYPTED_KEY_STORE_H_
#define OPENKEYRING_STORAGE_KEYRING_AWS_ENCRYPTED_KEY_STORE_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "keyring/key.h"
#include "storage/keyring_aws/aws_data_file.h"

namespace openkeyring {

// The encrypted keys of keyring_aws: in memory, equal to those in the data
// file. A change is durable in the file and visible in memory, or neither.
// Knows nothing of KMS.
//
// Threads: all methods may be called concurrently. Readers never wait for I/O;
// changes take turns.
class EncryptedKeyStore {
 public:
  using Keys = std::map<KeyName, EncryptedKeyPointer>;

  // `file` was not opened yet. Errors: those of AwsDataFile::Open.
  static Result<std::unique_ptr<EncryptedKeyStore>> Open(
      std::unique_ptr<AwsDataFile> file);

  // Part of what every key of this file is bound to.
  const FileId& file_id() const { return file_id_; }

  // Null when there is no such key, and only then.
  EncryptedKeyPointer Find(const KeyName& name) const;
  // All keys as of now.
  Keys Snapshot() const;
  size_t size() const;

  // Has `change` edit a copy of the keys, writes the copy and shows it. An
  // error of `change` is returned, and nothing is written; other errors are
  // those of AwsDataFile::Replace.
  Status Change(const std::function<Status(Keys&)>& change);
  // The same for a change of every ciphertext; see AwsDataFile::ReplaceAll.
  Status ChangeAll(const std::function<Status(Keys&)>& change);

 private:
  using Replace = Status (AwsDataFile::*)(const AwsKeyringContent&, bool&);

  EncryptedKeyStore(std::unique_ptr<AwsDataFile> file,
                    AwsKeyringContent content);
  Status ChangeBy(Replace replace, const std::function<Status(Keys&)>& change);

  const FileId file_id_;
  std::mutex file_mutex_;  // The turn to change; taken before content_mutex_.
  const std::unique_ptr<AwsDataFile> file_;
  mutable std::shared_mutex content_mutex_;  // Never held for I/O.
  AwsKeyringContent content_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEYRING_AWS_ENCRYPTED_KEY_STORE_H_
