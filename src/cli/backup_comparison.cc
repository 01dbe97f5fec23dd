// SPDX-License-Identifier: MIT
#include "cli/backup_comparison.h"

#include <algorithm>
#include <map>

#include "cli/readers/newest_json.h"
#include "storage/key_names.h"
#include "storage/keyring_aws/aws_data_file_format.h"
#include "storage/mariadb_files/key_file_format.h"
#include "storage/sealed/sealed_header.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = size_t{1} << 30;

struct StoredBytes {
  std::string type;
  Bytes blob;
  bool operator==(const StoredBytes&) const = default;
};
using StoredKeys = std::map<KeyName, StoredBytes>;

Status Denied(std::string why) { return {StatusCode::kDenied, std::move(why)}; }

using Difference = std::optional<CopyDifference>;

Difference Older(const std::string& place, const std::string& why) {
  return CopyDifference{true, "the backup is older than " + place + why};
}
Difference Differs(std::string why) {
  return CopyDifference{false, std::move(why)};
}

Difference CompareKeys(const StoredKeys& in_place, const StoredKeys& copy,
                       const std::string& place) {
  for (const auto& [name, stored] : in_place) {
    const auto found = copy.find(name);
    if (found == copy.end()) {
      return Older(place, ": it lacks " + ToString(name));
    }
    if (found->second != stored) {
      return Differs(place + " has another value of " + ToString(name) +
                     " than the backup, or the same in another wrapping");
    }
  }
  return std::nullopt;
}

Result<StoredKeys> JsonKeys(FileSystem& files, const std::string& path,
                            Log& log) {
  const Result<JsonKeyring> document = ReadNewestJson(files, path, log);
  if (!document) return document.error();
  StoredKeys keys;
  for (size_t i = 0; i < document->size(); ++i) {
    const JsonElement& element = document->element(i);
    keys[element.name] = {element.type, element.wrapped.blob};
  }
  return keys;
}

StoredKeys KeysOf(const AwsKeyringContent& content) {
  StoredKeys keys;
  for (const auto& [name, encrypted] : content.keys) {
    keys[name] = {encrypted->type, encrypted->wrapped.blob};
  }
  return keys;
}

Result<Difference> CompareKeyringAws(ByteView in_place, ByteView copy,
                                     const std::string& place) {
  const Result<AwsKeyringContent> here = DecodeAwsDataFile(in_place);
  if (!here) return here.error();
  const Result<AwsKeyringContent> there = DecodeAwsDataFile(copy);
  if (!there) return there.error();
  if (here->generation > there->generation) {
    return Older(place, ", which was changed since");
  }
  return CompareKeys(KeysOf(*here), KeysOf(*there), place);
}

Result<Difference> CompareJson(FileSystem& files, const std::string& in_place,
                               const std::string& copy, Log& log) {
  const Result<StoredKeys> here = JsonKeys(files, in_place, log);
  if (!here) return here.error();
  const Result<StoredKeys> there = JsonKeys(files, copy, log);
  if (!there) return there.error();
  return CompareKeys(*here, *there, in_place);
}

bool StartsWith(ByteView content, ByteView start) {
  return content.size() >= start.size() &&
         std::ranges::equal(content.first(start.size()), start);
}

Result<Difference> CompareSealed(ByteView in_place, ByteView copy,
                                 const std::string& place) {
  const Result<ReadHeader> here = ReadSealedHeader(in_place);
  if (!here) return here.error();
  const Result<ReadHeader> there = ReadSealedHeader(copy);
  if (!there) return there.error();
  if (here->header.generation > there->header.generation) {
    return Older(place, ", which was rewritten since");
  }
  if (StartsWith(copy, in_place)) return Difference();
  if (StartsWith(in_place, copy)) {
    return Older(place, ", which was changed since");
  }
  return Differs(place + " and the backup were changed in different ways");
}

bool IsOfKeySet(const std::string& name) {
  return name == kKeySetFileName || name == kKeySetMarkName;
}

bool Has(const BackupManifest& manifest, const std::string& name) {
  return std::ranges::any_of(manifest.files, [&](const BackupFile& file) {
    return file.name == name;
  });
}

// A key set is made of the key files that lie beside it.
Status CheckKeySet(const std::vector<KeyringPart>& in_place,
                   const BackupManifest& manifest) {
  const bool set_there = Has(manifest, std::string(kKeySetFileName));
  for (const KeyringPart& part : in_place) {
    const std::string& name = part.about.name;
    if (!set_there && IsOfKeySet(name)) {
      return Denied(
          "the keys in place are in a key set, and the backup's in "
          "key files");
    }
    if (set_there && ParseKeyFileName(name) && !Has(manifest, name)) {
      return Denied("the backup's keys are in a key set that was not made of " +
                    name + ", which is in place");
    }
  }
  return Status::Ok();
}

}  // namespace

Result<std::optional<CopyDifference>> CompareCopy(FileSystem& files,
                                                  Product product,
                                                  const std::string& in_place,
                                                  const std::string& copy,
                                                  Log& log) {
  const Result<Bytes> here = files.Read(in_place, kMaxFile);
  if (!here) return here.error();
  const Result<Bytes> there = files.Read(copy, kMaxFile);
  if (!there) return there.error();
  if (product == Product::kKeyringAws) {
    return CompareKeyringAws(*here, *there, in_place);
  }
  const bool is_sealed = !here->empty() && LooksSealed(*here);
  if (is_sealed != (!there->empty() && LooksSealed(*there))) {
    return Differs(in_place + " has another format than the backup");
  }
  return is_sealed ? CompareSealed(*here, *there, in_place)
                   : CompareJson(files, in_place, copy, log);
}

Status CheckMarksAreInBackup(const std::vector<KeyringPart>& in_place,
                             const BackupManifest& manifest) {
  Status status = CheckKeySet(in_place, manifest);
  if (!status.ok()) return status;
  for (const KeyringPart& part : in_place) {
    const auto made = ParseVersionMarkName(part.about.name);
    if (!made) continue;
    const BackupKey key{std::to_string(made->id), "", made->version};
    if (!manifest.keys.contains(key)) {
      return Denied("the backup is older than what is in place: it lacks " +
                    ToString(key) + ", which was made");
    }
  }
  return Status::Ok();
}

}  // namespace openkeyring
