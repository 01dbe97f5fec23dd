// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KMIP_KEY_MANAGEMENT_KMIP_KEY_MANAGEMENT_H_
#define OPENKEYRING_PRODUCT_KMIP_KEY_MANAGEMENT_KMIP_KEY_MANAGEMENT_H_

#include <atomic>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "product/dynamic_key_options.h"
#include "product/key_access.h"
#include "product/kmip_service.h"
#include "storage/kmip/kmip_versioned_backend.h"

namespace openkeyring {

// The note of the object group, in the data directory.
constexpr char kKmipVersionsGroupNote[] = "kmip_key_management.group";

// Options that are fixed at start.
struct KmipStartupOptions {
  KmipServiceOptions kmip;
  KmipGroupOptions group;
  size_t max_objects = 65535;
  size_t load_parallelism = 4;
  Millis startup_deadline{60000};
  KeyAccess access;
};

// MariaDB's keys on KMIP servers, from options on. Threads: all methods may be
// called concurrently.
class KmipKeyManagement {
 public:
  // Loads the keys. An error means that the options cannot work; a key server
  // that does not answer is not an error. `dynamic` and `log` are borrowed.
  static Result<std::unique_ptr<KmipKeyManagement>> Open(
      KmipStartupOptions startup, const DynamicKeyOptions& dynamic, Log& log);

  VersionedKeys& keys() { return keys_; }
  std::string group_marker() const { return group_.marker_id(); }
  // All but what the server knows (EncryptionPlugin).
  MetricValues Metrics();
  KmipClientStatus status() { return service_->client().status(); }

 private:
  KmipKeyManagement(const KmipStartupOptions& startup,
                    const DynamicKeyOptions& dynamic,
                    std::unique_ptr<KmipService> service, Log& log);
  Status Load(Millis startup_deadline, Log& log);

  std::atomic<int64_t> list_deadline_ms_{0};
  const std::unique_ptr<KmipService> service_;
  const CreationRule may_create_;
  KmipGroup group_;
  KmipVersionedBackend backend_;
  VersionedKeys keys_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KMIP_KEY_MANAGEMENT_KMIP_KEY_MANAGEMENT_H_
