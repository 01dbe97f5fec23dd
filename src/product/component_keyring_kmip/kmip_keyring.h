// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_KMIP_KEYRING_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_KMIP_KEYRING_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keyring/keyring.h"
#include "product/component_keyring_kmip/kmip_component_config.h"
#include "product/loaded_keyring.h"

namespace openkeyring {

// A MySQL keyring whose keys are on a KMIP server, with everything it is built
// from. Threads: all methods may be called concurrently.
class KmipKeyring : public LoadedKeyring {
 public:
  // Connects and loads all keys: `is_first`, within startup_deadline, trying
  // again what may pass; else within reload_deadline. `log` is borrowed.
  static Result<std::unique_ptr<KmipKeyring>> Open(KmipComponentConfig config,
                                                   bool is_first, Log& log);

  Keyring& keyring() override { return *keyring_; }
  std::optional<KmipGroupMarker> marker() const { return group_->marker(); }
  StatusRows Rows() const override;
  MetricValues Metrics() const override;
  const std::shared_ptr<CallStatisticsKeeper>& statistics() const {
    return service_->client().statistics();
  }

 private:
  explicit KmipKeyring(const KmipComponentConfig& config)
      : description_(DescribeKmipConfig(config)),
        configuration_warnings_(config.warnings.count()),
        version_(config.kmip.version),
        keys_(config.keys),
        group_options_(config.group),
        rules_{config.read_only, config.operation_deadline} {}
  Status LoadKeys(const Deadline& deadline, Log& log);

  const StatusRows description_;  // Of the configuration.
  const int64_t configuration_warnings_;
  const std::optional<KmipVersion> version_;  // That the user fixed.
  const KmipKeyringOptions keys_;
  const KmipGroupOptions group_options_;
  const Keyring::Options rules_;
  std::unique_ptr<KmipService> service_;
  std::unique_ptr<KmipGroup> group_;
  std::unique_ptr<Keyring> keyring_;  // Last: it stands on the others.
};

// The keyring of component_keyring_kmip.
class KmipKeyringLoader : public KeyringLoader {
 public:
  Result<std::shared_ptr<LoadedKeyring>> Load(
      const ServerDirectories& directories, LoadRetry retry, Log& log) override;
  StatusRows RowsWithoutKeyring() const override;

 private:
  std::shared_ptr<KmipKeyring> serving_;  // Of the last successful load.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_KMIP_KEYRING_H_
