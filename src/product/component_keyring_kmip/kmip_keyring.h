// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_KMIP_KEYRING_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_KMIP_KEYRING_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "product/component_keyring_kmip/kmip_component_config.h"
#include "keyring/keyring.h"

namespace openkeyring {

// A MySQL keyring whose keys are on a KMIP server, with all that it stands on.
// Threads: as of Keyring, all methods may be called at once.
class KmipKeyring {
 public:
  // Connects and loads all keys: `is_first`, within startup_deadline, trying
  // again what may pass; else within operation_deadline. `log` is borrowed.
  static Result<std::unique_ptr<KmipKeyring>> Open(KmipComponentConfig config,
                                                   bool is_first, Log& log);

  Keyring& keyring() { return *keyring_; }
  KmipClientStatus status() { return stack_->client().status(); }
  // What is configured: DescribeKmipConfig.
  const std::vector<std::pair<std::string, std::string>>& description() const {
    return description_;
  }

 private:
  explicit KmipKeyring(const KmipComponentConfig& config)
      : description_(DescribeKmipConfig(config)),
        version_(config.kmip.version),
        keys_(config.keys),
        rules_{config.read_only, config.operation_deadline} {}
  Status LoadKeys(const Deadline& deadline, Log& log);

  const std::vector<std::pair<std::string, std::string>> description_;
  const std::optional<KmipVersion> version_;  // That the user fixed.
  const KmipBackendOptions keys_;
  const Keyring::Options rules_;
  std::unique_ptr<KmipStack> stack_;
  std::unique_ptr<Keyring> keyring_;  // Last: it stands on the others.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMIP_KMIP_KEYRING_H_
