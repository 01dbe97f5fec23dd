// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KEYRING_AWS_KEYRING_AWS_H_
#define OPENKEYRING_PRODUCT_KEYRING_AWS_KEYRING_AWS_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "os/cancellation.h"
#include "product/keyring_aws/tried_kms_keys.h"
#include "product/kms_service.h"
#include "storage/keyring_aws/encrypted_keyring.h"

namespace openkeyring {

// What the system variables keyring_aws_* say.
struct KeyringAwsOptions {
  std::string cmk_id;
  std::string region;
  std::string conf_file;   // Two lines; see ReadAccessKeyFile.
  bool use_chain = false;  // Credentials as the AWS tools find them instead.
  std::string data_file;
  std::string endpoint_url;  // "" for AWS's own.
  bool allow_unencrypted_endpoint = false;
  bool cache_keys = false;
  // Create a keyring although the data directory has encrypted files.
  bool allow_new_keyring = false;
  std::string data_directory;  // Of the server; "" is the current directory.
  Millis connect_timeout{2000};
  Millis request_timeout{3000};
  Millis operation_deadline{10000};  // A fetch, a store, a check, with retries.
  Millis rotate_deadline{600000};    // keyring_aws_rotate_keys().
  size_t parallelism = 16;
};

// The product keyring_aws without its server: the encrypted keyring and the KMS
// that opens its keys.
//
// Threads: all methods may be called concurrently; no lock is held during I/O.
class KeyringAws {
 public:
  // Reads the conf file and the data file and tries the KMS key. kMisconfigured
  // for what must be fixed first, and where a new keyring would be made beside
  // encrypted data. A KMS that is away is a warning only: keys
  // are fetched when it is back. `log` is borrowed; `owner` is for files made.
  static Result<std::unique_ptr<KeyringAws>> Open(
      KeyringAwsOptions options, std::optional<FileOwner> owner, Log& log);

  Result<EncryptedKeyring::KeyPointer> Fetch(const KeyName& name);
  Status Store(const Key& key);
  Status Generate(const KeyName& name, const std::string& type, size_t bytes);
  Status Remove(const KeyName& name) { return keyring_->Remove(name); }
  EncryptedKeyring& keyring() { return *keyring_; }

  // Whether KMS makes and opens keys with this id in that region, and still
  // opens every stored key that it opens now. Changes nothing.
  Status Try(const std::string& cmk_id, const std::string& region);
  // Uses these from now on; asks nobody. kMisconfigured, and nothing changes,
  // unless that is the KMS key in use, or Try found it good a short time ago
  // and nothing was stored since by a KMS key that it did not try.
  Status Use(const std::string& cmk_id, const std::string& region);
  std::string cmk_id() const;
  std::string region() const;

  // Has KMS rotate the key behind the id: now, or, where it has no rotation on
  // demand, once a year from now on. The string says which.
  Result<std::string> RotateCmk();
  // Re-encrypts every stored key under the current KMS key; all or none.
  Status RotateKeys(const Cancellation& cancellation);
  MetricValues Metrics() const;
  // What ends every RotateKeys when it is given to it.
  Cancellation& stopping() { return stopping_; }

 private:
  struct Kms {
    std::string cmk_id, region;  // As the variables say.
    std::unique_ptr<KmsService> service;
  };
  KeyringAws(KeyringAwsOptions options, Log& log);
  // `statistics` as in KmsServiceOptions.
  Result<std::shared_ptr<Kms>> MakeKms(
      const std::string& cmk_id, const std::string& region,
      std::shared_ptr<CallStatisticsKeeper> statistics = nullptr) const;
  void WarnOfRegion(const std::string& cmk_id, const std::string& region) const;
  Status TryKms(Kms& kms) const;
  Status CheckTried(const std::string& cmk_id, const std::string& region) const;
  std::shared_ptr<Kms> CurrentKms() const;
  Deadline OperationDeadline() const;

  const KeyringAwsOptions options_;
  Log& log_;
  Cancellation stopping_;
  std::unique_ptr<EncryptedKeyring> keyring_;
  TriedKmsKeys tried_{SystemClock()};
  mutable std::mutex mutex_;
  std::shared_ptr<Kms> kms_;
};

// The region in which `cmk_id` is used: its own when it is an ARN, else the
// one of keyring_aws_region. So each of the two variables can be changed while
// the other still has its old value.
std::string RegionToAsk(const std::string& cmk_id, const std::string& region);

// A region that this program knows; others work too, when AWS has them.
bool IsKnownRegion(std::string_view region);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KEYRING_AWS_KEYRING_AWS_H_
