// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_BUILT_KEYRING_FILE_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_BUILT_KEYRING_FILE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "keyring/key.h"
#include "keyring/key_wrapper.h"
#include "os/clock.h"
#include "storage/sealed/key_slots.h"

namespace openkeyring {

struct BuiltFileOptions {
  std::string path;                      // Where it will be; for the log.
  EncryptionContext encryption_context;  // The user's pairs; of a sealed file.
  Millis key_deadline{5000};             // Of the calls for one key.
  // Called after each key with how many are done; false stops. May be null.
  std::function<bool(size_t done)> progress;
};

// The content of a keyring file with exactly these keys, built in memory by the
// code that the component writes with, and opened again and compared key by key
// before it is returned. Nothing is on a disk yet. kUnavailable with
// kBuildStopped when `progress` said so.

// In the sealed format, with a slot for each configured key that could make
// one: one at least can, else an error that names them all. A warning for each
// that could not; the server adds its slot at a later load. `slots` is called
// twice, and gives the configured keys each time.
using MakeKeySlots = std::function<std::unique_ptr<KeySlots>()>;
Result<Bytes> BuildSealedFile(const MakeKeySlots& slots,
                              const std::vector<const Key*>& keys,
                              const BuiltFileOptions& options, Log& log);
// In Percona's JSON format, which has one KMS key.
Result<Bytes> BuildJsonFile(KeyWrapper& wrapper,
                            const std::vector<const Key*>& keys,
                            const BuiltFileOptions& options, Log& log);

constexpr char kBuildStopped[] = "stopped before the file was complete";

// Ok when the keyring has exactly these keys, with their types and values.
// kCorrupt, with the name of the first that differs.
Status CheckSameKeys(const std::vector<const Key*>& keys,
                     const std::vector<const Key*>& found);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_BUILT_KEYRING_FILE_H_
