// SPDX-License-Identifier: MIT
#include "product/key_access.h"

#include <mutex>
#include <set>

#include "product/innodb_files.h"

namespace openkeyring {
namespace {

constexpr char kWhatToDo[] =
    "correct the configuration, or restore the keys from a backup";

Status NoFirstKey(const std::string& encrypted) {
  if (encrypted.empty()) return Status::Ok();
  return {StatusCode::kMisconfigured,
          encrypted +
              " is encrypted, and no key at all is stored where this "
              "configuration looks: " +
              kWhatToDo};
}

}  // namespace

// A file that needs a key, "" for none. Tables are looked at once, when a first
// key is to be made: as long as there is none, nothing gets encrypted.
class EncryptedFile {
 public:
  EncryptedFile(FileSystem& files, const KeyAccess& access)
      : files_(files),
        directory_(access.data_directory),
        system_(FindEncryptedData(files, directory_)) {}

  const std::string& FindWithoutTables() const { return system_; }
  const std::string& Find() {
    if (!system_.empty()) return system_;
    std::call_once(once_,
                   [&] { table_ = FindEncryptedTable(files_, directory_); });
    return table_;
  }

 private:
  FileSystem& files_;
  const std::string directory_;
  const std::string system_;  // Looked for at the start.
  std::once_flag once_;
  std::string table_;
};

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

CreationRule::CreationRule(const KeyAccess& access, FileSystem& files)
    : is_server_(access.is_server),
      data_(std::make_shared<EncryptedFile>(files, access)) {}

Status CreationRule::operator()(bool is_empty) const {
  if (!is_server_) {
    return {StatusCode::kMisconfigured,
            "only the database server makes keys, and this program is another "
            "one: the key that it asks for has to come from the server that "
            "made it"};
  }
  return is_empty ? NoFirstKey(data_->Find()) : Status::Ok();
}

Status CreationRule::CheckStart() const {
  return NoFirstKey(data_->FindWithoutTables());
}

Status CreationRule::CheckNewPlace(const std::string& place) const {
  return NoFirstKey(data_->Find()).WithContext(place);
}

}  // namespace openkeyring
