// SPDX-License-Identifier: MIT
#include "storage/sealed/key_set_location.h"

#include <utility>

#include "storage/key_names.h"

namespace openkeyring {
namespace {

std::string FileName() { return std::string(kKeySetFileName); }

std::unique_ptr<KeyDirectory> DataDirectory(FileSystem& files, Random& random,
                                            Log& log,
                                            const KeyDirectory::Options& keys,
                                            const std::string& directory) {
  if (directory == keys.directory) return nullptr;
  KeyDirectory::Options data;
  data.directory = directory;
  data.read_only = keys.read_only;
  return std::make_unique<KeyDirectory>(files, random, log, std::move(data));
}

bool Continues(const KeySetNames& newer, const KeySetNames& older) {
  for (const auto& [key, origin] : older) {
    if (!newer.contains(key)) return false;
  }
  return true;
}

}  // namespace

KeySetLocation::KeySetLocation(FileSystem& files, Random& random, Log& log,
                               KeyDirectory::Options keys,
                               std::string data_directory)
    : files_(files),
      options_(std::move(keys)),
      directory_(files, random, log, options_),
      data_(DataDirectory(files, random, log, options_, data_directory)),
      installation_(directory_, data_.get(),
                    {[this]() -> Result<bool> {
                       const Result<KeyDirectory::Content> there =
                           directory_.Look();
                       if (!there) return there.error();
                       return there->has_key_set;
                     },
                     [this] { return InstallationOfSet(); }},
                    random, log),
      path_(directory_.PathOf(FileName())) {}

Status KeySetLocation::Prepare() {
  Status status = directory_.Prepare();
  if (status.ok()) status = ChooseCopy();
  if (status.ok()) status = installation_.Load();
  return status.ok() ? CheckInstallation() : status;
}

// The increment's set is the full backup's, with what was added since.
Status KeySetLocation::ChooseCopy() {
  if (options_.increment.empty()) return Status::Ok();
  const std::string newer = JoinPath(options_.increment, FileName());
  const Result<Bytes> increment = Read(newer);
  if (increment.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!increment) return increment.error();
  const Result<Bytes> full = Read(path_);
  if (full.status().code() != StatusCode::kNotFound) {
    if (!full) return full.error();
    const Result<ReadHeader> old_header = ReadSealedHeader(*full);
    const Result<ReadHeader> new_header = ReadSealedHeader(*increment);
    const Result<ListedKeySet> old_names = ReadKeySetNames(*full);
    const Result<ListedKeySet> new_names = ReadKeySetNames(*increment);
    const bool belongs =
        old_names && new_names &&
        old_header->header.file_id == new_header->header.file_id &&
        Continues(new_names->names, old_names->Proven());
    if (!belongs) {
      return {StatusCode::kMisconfigured,
              newer + " does not continue " + path_ +
                  ", so that the incremental backup does not belong to this "
                  "full backup; nothing was changed"};
    }
  }
  path_ = newer;
  return Status::Ok();
}

Result<Bytes> KeySetLocation::Read(const std::string& path) {
  return files_.Read(path, kMaxKeySet);
}

Result<std::string> KeySetLocation::InstallationOfSet() {
  const Result<Bytes> content = Read(path_);
  if (content.status().code() == StatusCode::kNotFound) return std::string();
  if (!content) return content.error();
  const Result<ReadHeader> read = ReadSealedHeader(*content);
  if (!read) return read.error().WithContext("key set " + path_);
  const auto pair = read->header.context.find(kInstallationContext);
  return pair == read->header.context.end() ? std::string() : pair->second;
}

Status KeySetLocation::CheckInstallation() {
  const Result<std::string> bound_to = InstallationOfSet();
  if (!bound_to) return bound_to.error();
  const Result<std::string> own = installation_.Find();
  if (!own) return own.error();
  if (bound_to->empty() || *bound_to == *own) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "key set " + path_ + " belongs to another installation (" +
              *bound_to + "; this one is " +
              (own->empty() ? "without an id" : *own) +
              "): restore the key set of this server from a backup"};
}

Result<ListedKeySet> KeySetLocation::ReadNames() {
  const Result<Bytes> content = Read(path_);
  if (content) {
    const Result<ListedKeySet> names = ReadKeySetNames(*content);
    if (names) return names;
    return names.error().WithContext("key set " + path_);
  }
  if (content.status().code() != StatusCode::kNotFound) return content.error();
  const Result<KeyDirectory::Content> there = directory_.Look();
  if (!there) return there.error();
  if (!there->has_key_set_mark) return content.error();
  return Status(
      StatusCode::kMisconfigured,
      "key set " + path_ + " was made and is missing, as " +
          directory_.PathOf(std::string(kKeySetMarkName)) +
          " says: restore it from a backup; data may be encrypted with its "
          "keys");
}

Status KeySetLocation::CheckFilesBeside(const KeyDirectory::Content& there,
                                        const KeySetNames& names) const {
  for (const KeyVersion key : there.files) {
    const auto found = names.find(key);
    if (found != names.end() && found->second == KeyOrigin::kImported) continue;
    return {StatusCode::kMisconfigured,
            directory_.PathOf(KeyFileName(key)) +
                " was not imported into key set " + path_ +
                ", which is newer: a server used key files here in between. "
                "If nothing was encrypted with this key, move the file away; "
                "else restore a backup from before, or make one store of both "
                "with keyringctl convert"};
  }
  return Status::Ok();
}

Status KeySetLocation::Mark(const KeySetNames& names) {
  if (directory_.is_read_only()) return Status::Ok();
  const Result<KeyDirectory::Content> there = directory_.Look();
  if (!there) return there.error();
  if (!there->has_key_set_mark) {
    Status status = directory_.MarkKeySet();
    if (!status.ok()) return status;
  }
  for (const auto& [key, origin] : names) {
    if (there->marked.contains(key.id) || key.version != 1) continue;
    Status status = directory_.Mark(key);
    if (!status.ok()) return status;
  }
  return Status::Ok();
}

}  // namespace openkeyring
