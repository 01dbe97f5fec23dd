// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_file_backend.h"

#include <utility>

namespace openkeyring {
namespace {

SealedStoreOptions StoreOptions(const FileBackendOptions& options) {
  SealedStoreOptions store;
  store.read_only = options.read_only;
  store.may_create = options.may_create;
  store.first_load = options.first_load;
  store.must_rewrap = options.must_rewrap;
  store.last_resort = options.last_resort;
  store.own_context = {{"openkeyring:product", "component_keyring_kms"}};
  store.encryption_context = options.encryption_context;
  store.max_file = options.max_file;
  store.progress = options.progress;
  return store;
}

}  // namespace

SealedFileBackend::SealedFileBackend(
    const FileBackendDependencies& dependencies,
    std::shared_ptr<KeyringFile> file, const FileBackendOptions& options)
    : SealedFileBackend(
          {dependencies.files, dependencies.random, dependencies.log},
          std::make_unique<KeySlots>(
              std::make_unique<KmsSlotKey>(dependencies.wrapper)),
          std::move(file), options) {}

SealedFileBackend::SealedFileBackend(
    const SealedStoreDependencies& dependencies,
    std::unique_ptr<KeySlots> slots, std::shared_ptr<KeyringFile> file,
    const FileBackendOptions& options)
    : store_(dependencies, std::move(slots), std::move(file),
             StoreOptions(options)) {}

Result<std::vector<Key>> SealedFileBackend::Load(const Deadline& deadline) {
  Result<SealedStore::Keys> keys = store_.Load(deadline);
  if (!keys) return keys.error();
  std::vector<Key> list;
  list.reserve(keys->size());
  for (auto& [name, key] : *keys) list.push_back(std::move(key));
  return list;
}

Status SealedFileBackend::Store(const Key& key, const Deadline&) {
  return store_.Put(key);
}

Status SealedFileBackend::Remove(const KeyName& name, const Deadline&) {
  return store_.Remove(name);
}

std::vector<std::pair<std::string, std::string>> SealedFileBackend::Describe()
    const {
  const SealedHeader header = store_.header();
  return {{"File_format", "sealed " + std::to_string(VersionOf(header))},
          {"Wrapping_key", store_.slots().opened().maker}};
}

}  // namespace openkeyring
