// SPDX-License-Identifier: MIT
#include "server/mysql/component/reloadable_keyring.h"

#include "base/secret_arena.h"
#include "base/vector_registers.h"

namespace openkeyring {
namespace {

// The server's table has 1024 characters for a value.
constexpr size_t kMostRowText = 1000;

}  // namespace

ReloadableKeyring::ReloadableKeyring(const char* name,
                                     std::unique_ptr<KeyringLoader> loader,
                                     Registry* const& registry, ServerMode mode)
    : name_(name),
      loader_(std::move(loader)),
      mode_(mode),
      log_(name, registry),
      why_not_loaded_(StatusCode::kUnavailable,
                      "the keyring has not been loaded") {}

Result<std::shared_ptr<LoadedKeyring>> ReloadableKeyring::Current() const {
  const std::lock_guard lock(mutex_);
  if (current_ == nullptr) return why_not_loaded_;
  return current_;
}

Result<std::shared_ptr<LoadedKeyring>> ReloadableKeyring::LoadFrom(
    const ServerDirectories& directories) {
  const LoadRetry retry = mode_ == ServerMode::kValidateConfig
                              ? LoadRetry::kOnce
                              : LoadRetry::kUntilDeadline;
  if (!directories.plugin.empty()) {
    return loader_->Load(directories, retry, log_);
  }
  return Status(StatusCode::kMisconfigured,
                "the server did not say where its plugin directory is");
}

Status ReloadableKeyring::Load(const ServerDirectories& directories) {
  if (mode_ == ServerMode::kShowHelp) return why_not_loaded_;
  const std::unique_lock one_at_a_time(changes_);
  Result<std::shared_ptr<LoadedKeyring>> loaded = LoadFrom(directories);
  ClearVectorRegisters();
  if (!loaded) {
    const std::string kept =
        !Current() ? "" : "; the keyring that was loaded before stays in use";
    log_.WriteNotInitialized(loaded.error().message() + kept);
    const std::lock_guard lock(mutex_);
    why_not_loaded_ = {StatusCode::kUnavailable, "the keyring is not loaded: " +
                                                     loaded.error().message()};
    last_failure_ = loaded.error().message();
    load_failed_ = true;
    ++failed_loads_;
    return loaded.error();
  }
  log_.WriteInitialized("The keyring is loaded, with " +
                        std::to_string((*loaded)->keyring().size()) + " keys");
  const std::lock_guard lock(mutex_);
  current_ = std::move(*loaded);
  last_failure_.clear();
  load_failed_ = false;
  return Status::Ok();
}

template <typename Change>
Status ReloadableKeyring::ChangeKeyring(Change change) {
  const std::shared_lock no_reload(changes_);
  Result<std::shared_ptr<LoadedKeyring>> current = Current();
  Status status = current ? change((*current)->keyring()) : current.error();
  if (!status.ok()) Report(status);
  return status;
}

Status ReloadableKeyring::Store(Key key) {
  return ChangeKeyring(
      [&](Keyring& keyring) { return keyring.Store(std::move(key)); });
}

Status ReloadableKeyring::Generate(const KeyName& name, const std::string& type,
                                   size_t bytes) {
  return ChangeKeyring(
      [&](Keyring& keyring) { return keyring.Generate(name, type, bytes); });
}

Status ReloadableKeyring::Remove(const KeyName& name) {
  return ChangeKeyring([&](Keyring& keyring) { return keyring.Remove(name); });
}

void ReloadableKeyring::Report(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    last_failure_ = status.message();
  }
  failures_.Write(status);
}

StatusRows ReloadableKeyring::Rows() const {
  const auto current = Current();
  std::string failure;
  {
    const std::lock_guard lock(mutex_);
    failure = last_failure_;
  }
  StatusRows rows = {{"Component_name", name_},
                     {"Author", "OpenKeyring"},
                     {"License", "MIT"},
                     {"Implementation_name", name_},
                     {"Version", OPENKEYRING_VERSION},
                     {"Component_status", current ? "Active" : "Disabled"}};
  for (auto& row :
       current ? (*current)->Rows() : loader_->RowsWithoutKeyring()) {
    rows.push_back(std::move(row));
  }
  rows.emplace_back("Secret_memory", Describe(SecretArena::Instance().Usage()));
  rows.emplace_back("Last_failure", failure.empty() ? "<NONE>" : failure);
  for (auto& [name, value] : rows) {
    if (value.size() > kMostRowText) value.resize(kMostRowText);
  }
  return rows;
}

MetricValues ReloadableKeyring::Metrics() const {
  const auto current = Current();
  MetricValues values = current ? (*current)->Metrics() : MetricValues();
  if (current) {
    values.keys = static_cast<int64_t>((*current)->keyring().size());
  }
  values.loaded = current ? 1 : 0;
  AddSecretMemory(values);
  const std::lock_guard lock(mutex_);
  if (load_failed_) values.load_failed = *load_failed_ ? 1 : 0;
  values.failures = failures_.count() + failed_loads_;
  return values;
}

void ReloadableKeyring::Unload() {
  const std::lock_guard lock(mutex_);
  current_.reset();
}

}  // namespace openkeyring
