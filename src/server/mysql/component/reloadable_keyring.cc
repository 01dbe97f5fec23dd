// SPDX-License-Identifier: MIT
#include "server/mysql/component/reloadable_keyring.h"

namespace openkeyring::mysql {
namespace {

// The server's table has 1024 characters for a value.
constexpr size_t kMostRowText = 1000;

}  // namespace

ReloadableKeyring::ReloadableKeyring(const char* name,
                                     std::unique_ptr<KeyringLoader> loader,
                                     Registry* const& registry)
    : name_(name),
      loader_(std::move(loader)),
      log_(name, registry),
      why_not_loaded_(StatusCode::kUnavailable,
                      "the keyring has not been loaded") {}

Result<std::shared_ptr<LoadedKeyring>> ReloadableKeyring::Current() const {
  std::lock_guard lock(mutex_);
  if (current_ == nullptr) return why_not_loaded_;
  return current_;
}

Result<std::shared_ptr<LoadedKeyring>> ReloadableKeyring::LoadFrom(
    const ServerDirectories& directories) {
  if (!directories.plugin.empty()) return loader_->Load(directories, log_);
  return Status(StatusCode::kMisconfigured,
                "the server did not say where its plugin directory is");
}

Status ReloadableKeyring::Load(const ServerDirectories& directories) {
  std::unique_lock one_at_a_time(changes_);
  Result<std::shared_ptr<LoadedKeyring>> loaded = LoadFrom(directories);
  if (!loaded) {
    const std::string kept =
        !Current() ? ""
                   : "; the keyring that was loaded before goes on serving";
    log_.WriteNotInitialized(loaded.error().message() + kept);
    std::lock_guard lock(mutex_);
    why_not_loaded_ = {StatusCode::kUnavailable, "the keyring is not loaded: " +
                                                     loaded.error().message()};
    last_failure_ = loaded.error().message();
    return loaded.error();
  }
  log_.Write(LogLevel::kNote, "the keyring is loaded, with " +
                                  std::to_string((*loaded)->keyring().size()) +
                                  " keys");
  std::lock_guard lock(mutex_);
  current_ = std::move(*loaded);
  last_failure_.clear();
  return Status::Ok();
}

template <typename Change>
Status ReloadableKeyring::ChangeKeyring(Change change) {
  std::shared_lock no_reload(changes_);
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
    std::lock_guard lock(mutex_);
    last_failure_ = status.message();
  }
  if (!repeats_.Allows(status.message())) return;
  // What a caller may try is a note: functions of SQL users end here too.
  const bool ordinary = status.code() == StatusCode::kNotFound ||
                        status.code() == StatusCode::kAlreadyExists ||
                        status.code() == StatusCode::kInvalidArgument;
  log_.Write(ordinary ? LogLevel::kNote : LogLevel::kError, status.message());
}

StatusRows ReloadableKeyring::Rows() const {
  const auto current = Current();
  std::string failure;
  {
    std::lock_guard lock(mutex_);
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
  rows.emplace_back("Last_failure", failure.empty() ? "<NONE>" : failure);
  for (auto& [name, value] : rows) {
    if (value.size() > kMostRowText) value.resize(kMostRowText);
  }
  return rows;
}

void ReloadableKeyring::Unload() {
  std::lock_guard lock(mutex_);
  current_.reset();
}

}  // namespace openkeyring::mysql
