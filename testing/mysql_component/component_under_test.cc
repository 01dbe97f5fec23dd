// SPDX-License-Identifier: MIT
#include "testing/mysql_component/component_under_test.h"

#include <utility>

#include "server/mysql/component/metric_entries.h"

namespace openkeyring {
namespace {

std::unique_ptr<ReloadableKeyring> host;
std::unique_ptr<RegisteredMetrics> metrics;

MetricValues CurrentMetrics() { return host->Metrics(); }

// One that each load's keyring can own.
class SharedBackend : public KeyringBackend {
 public:
  explicit SharedBackend(std::shared_ptr<MemoryBackend> keys)
      : keys_(std::move(keys)) {}
  Result<std::vector<Key>> Load(const Deadline& deadline) override {
    return keys_->Load(deadline);
  }
  Status Store(const Key& key, const Deadline& deadline) override {
    return keys_->Store(key, deadline);
  }
  Status Remove(const KeyName& name, const Deadline& deadline) override {
    return keys_->Remove(name, deadline);
  }
  std::vector<std::pair<std::string, std::string>> Describe() const override {
    return keys_->Describe();
  }

 private:
  const std::shared_ptr<MemoryBackend> keys_;
};

class LoadedMemory : public LoadedKeyring {
 public:
  LoadedMemory(std::unique_ptr<Keyring> keyring, std::string data_file)
      : keyring_(std::move(keyring)), data_file_(std::move(data_file)) {}
  Keyring& keyring() override { return *keyring_; }
  StatusRows Rows() const override { return {{"Data_file", data_file_}}; }
  MetricValues Metrics() const override {
    MetricValues values;
    values.requests = 7;
    return values;
  }

 private:
  const std::unique_ptr<Keyring> keyring_;
  const std::string data_file_;
};

}  // namespace

ReloadableKeyring& TheKeyring() { return *host; }
RegisteredMetrics& TheMetrics() { return *metrics; }

Result<std::shared_ptr<LoadedKeyring>> MemoryLoader::Load(
    const ServerDirectories& directories, LoadRetry, Log&) {
  Clock& clock = SystemClock();
  Result<std::unique_ptr<Keyring>> keyring =
      Keyring::Load(std::make_unique<SharedBackend>(keys_), clock,
                    SystemRandom(), {}, Deadline::After(clock, Millis(1000)));
  if (!keyring) return keyring.error();
  return std::make_shared<LoadedMemory>(
      std::move(*keyring), directories.plugin + "|" + directories.instance);
}

StatusRows MemoryLoader::RowsWithoutKeyring() const {
  return {{"Data_file", "<NOT APPLICABLE>"}};
}

ComponentUnderTest::ComponentUnderTest() : registry_(server_.registry()) {
  server_.OfferSimpleLog();
  server_.OfferBuiltins(LogLayout::kNew);
  host = std::make_unique<ReloadableKeyring>(
      "component_memory", std::make_unique<MemoryLoader>(keys_), registry_);
  metrics = std::make_unique<RegisteredMetrics>(
      registry_, MetricEntries<CurrentMetrics>::entries);
}

ComponentUnderTest::~ComponentUnderTest() {
  metrics.reset();
  host.reset();
}

}  // namespace openkeyring
