// SPDX-License-Identifier: MIT
#include "storage/sealed/key_set_store.h"

#include <optional>
#include <utility>
#include <vector>

#include "keyring/version_index.h"
#include "storage/key_names.h"

namespace openkeyring {
namespace {

// As the next start will read it: with the key server, from the disk.
Status CompareImported(SealedStore& store, const std::string& path,
                       const std::map<KeyVersion, const Secret*>& keys,
                       const Deadline& deadline) {
  const Result<SealedStore::Keys> found = store.Load(deadline);
  if (!found) return found.error();
  for (const auto& [key, secret] : keys) {
    const auto record = found->find(RecordName(key));
    if (record == found->end() || !record->second.data.Equals(*secret)) {
      return {StatusCode::kCorrupt,
              ToString(key) + " is another key in " + path};
    }
  }
  if (found->size() == keys.size()) return Status::Ok();
  return {StatusCode::kCorrupt, path + " has more keys than were imported"};
}

}  // namespace

Key MakeKeySetRecord(KeyVersion key, KeyOrigin origin, const Secret& secret) {
  return {RecordName(key), RecordType(origin), secret.Clone()};
}

std::shared_ptr<KeyringFile> MakeKeySetFile(
    const KeySetDependencies& dependencies, std::string path) {
  return std::make_shared<KeyringFile>(dependencies.files, dependencies.random,
                                       std::move(path), std::nullopt,
                                       "restart the server");
}

std::unique_ptr<SealedStore> MakeKeySetStore(
    const KeySetDependencies& dependencies, const KeySetOptions& options,
    std::shared_ptr<KeyringFile> file, const std::string& installation,
    const KeySetAccess& access) {
  SealedStoreOptions store;
  store.read_only = access.read_only;
  store.may_create = access.may_create;
  store.last_resort = access.last_resort;
  store.own_context = {{kProductContext, kMariaDbProduct},
                       {kInstallationContext, installation}};
  store.put_all = true;
  store.max_file = kMaxKeySet;
  return std::make_unique<SealedStore>(
      SealedStoreDependencies{dependencies.files, dependencies.random,
                              dependencies.log},
      options.slots(), std::move(file), std::move(store));
}

Status ImportKeySet(const KeySetDependencies& dependencies,
                    const KeySetOptions& options, KeySetLocation& location,
                    const std::map<KeyVersion, const Secret*>& keys,
                    const Deadline& deadline) {
  FileSystem& files = dependencies.files;
  const std::string path =
      location.directory().PathOf(std::string(kKeySetImportName));
  Status status = files.RemoveUnlocked(path);
  if (!status.ok() && status.code() != StatusCode::kNotFound) return status;
  const Result<std::string> installation = location.FindOrMakeInstallation();
  if (!installation) return installation.error();
  std::vector<Key> records;
  for (const auto& [key, secret] : keys) {
    records.push_back(MakeKeySetRecord(key, KeyOrigin::kImported, *secret));
  }
  const auto make = [&](const KeySetAccess& access) {
    return MakeKeySetStore(dependencies, options,
                           MakeKeySetFile(dependencies, path), *installation,
                           access);
  };
  const std::unique_ptr<SealedStore> store = make({true, false});
  status = store->Load(deadline).status();
  if (status.ok() && !records.empty()) status = store->PutAll(records);
  if (status.ok()) {
    status = CompareImported(*make({false, true}), path, keys, deadline);
  }
  if (status.ok()) status = files.RenameNoReplace(path, location.path());
  if (status.ok()) return files.SyncDirectory(location.directory().name());
  (void)files.Remove(path);
  return status;
}

}  // namespace openkeyring
