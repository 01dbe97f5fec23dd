// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KMS_SERVICES_H_
#define OPENKEYRING_PRODUCT_KMS_SERVICES_H_

#include <memory>
#include <string>
#include <vector>

#include "product/key_slot_options.h"
#include "product/kms_service.h"

namespace openkeyring {

// What the clients of all keys have seen, for status rows. Times are those of
// the newest event; what goes with it is of the client that saw it.
struct KmsServicesState {
  bool reachable = false;  // Whether the last call of at least one succeeded.
  std::optional<WallTime> last_success, last_error_time;
  std::string last_error;
  std::string endpoint;  // Of the last success; of the first key before one.
  std::string credential_source;
};

// A list of KMS keys, each with a client, credentials, a region and an endpoint
// of its own. Threads: all methods may be called concurrently.
class KmsServices {
 public:
  // `options` are for all keys but their names and statistics. One key without
  // settings of its own is exactly KmsService::Make with `common`. `previous`
  // may be null; clients of keys that are in both continue its counts, and so
  // does an only key after another. `log` is borrowed. Errors: those of
  // KmsService::Make, with the key's name when there are several.
  static Result<std::unique_ptr<KmsServices>> Make(
      const std::vector<KmsKeyOptions>& keys, const AwsOptions& common,
      const KmsServiceOptions& options, const KmsServices* previous, Log& log);

  size_t size() const { return keys_.size(); }
  // In the order of the list; called KmsKeyOptions::Name.
  KeyWrapper& wrapper(size_t index) { return *keys_[index].wrapper; }
  KmsService& service(size_t index) { return *keys_[index].service; }
  KmsServicesState State() const;
  void AddMetrics(WallTime now, MetricValues& values) const;

 private:
  struct OneKey {
    std::string name;
    std::unique_ptr<KmsService> service;
    std::unique_ptr<KeyWrapper> wrapper;  // The service's, under that name.
  };

  std::vector<OneKey> keys_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KMS_SERVICES_H_
