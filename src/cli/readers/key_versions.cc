// SPDX-License-Identifier: MIT
#include "cli/readers/key_versions.h"

#include <charconv>

#include "os/random.h"
#include "product/aws_key_management/aws_key_management.h"
#include "storage/mariadb_files/key_file_backend.h"
#include "storage/sealed/key_set_names.h"

namespace openkeyring {
namespace {

// An id that was made and is not in the set: the set is an old copy.
Status CheckMarked(const KeyDirectory::Content& there,
                   const KeyDirectory& directory,
                   const VersionedSecrets& keys) {
  for (const auto& [id, version] : there.marked) {
    if (keys.contains({id, version})) continue;
    return MissingFromKeySet(directory.PathOf(std::string(kKeySetFileName)),
                             {id, version});
  }
  return Status::Ok();
}

// By each of its slots: all of it or an error.
Result<VersionedSecrets> ReadKeySet(const KeyFilesOptions& options, Log& log) {
  AwsDynamicOptions dynamic;
  dynamic.SetMasterKeyId(options.master_key_id);
  AwsStartupOptions startup = options.startup;
  startup.key_store = KeyStore::kSealed;
  startup.startup_deadline = Millis(0);
  const auto opened = AwsKeyManagement::Open(startup, dynamic, log);
  if (!opened) return opened.error();
  VersionedSecrets keys;
  for (const KeyVersion version : (*opened)->keys().Versions()) {
    const Result<const Secret*> key = (*opened)->keys().Get(version);
    if (!key) return key.error();
    keys.emplace(version, (*key)->Clone());
  }
  return keys;
}

bool TakeNumber(std::string_view text, uint32_t& number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<VersionedSecrets> ReadKeyVersions(const KeyFilesOptions& options,
                                         KmsAccess& kms, Log& log) {
  KeyDirectory directory(PosixFileSystem(), SystemRandom(), log,
                         {options.directory, true, ""});
  const Result<KeyDirectory::Content> there = directory.Look();
  if (!there) return there.error();
  if (!there->has_key_set && !there->has_key_set_mark) {
    return ReadKeyFileVersions(options, options.directory,
                               options.startup.access.data_directory, kms, log);
  }
  Result<VersionedSecrets> keys = ReadKeySet(options, log);
  if (!keys) return keys;
  const Status complete = CheckMarked(*there, directory, *keys);
  if (!complete.ok()) return complete;
  return keys;
}

Result<VersionedSecrets> ReadKeyFileVersions(const KeyFilesOptions& options,
                                             const std::string& directory,
                                             const std::string& data_directory,
                                             KmsAccess& kms, Log& log) {
  KeyFileBackend backend(kms.service->wrapper(), PosixFileSystem(),
                         SystemRandom(), log,
                         {{directory, true, ""},
                          [&] { return options.bind_policy; },
                          data_directory});
  Status status = backend.Prepare();
  if (!status.ok()) return status;
  const auto versions = backend.List();
  if (!versions) return versions.error();
  VersionedSecrets keys;
  for (const KeyVersion version : *versions) {
    Result<Secret> key =
        backend.Fetch(version, Deadline::After(SystemClock(), kms.deadline));
    if (!key) return key.error();
    keys.emplace(version, std::move(*key));
    if (options.progress) options.progress(keys.size(), versions->size());
  }
  return keys;
}

KeyName NameOfVersion(KeyVersion key) {
  return {std::to_string(key.id) + "." + std::to_string(key.version), ""};
}

std::optional<KeyVersion> VersionOfName(const KeyName& name) {
  const std::string_view text = name.data_id;
  const size_t dot = text.find('.');
  KeyVersion key;
  if (dot == text.npos || !name.auth_id.empty() ||
      !TakeNumber(text.substr(0, dot), key.id) ||
      !TakeNumber(text.substr(dot + 1), key.version)) {
    return std::nullopt;
  }
  return key;
}

}  // namespace openkeyring
