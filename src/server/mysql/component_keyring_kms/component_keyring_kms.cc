// SPDX-License-Identifier: MIT
// component_keyring_kms.so: MySQL's keyring in a file sealed by AWS KMS.
#include <time.h>

#include <utility>

#include "product/component_keyring_kms/kms_keyring.h"
#include "server/mysql/component/component.h"

namespace openkeyring::mysql {
namespace {

std::string Utc(const std::optional<WallTime>& moment) {
  if (!moment) return kNone;
  const time_t seconds = std::chrono::system_clock::to_time_t(*moment);
  struct tm parts;
  char text[32];
  gmtime_r(&seconds, &parts);
  const size_t size = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return std::string(text, size);
}

class LoadedKms : public LoadedKeyring {
 public:
  explicit LoadedKms(std::unique_ptr<KmsKeyring> kms) : kms_(std::move(kms)) {}

  Keyring& keyring() override { return kms_->keyring(); }
  KmsKeyring& kms() { return *kms_; }

  StatusRows Rows() const override {
    const KmsComponentConfig& config = kms_->config();
    const KmsStatistics statistics = kms_->kms().client().statistics();
    StatusRows rows = {{"Data_file", config.path},
                       {"Read_only", config.read_only ? "Yes" : "No"},
                       {"KeyId", config.kms_key},
                       {"Keys", std::to_string(kms_->keyring().size())}};
    for (auto& row : kms_->keyring().backend().Describe()) {
      rows.push_back({row.first, OrNone(row.second)});
    }
    const bool reachable =
        statistics.last_success_time &&
        statistics.last_success_time >= statistics.last_error_time;
    rows.insert(
        rows.end(),
        {{"Backend_reachable", reachable ? "Yes" : "No"},
         {"Last_success", Utc(statistics.last_success_time)},
         {"Last_error", OrNone(statistics.last_error)},
         {"Last_error_time", Utc(statistics.last_error_time)},
         {"Credential_source", OrNone(kms_->kms().credentials().SourceName())},
         {"Endpoint", OrNone(statistics.endpoint)}});
    return rows;
  }

 private:
  const std::unique_ptr<KmsKeyring> kms_;
};

// A server that root starts makes its files before it becomes somebody else.
std::optional<FileOwner> OwnerOfDataFolder(const std::string& folder) {
  const Result<FileInfo> info =
      PosixFileSystem().Stat(folder.empty() ? "." : folder);
  if (!info) return std::nullopt;
  return info->owner;
}

class KmsProduct : public KeyringProduct {
 public:
  Result<std::shared_ptr<LoadedKeyring>> Load(const ServerFolders& folders,
                                              LoadedKeyring* previous,
                                              Log& log) override {
    Result<KmsComponentConfig> config = ReadKmsComponentConfig(
        PosixFileSystem(), log, {folders.plugin, folders.instance});
    if (!config) return config.error();
    // Whatever this product loaded before is of its own kind.
    auto* loaded = static_cast<LoadedKms*>(previous);
    Result<std::unique_ptr<KmsKeyring>> kms = KmsKeyring::Open(
        std::move(*config), loaded == nullptr ? nullptr : &loaded->kms(),
        OwnerOfDataFolder(folders.instance), log);
    if (!kms) return kms.error();
    return std::make_shared<LoadedKms>(std::move(*kms));
  }

  StatusRows RowsWithoutKeyring() const override {
    return {{"Data_file", kNotApplicable},
            {"Read_only", kNotApplicable},
            {"KeyId", kNotApplicable}};
  }
};

}  // namespace

std::unique_ptr<KeyringProduct> MakeProduct() {
  return std::make_unique<KmsProduct>();
}

}  // namespace openkeyring::mysql
