// SPDX-License-Identifier: MIT
#include "product/aws_key_management/key_store.h"

#include <string>

#include "storage/key_names.h"

namespace openkeyring {
namespace {

Status KeySetIsThere(const std::string& path) {
  return {StatusCode::kMisconfigured,
          "aws_key_management_key_store=FILES, and the keys are in key set " +
              path +
              ": key files beside it would be other keys of the same numbers. "
              "Set it to AUTO or SEALED, or bring the keys back to files with "
              "keyringctl convert"};
}

Status KeySetIsLost(const std::string& path, const std::string& mark) {
  return {StatusCode::kMisconfigured,
          "key set " + path + " was made and is missing, as " + mark +
              " says: restore it from a backup; data may be encrypted with its "
              "keys"};
}

}  // namespace

Result<StorePlan> ChooseStore(KeyStore wanted, bool is_server,
                              const KeyDirectory::Content& there,
                              const KeyDirectory& names) {
  const std::string set = names.PathOf(std::string(kKeySetFileName));
  if (there.has_key_set) {
    if (wanted == KeyStore::kFiles) return KeySetIsThere(set);
    return StorePlan::kKeySet;
  }
  if (there.has_key_set_mark) {
    return KeySetIsLost(set, names.PathOf(std::string(kKeySetMarkName)));
  }
  const bool has_files = !there.files.empty() || !there.marked.empty();
  if (wanted == KeyStore::kFiles) return StorePlan::kFiles;
  if (!has_files) return StorePlan::kKeySet;
  // A program that is not the server writes nothing.
  const bool imports = wanted == KeyStore::kSealed && is_server;
  return imports ? StorePlan::kImport : StorePlan::kFiles;
}

Status MayGoOnWithFiles(const Status& failure,
                        const Result<KeyDirectory::Content>& there,
                        const KeyDirectory& names) {
  if (!there) return there.error();
  if (!there->has_key_set) return Status::Ok();
  return failure.WithContext(
      "key set " + names.PathOf(std::string(kKeySetFileName)) +
      " appeared while the key files were imported, so that neither can be "
      "used now; start again");
}

}  // namespace openkeyring
