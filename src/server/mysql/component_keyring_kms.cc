// SPDX-License-Identifier: MIT
// component_keyring_kms.so: MySQL's keyring in a file sealed by AWS KMS. This
// file is the border: what the component is called, provides and requires.
#include <time.h>

#include <utility>

#include "config/kms_keyring.h"
#include "server/guard.h"
#include "server/mysql/services.h"

namespace openkeyring::mysql {
namespace {

constexpr char kNone[] = "<NONE>", kNotApplicable[] = "<NOT APPLICABLE>";

constinit Registry* registry = nullptr;

std::string Utc(const std::optional<WallTime>& moment) {
  if (!moment) return kNone;
  const time_t seconds = std::chrono::system_clock::to_time_t(*moment);
  struct tm parts;
  char text[32];
  gmtime_r(&seconds, &parts);
  const size_t size = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return std::string(text, size);
}

std::string OrNone(std::string text) { return text.empty() ? kNone : text; }

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

// A plain pointer, so that nothing runs when the library is loaded or unloaded.
constinit KeyringHost* host = nullptr;

Code Init() {
  // No log yet: the registry is locked by whoever loads the component.
  class Silent : public Log {
    void Write(LogLevel, std::string_view) override {}
  } silent;
  return Guarded(silent, kFailure, [] {
    host = new KeyringHost(kKmsComponent, std::make_unique<KmsProduct>(),
                           registry);
    return kSuccess;
  });
}

Code Deinit() {
  delete std::exchange(host, nullptr);
  return kSuccess;
}

#define OPENKEYRING_PROVIDES(service, implementation) \
  { #service ".component_keyring_kms", &implementation }

ProvidedService provides[] = {
    OPENKEYRING_PROVIDES(keyring_aes, aes_service),
    OPENKEYRING_PROVIDES(keyring_generator, generator_service),
    OPENKEYRING_PROVIDES(keyring_load, load_service),
    OPENKEYRING_PROVIDES(keyring_keys_metadata_iterator, iterator_service),
    OPENKEYRING_PROVIDES(keyring_component_status, status_service),
    OPENKEYRING_PROVIDES(keyring_component_metadata_query, metadata_service),
    OPENKEYRING_PROVIDES(keyring_reader_with_status, reader_service),
    OPENKEYRING_PROVIDES(keyring_writer, writer_service),
    {nullptr, nullptr}};

// Everything else is looked for at run time, so that it loads into every
// program.
RequiredService requirements[] = {
    {"registry", reinterpret_cast<void**>(&registry)}, {nullptr, nullptr}};

MetadataEntry metadata[] = {{"mysql.author", "OpenKeyring"},
                            {"mysql.license", "MIT"},
                            {"component_keyring_kms_service", "1"},
                            {nullptr, nullptr}};

Component component = {kKmsComponent, provides, requirements,
                       metadata,      Init,     Deinit};

}  // namespace

KeyringHost& TheHost() { return *host; }

}  // namespace openkeyring::mysql

extern "C" __attribute__((visibility("default"))) openkeyring::mysql::Component*
list_components() {
  return &openkeyring::mysql::component;
}
