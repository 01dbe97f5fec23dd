// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_AWS_HOST_H_
#define OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_AWS_HOST_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "aws/kms_client.h"
#include "storage/mariadb_files/key_file_backend.h"
#include "base/result.h"
#include "server/mariadb/shared/encryption_plugin.h"

namespace openkeyring {

// What may change while the plugin runs. Threads: all members at once.
struct AwsLiveOptions {
  std::atomic<BindPolicy> bind_policy{BindPolicy::kOn};

  std::string master_key_id() const;
  void SetMasterKeyId(std::string id);

 private:
  mutable std::mutex mutex_;
  std::string master_key_id_;
};

// What is fixed at start.
struct AwsFixedOptions {
  std::string region;
  std::string endpoint_url;
  std::string keyfile_dir;
  Millis request_timeout{0};  // 0: the defaults, 2 s to connect, 3 s in all.
  size_t load_parallelism = 16;
  Millis startup_deadline{60000};
  bool mock = false;  // Needs OPENKEYRING_MOCK_KMS.
};

// The one object behind aws_key_management.so: from variables to keys.
// Threads: all methods may be called at once.
class AwsHost : public EncryptionHost {
 public:
  // Loads the keys, see StartHost. All borrowed.
  static Result<std::unique_ptr<AwsHost>> Start(const AwsFixedOptions& fixed,
                                                const AwsLiveOptions& live,
                                                EncryptionPlugin& plugin);

  // For status variables; zeros and "mock" with the mock.
  virtual KmsStatistics statistics() const = 0;
  virtual std::string credential_source() const = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_AWS_HOST_H_
