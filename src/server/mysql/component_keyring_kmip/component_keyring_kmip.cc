// SPDX-License-Identifier: MIT
// component_keyring_kmip.so: MySQL's keyring on a KMIP server.
#include <utility>

#include "product/component_keyring_kmip/kmip_keyring.h"
#include "server/mysql/component/component.h"

namespace openkeyring::mysql {
namespace {

class LoadedKmip : public LoadedKeyring {
 public:
  explicit LoadedKmip(std::unique_ptr<KmipKeyring> kmip)
      : kmip_(std::move(kmip)) {}

  Keyring& keyring() override { return kmip_->keyring(); }

  StatusRows Rows() const override {
    StatusRows rows;
    for (const auto& [name, value] : kmip_->description()) {
      rows.emplace_back(name, OrNone(value));
    }
    rows.emplace_back("Keys", std::to_string(kmip_->keyring().size()));
    for (auto& row : kmip_->keyring().backend().Describe()) {
      rows.push_back(std::move(row));
    }
    const KmipClientStatus status = kmip_->status();
    rows.insert(rows.end(),
                {{"Server_in_use", OrNone(status.server)},
                 {"Kmip_version", OrNone(status.version)},
                 {"Tls", OrNone(status.tls)},
                 {"Connections", std::to_string(status.connections)},
                 {"Last_error", OrNone(status.last_error.message())}});
    return rows;
  }

 private:
  const std::unique_ptr<KmipKeyring> kmip_;
};

class KmipProduct : public KeyringProduct {
 public:
  Result<std::shared_ptr<LoadedKeyring>> Load(const ServerFolders& folders,
                                              LoadedKeyring* previous,
                                              Log& log) override {
    Result<KmipComponentConfig> config = ReadKmipComponentConfig(
        PosixFileSystem(), log, {folders.plugin, folders.instance});
    if (!config) return config.error();
    Result<std::unique_ptr<KmipKeyring>> kmip =
        KmipKeyring::Open(std::move(*config), previous == nullptr, log);
    if (!kmip) return kmip.error();
    return std::make_shared<LoadedKmip>(std::move(*kmip));
  }

  StatusRows RowsWithoutKeyring() const override {
    StatusRows rows;
    for (const char* name :
         {"Server_addr", "Server_port", "Client_ca", "Client_key", "Server_ca",
          "Object_group", "Max_objects", "Kmip_timeout_ms",
          "Tls_peer_verification", "Tls_hostname_verification"}) {
      rows.emplace_back(name, kNotApplicable);
    }
    return rows;
  }
};

}  // namespace

std::unique_ptr<KeyringProduct> MakeProduct() {
  return std::make_unique<KmipProduct>();
}

}  // namespace openkeyring::mysql
