// SPDX-License-Identifier: MIT
#include "server/mysql/component/keyring_host.h"

namespace openkeyring::mysql {
namespace {

// The server's table has 1024 characters for a value.
constexpr size_t kMostRowText = 1000;

}  // namespace

KeyringHost::KeyringHost(const char* name,
                         std::unique_ptr<KeyringProduct> product,
                         Registry* const& registry)
    : name_(name),
      product_(std::move(product)),
      log_(name, registry),
      why_not_loaded_(StatusCode::kUnavailable,
                      "the keyring has not been loaded") {}

Result<std::shared_ptr<LoadedKeyring>> KeyringHost::Current() const {
  std::lock_guard lock(mutex_);
  if (current_ == nullptr) return why_not_loaded_;
  return current_;
}

Result<std::shared_ptr<LoadedKeyring>> KeyringHost::LoadFrom(
    const ServerFolders& folders, LoadedKeyring* previous) {
  if (!folders.plugin.empty()) return product_->Load(folders, previous, log_);
  return Status(StatusCode::kMisconfigured,
                "the server did not say where its plugin folder is");
}

Status KeyringHost::Load(const ServerFolders& folders) {
  std::unique_lock one_at_a_time(changes_);
  std::shared_ptr<LoadedKeyring> previous = Current().value_or(nullptr);
  Result<std::shared_ptr<LoadedKeyring>> loaded =
      LoadFrom(folders, previous.get());
  if (!loaded) {
    const std::string kept =
        previous == nullptr
            ? ""
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
Status KeyringHost::ChangeKeyring(Change change) {
  std::shared_lock no_reload(changes_);
  Result<std::shared_ptr<LoadedKeyring>> current = Current();
  Status status = current ? change((*current)->keyring()) : current.error();
  if (!status.ok()) Report(status);
  return status;
}

Status KeyringHost::Store(Key key) {
  return ChangeKeyring(
      [&](Keyring& keyring) { return keyring.Store(std::move(key)); });
}

Status KeyringHost::Generate(const KeyName& name, const std::string& type,
                             size_t bytes) {
  return ChangeKeyring(
      [&](Keyring& keyring) { return keyring.Generate(name, type, bytes); });
}

Status KeyringHost::Remove(const KeyName& name) {
  return ChangeKeyring([&](Keyring& keyring) { return keyring.Remove(name); });
}

void KeyringHost::Report(const Status& status) {
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

StatusRows KeyringHost::Rows() const {
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
                     {"Version", "1.0"},
                     {"Component_status", current ? "Active" : "Disabled"}};
  for (auto& row :
       current ? (*current)->Rows() : product_->RowsWithoutKeyring()) {
    rows.push_back(std::move(row));
  }
  rows.emplace_back("Last_failure", failure.empty() ? "<NONE>" : failure);
  for (auto& [name, value] : rows) {
    if (value.size() > kMostRowText) value.resize(kMostRowText);
  }
  return rows;
}

void KeyringHost::Unload() {
  std::lock_guard lock(mutex_);
  current_.reset();
}

}  // namespace openkeyring::mysql
