// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_AWS_KEY_MANAGEMENT_H_
#define OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_AWS_KEY_MANAGEMENT_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "product/dynamic_key_options.h"
#include "product/key_access.h"
#include "product/kms_service.h"
#include "storage/mariadb_files/key_file_backend.h"

namespace openkeyring {

// Options that SET GLOBAL may change. Threads: all members concurrently.
struct AwsDynamicOptions : DynamicKeyOptions {
  std::atomic<BindPolicy> bind_policy{BindPolicy::kOn};

  std::string master_key_id() const;
  void SetMasterKeyId(std::string id);

 private:
  mutable std::mutex mutex_;
  std::string master_key_id_;
};

// Options that are fixed at start.
struct AwsStartupOptions {
  std::string region;
  std::string endpoint_url;
  bool allow_unencrypted_endpoint = false;
  std::string keyfile_dir;
  Millis request_timeout{0};  // 0: the defaults, 2 s to connect, 3 s in all.
  size_t load_parallelism = 16;
  Millis startup_deadline{60000};
  KeyAccess access;
  bool mock = false;  // Needs OPENKEYRING_MOCK_KMS.
};

// MariaDB's keys in files that AWS KMS encrypts: from options to loaded keys.
// Threads: all methods may be called concurrently.
class AwsKeyManagement {
 public:
  // Loads the keys. An error means that the options cannot work; a KMS that
  // does not answer is not an error, except to a program that is not the
  // database server, which must not work on with a part of the keys. `dynamic`
  // and `log` are borrowed.
  static Result<std::unique_ptr<AwsKeyManagement>> Open(
      const AwsStartupOptions& startup, const AwsDynamicOptions& dynamic,
      Log& log);

  VersionedKeys& keys() { return keys_; }
  // For status variables; zeros and "mock" with the mock.
  KmsStatistics statistics() const;
  std::string credential_source() const;

 private:
  AwsKeyManagement(const AwsStartupOptions& startup,
                   const AwsDynamicOptions& dynamic,
                   std::unique_ptr<KmsService> kms,
                   std::unique_ptr<KeyWrapper> mock_wrapper, Log& log);

  const std::unique_ptr<KmsService> kms_;  // Null with the mock.
  const std::unique_ptr<KeyWrapper> mock_wrapper_;
  KeyFileBackend backend_;
  VersionedKeys keys_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_AWS_KEY_MANAGEMENT_H_
