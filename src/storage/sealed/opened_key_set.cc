// SPDX-License-Identifier: MIT
#include "storage/sealed/opened_key_set.h"

#include <utility>

namespace openkeyring {
namespace {

KeySetOptions ReadOnly(KeySetOptions options) {
  options.keys.read_only = true;
  options.keys.increment.clear();
  return options;
}

}  // namespace

OpenedKeySet::OpenedKeySet(const KeySetDependencies& dependencies,
                           KeySetOptions options)
    : dependencies_(dependencies),
      options_(ReadOnly(std::move(options))),
      location_(dependencies.files, dependencies.random, dependencies.log,
                options_.keys, options_.data_directory) {}

Result<std::unique_ptr<OpenedKeySet>> OpenedKeySet::Open(
    const KeySetDependencies& dependencies, KeySetOptions options,
    const KeySetUse& use, const Deadline& deadline) {
  std::unique_ptr<OpenedKeySet> opened(
      new OpenedKeySet(dependencies, std::move(options)));
  Status status = opened->CheckPlace(use);
  if (status.ok()) status = opened->Load(use, deadline);
  if (!status.ok()) return status;
  return opened;
}

Status OpenedKeySet::CheckPlace(const KeySetUse& use) {
  Status status = location_.Prepare();
  if (!status.ok()) return status;
  const Result<ListedKeySet> set = location_.ReadNames();
  if (set.status().code() == StatusCode::kNotFound) {
    return {StatusCode::kMisconfigured, "there is no key set " + path()};
  }
  if (!set) return set.error();
  const Result<KeyDirectory::Content> there = location_.directory().Look();
  if (!there) return there.error();
  status = location_.CheckFilesBeside(*there, set->names);
  if (!status.ok() || !use.must_be_newest) return status;
  const auto missing =
      MissingVersions(there->marked, HighestVersionsOf(set->names));
  return missing.empty() ? status : MissingFromKeySet(path(), missing.front());
}

Status OpenedKeySet::Load(const KeySetUse& use, const Deadline& deadline) {
  const Result<std::string> installation = location_.FindInstallation();
  if (!installation) return installation.error();
  std::shared_ptr<KeyringFile> file = MakeKeySetFile(dependencies_, path());
  if (use.change) {
    file->Acquire();
    if (!file->locked()) return file->why_not_writable();
  }
  store_ =
      MakeKeySetStore(dependencies_, options_, std::move(file), *installation,
                      {false, !use.change, false, use.must_rewrap});
  Result<SealedStore::Keys> keys = store_->Load(deadline);
  if (!keys) return keys.error();
  for (const auto& [name, key] : *keys) {
    const Result<RecordIdentity> identity = ReadRecordIdentity(name, key.type);
    if (!identity) return identity.error().WithContext("key set " + path());
  }
  keys_ = std::move(*keys);
  return Status::Ok();
}

}  // namespace openkeyring
