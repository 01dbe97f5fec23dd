// SPDX-License-Identifier: MIT
#include "product/key_access.h"

#include <set>

#include "product/innodb_files.h"

namespace openkeyring {
namespace {

constexpr char kWhatToDo[] =
    "correct the configuration, or restore the keys from a backup";

}  // namespace

Status CheckBackup(const KeyAccess& access, const VersionedKeys& keys,
                   FileSystem& files) {
  if (access.is_server) return Status::Ok();
  Status status = keys.CheckAllLoaded();
  if (!status.ok() || !access.prepares) return status;
  std::set<uint32_t> ids = FindKeyIds(files, access.data_directory);
  if (!access.increment.empty()) ids.merge(FindKeyIds(files, access.increment));
  for (const uint32_t id : ids) {
    if (keys.Knows(id)) continue;
    return {StatusCode::kMisconfigured,
            "a table of this backup is encrypted with key " +
                std::to_string(id) +
                ", and nothing of that key is stored where this configuration "
                "looks: " +
                kWhatToDo};
  }
  return status;
}

std::function<Status(bool)> CreationRule(const KeyAccess& access,
                                         FileSystem& files) {
  return [is_server = access.is_server,
          encrypted = FindEncryptedData(files, access.data_directory)](
             bool is_empty) -> Status {
    if (!is_server) {
      return {
          StatusCode::kMisconfigured,
          "only the database server makes keys, and this program is another "
          "one: the key that it asks for has to come from the server that "
          "made it"};
    }
    if (!is_empty || encrypted.empty()) return Status::Ok();
    return {StatusCode::kMisconfigured,
            encrypted +
                " is encrypted, and no key at all is stored where this "
                "configuration looks: " +
                kWhatToDo};
  };
}

}  // namespace openkeyring
