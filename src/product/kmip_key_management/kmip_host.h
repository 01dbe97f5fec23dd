// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KMIP_KEY_MANAGEMENT_KMIP_HOST_H_
#define OPENKEYRING_PRODUCT_KMIP_KEY_MANAGEMENT_KMIP_HOST_H_

#include <memory>
#include <string>

#include "product/kmip_stack.h"
#include "server/mariadb/shared/encryption_plugin.h"

namespace openkeyring {

// What is fixed at start.
struct KmipFixedOptions {
  KmipStackOptions kmip;
  std::string object_group;
  size_t max_objects = 65535;
  size_t load_parallelism = 4;
  Millis startup_deadline{60000};
};

// The one object behind kmip_key_management.so. Threads: all methods may be
// called at once.
class KmipHost : public EncryptionHost {
 public:
  // Loads the keys, see StartHost. `plugin` is borrowed.
  static Result<std::unique_ptr<KmipHost>> Start(KmipFixedOptions fixed,
                                                 EncryptionPlugin& plugin);

  virtual KmipClientStatus status() = 0;  // For status variables.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KMIP_KEY_MANAGEMENT_KMIP_HOST_H_
