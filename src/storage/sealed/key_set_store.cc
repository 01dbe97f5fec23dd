// SPDX-License-Identifier: MIT
#include "storage/sealed/key_set_store.h"

#include <optional>
#include <utility>
#include <vector>

#include "keyring/version_index.h"
#include "os/memory_file_system.h"
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
  store.must_rewrap = access.must_rewrap;
  store.first_load = !access.must_rewrap;
  store.own_context = {{kProductContext, kMariaDbProduct},
                       {kInstallationContext, installation}};
  store.put_all = true;
  store.max_file = kMaxKeySet;
  store.progress = options.progress;
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

namespace {

// That a new file was made is expected.
class ErrorsOnly : public Log {
 public:
  explicit ErrorsOnly(Log& log) : log_(log) {}
  void Write(LogLevel level, std::string_view line) override {
    if (level == LogLevel::kError) log_.Write(level, line);
  }

 private:
  Log& log_;
};

}  // namespace

Status CompareRecords(const SealedStore::Keys& found,
                      const std::vector<Key>& records) {
  for (const Key& record : records) {
    const auto same = found.find(record.name);
    if (same == found.end() || same->second.type != record.type ||
        !same->second.data.Equals(record.data)) {
      return {StatusCode::kCorrupt,
              ToString(record.name) + " is another key in the new key set"};
    }
  }
  if (found.size() == records.size()) return Status::Ok();
  return {StatusCode::kCorrupt, "the new key set has other keys"};
}

Result<Bytes> BuildKeySet(const KeySetDependencies& dependencies,
                          const KeySetOptions& options,
                          const std::string& installation,
                          const std::vector<Key>& records,
                          const Deadline& deadline) {
  MemoryFileSystem memory;
  ErrorsOnly errors(dependencies.log);
  const std::string name(kKeySetFileName);
  const KeySetDependencies quiet = {memory, dependencies.random,
                                    dependencies.clock, errors};
  const auto make = [&](const KeySetAccess& access) {
    return MakeKeySetStore(quiet, options, MakeKeySetFile(quiet, name),
                           installation, access);
  };
  {
    const std::unique_ptr<SealedStore> store = make({true, false});
    Status status = store->Load(deadline).status();
    if (status.ok() && !records.empty()) status = store->PutAll(records);
    if (!status.ok()) return status;
    for (const SlotStatus& slot : store->slots().List()) {
      if (slot.state != SlotState::kMissing) continue;
      dependencies.log.Write(LogLevel::kWarning,
                             "the new key set has no key slot for " +
                                 ToString(slot.slot) +
                                 " yet: " + slot.problem.message());
    }
  }
  const Result<SealedStore::Keys> found = make({false, true})->Load(deadline);
  if (!found) return found.error();
  Status status = CompareRecords(*found, records);
  if (!status.ok()) return status;
  return memory.Read(name, kMaxKeySet);
}

}  // namespace openkeyring
