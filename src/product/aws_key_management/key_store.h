// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_KEY_STORE_H_
#define OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_KEY_STORE_H_

#include "base/result.h"
#include "storage/key_directory.h"

// Which of its two stores aws_key_management uses: a key file for each version,
// or one sealed key set.
namespace openkeyring {

// aws_key_management_key_store, in the order of its values.
enum class KeyStore {
  kAuto,  // What is there; the key set in a new directory.
  kFiles,
  kSealed,
};

enum class StorePlan {
  kFiles,
  kKeySet,
  kImport,  // The key set, once the key files are imported into it.
};

// What to do in a directory with that content. `names` is used for messages.
// kMisconfigured where keys could be made twice: key files beside a key set,
// or either of them in place of a key set that was lost.
Result<StorePlan> ChooseStore(KeyStore wanted, bool is_server,
                              const KeyDirectory::Content& there,
                              const KeyDirectory& names);

// Whether a server whose import failed may go on with its key files: not when a
// key set is `there` all the same, which another server made, or this one
// without being sure that it survives a power cut. The next start uses it, and
// would refuse the key files that were made in between.
Status MayGoOnWithFiles(const Status& failure,
                        const Result<KeyDirectory::Content>& there,
                        const KeyDirectory& names);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_KEY_STORE_H_
