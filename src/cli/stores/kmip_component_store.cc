// SPDX-License-Identifier: MIT
// The keys of component_keyring_kmip, on its server.
#include "cli/interruption.h"
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "product/component_keyring_kmip/kmip_keyring.h"

namespace openkeyring {
namespace {

class KmipComponentStore : public KeyringStore {
 public:
  explicit KmipComponentStore(StoreSettings settings)
      : installation_(std::move(settings.installation)), log_(settings.log) {}

  std::string Description() const override {
    return "component_keyring_kmip" + (place_.empty() ? "" : " on " + place_);
  }

  tl::expected<Keys, Failure> ReadAll() override {
    const auto opened = Open(true);
    if (!opened) return tl::unexpected(opened.error());
    Keys keys;
    for (const Keyring::KeyPointer& key : (*opened)->keyring().List()) {
      keys.push_back({key->name, key->type, key->data.Clone()});
    }
    return keys;
  }

  const char* ActionOfAdd() override { return "add to"; }

  Outcome Add(const std::vector<const Key*>& keys,
              const Progress& progress) override {
    const auto opened = Open(false);
    if (!opened) return tl::unexpected(opened.error());
    for (size_t i = 0; i < keys.size(); ++i) {
      const Status status = (*opened)->keyring().Store(
          {keys[i]->name, keys[i]->type, keys[i]->data.Clone()});
      if (!status.ok()) return AddFailed(status, i, keys.size());
      if (!progress(i + 1, keys.size())) return Interrupted();
    }
    return ExitCode::kOk;
  }

 private:
  tl::expected<std::unique_ptr<KmipKeyring>, Failure> Open(bool read_only) {
    Result<KmipComponentConfig> config =
        KmipComponentOptions(installation_, PosixFileSystem(), log_);
    if (!config) return Failed(config.error());
    config->read_only = config->keys.read_only = config->group.read_only =
        read_only;
    if (!installation_.data_directory.empty()) {
      config->group.note_owner =
          OwnerForNewFile(PosixFileSystem(), config->group.note_path);
    }
    place_ = "";
    for (const Endpoint& server : config->kmip.servers) {
      place_ += (place_.empty() ? "" : ", ") + server.Text();
    }
    if (!config->group.object_group.empty()) {
      place_ += ", object group " + config->group.object_group;
    }
    auto opened = KmipKeyring::Open(std::move(*config), false, log_);
    if (!opened) return Failed(opened.error());
    return std::move(*opened);
  }

  const Installation installation_;
  Log& log_;
  std::string place_;
};

}  // namespace

std::unique_ptr<KeyringStore> MakeKmipComponentStore(StoreSettings settings) {
  return std::make_unique<KmipComponentStore>(std::move(settings));
}

}  // namespace openkeyring
