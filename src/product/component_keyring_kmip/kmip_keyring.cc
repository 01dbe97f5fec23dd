// SPDX-License-Identifier: MIT
#include "product/component_keyring_kmip/kmip_keyring.h"

#include <utility>

#include "keyring/reload_check.h"
#include "product/component_keyring_kmip/server_uuid.h"
#include "product/encrypted_data.h"
#include "product/load_retry.h"

namespace openkeyring {

namespace {

// Tools that have no data directory give none.
void SetDataDirectory(const std::string& directory,
                      KmipComponentConfig& config) {
  if (directory.empty()) return;
  config.keys.server_uuid = [directory] {
    return ReadServerUuid(PosixFileSystem(), directory);
  };
  config.group.note_path = JoinPath(directory, kKmipGroupNote);
  if (!config.allow_new_keyring) {
    config.group.check_new_keyring = [directory](const std::string& place) {
      return CheckNewKeyringFitsData(
          PosixFileSystem(), directory,
          {"key in " + place, "allow_new_keyring", kKmipComponent});
    };
  }
  // A server that root starts makes its files before it becomes another user.
  const Result<FileInfo> info = PosixFileSystem().Stat(directory);
  if (info) config.group.note_owner = info->owner;
}

}  // namespace

Result<std::unique_ptr<KmipKeyring>> KmipKeyring::Open(
    KmipComponentConfig config, bool is_first, Log& log) {
  std::unique_ptr<KmipKeyring> opened(new KmipKeyring(config));
  Result<std::unique_ptr<KmipService>> service =
      KmipService::Make(std::move(config.kmip), log);
  if (!service) return service.error();
  opened->service_ = std::move(*service);
  opened->group_ =
      std::make_unique<KmipGroup>(opened->service_->client(), PosixFileSystem(),
                                  SystemRandom(), log, opened->group_options_);
  const Deadline deadline =
      Deadline::After(SystemClock(), is_first ? config.startup_deadline
                                              : config.reload_deadline);
  const LoadRetryPolicy policy{
      is_first, deadline,
      is_first ? "startup_deadline_ms" : "reload_deadline_ms"};
  Status status =
      LoadWithRetry(SystemClock(), SystemRandom(), log, policy,
                    [&] { return opened->LoadKeys(deadline, log); });
  if (!status.ok()) return status;
  return opened;
}

Status KmipKeyring::LoadKeys(const Deadline& deadline, Log& log) {
  Result<std::unique_ptr<Keyring>> keyring =
      Keyring::Load(std::make_unique<KmipKeyringBackend>(
                        service_->client(), *group_, SystemClock(),
                        SystemRandom(), log, keys_),
                    SystemClock(), SystemRandom(), rules_, deadline);
  if (!keyring) {
    // Not every server says that it is the version that it does not like.
    if (!version_ || keyring.error().IsTransient()) return keyring.error();
    return keyring.error().WithContext("in KMIP " + version_->Text() +
                                       ", as kmip_version says");
  }
  keyring_ = std::move(*keyring);
  return Status::Ok();
}

StatusRows KmipKeyring::Rows() const {
  StatusRows rows;
  for (const auto& [name, value] : description_) {
    rows.emplace_back(name, OrNone(value));
  }
  rows.emplace_back("Keys", std::to_string(keyring_->size()));
  for (auto& row : keyring_->backend().Describe()) {
    rows.push_back(std::move(row));
  }
  rows.emplace_back("Group_marker", OrNone(group_->marker_id()));
  const KmipClientStatus status = service_->client().status();
  rows.insert(rows.end(),
              {{"Server_in_use", OrNone(status.server)},
               {"Kmip_version", OrNone(status.version)},
               {"Tls", OrNone(status.tls)},
               {"Connections", std::to_string(status.connections)},
               {"Last_error", OrNone(status.last_error.message())}});
  return rows;
}

MetricValues KmipKeyring::Metrics() const {
  MetricValues values;
  service_->AddMetrics(SystemClock().Now(), values);
  values.configuration_warnings = configuration_warnings_;
  return values;
}

Result<std::shared_ptr<LoadedKeyring>> KmipKeyringLoader::Load(
    const ServerDirectories& directories, LoadRetry retry, Log& log) {
  Result<KmipComponentConfig> config =
      ReadKmipComponentConfig(PosixFileSystem(), log, directories);
  if (!config) return config.error();
  SetDataDirectory(directories.instance, *config);
  if (serving_ != nullptr) {
    config->group.required = serving_->marker();
    config->kmip.statistics = serving_->statistics();
  }
  Result<std::unique_ptr<KmipKeyring>> opened = KmipKeyring::Open(
      std::move(*config),
      serving_ == nullptr && retry == LoadRetry::kUntilDeadline, log);
  if (!opened) return opened.error();
  if (serving_ != nullptr) {
    Status status =
        CheckServedKeysKept(serving_->keyring(), (*opened)->keyring());
    if (!status.ok()) return status;
  }
  serving_ = std::move(*opened);
  return serving_;
}

StatusRows KmipKeyringLoader::RowsWithoutKeyring() const {
  StatusRows rows;
  for (const char* name :
       {"Server_addr", "Server_port", "Client_ca", "Client_key", "Server_ca",
        "Object_group", "Max_objects", "Kmip_timeout_ms",
        "Tls_peer_verification", "Tls_hostname_verification"}) {
    rows.emplace_back(name, kNotApplicable);
  }
  return rows;
}

}  // namespace openkeyring
