// SPDX-License-Identifier: MIT
// Keys that are objects on a KMIP server. Lists without a probe object, makes
// neither a marker nor a note, and activates nothing.
#include <algorithm>
#include <tuple>

#include "cli/interruption.h"
#include "cli/product_options.h"
#include "cli/readers/wrapped_keys.h"
#include "cli/stored_keyring.h"
#include "os/random.h"
#include "product/component_keyring_kmip/kmip_keyring.h"
#include "storage/kmip/kmip_versioned_backend.h"
#include "storage/kmip/mariadb_key_identity.h"
#include "storage/kmip/mysql_key_identity.h"

namespace openkeyring {
namespace {

const char* StateText(KmipLifecycle lifecycle) {
  switch (lifecycle) {
    case KmipLifecycle::kPreActive:
      return "pre-active";
    case KmipLifecycle::kActive:
      return "";
    case KmipLifecycle::kDeactivated:
      return "deactivated";
    case KmipLifecycle::kDestroyed:
      return "destroyed";
  }
  return "";
}

std::string ServersText(const std::vector<Endpoint>& servers) {
  std::string text;
  for (const Endpoint& server : servers) {
    text += (text.empty() ? "" : ", ") + server.Text();
  }
  return text;
}

// What an object says about itself, whatever key it is.
StoredKey KeyOfObject(const KmipAttributes& attributes) {
  StoredKey key;
  key.place = attributes.unique_identifier.value_or("");
  key.state = StateText(KmipLifecycleOf(attributes));
  if (attributes.length && *attributes.length > 0) {
    key.bytes = static_cast<size_t>(*attributes.length) / 8;
  }
  if (attributes.initial_date) {
    key.created = WallTime(*attributes.initial_date);
  }
  return key;
}

// Objects of a group, as the products list them.
class KmipReader : public KeyringReader {
 public:
  KmipReader(const Installation& installation, FileSystem& files, Log& log)
      : installation_(installation), files_(files), log_(log) {}

 protected:
  tl::expected<StoredKeyring, Failure> ListObjects(
      KmipServiceOptions options, const std::string& object_group,
      const std::vector<KmipObjectType>& types, Millis time) {
    StoredKeyring keyring;
    keyring.place = ServersText(options.servers);
    const auto service = KmipService::Make(std::move(options), log_);
    if (!service) return Failed(service.error());
    KmipSession session((*service)->client());
    KmipObjects objects(session, log_, KmipProbe::kForbidden);
    const Deadline deadline = Deadline::After(SystemClock(), time);
    std::vector<StoredKey> keys;
    for (const KmipObjectType type : types) {
      const auto found = objects.ListGroup(object_group, type, deadline);
      if (!found) return Failed(found.error());
      for (const KmipAttributes& one : *found) AddObject(one, keyring, keys);
    }
    const KmipClientStatus status = (*service)->client().status();
    keyring.format = "KMIP " + status.version;
    keyring.facts.insert(keyring.facts.begin(),
                         {{"server", status.server},
                          {"tls", status.tls},
                          {"object_group", object_group}});
    Sort(keys);
    keyring.keys = std::move(keys);
    return keyring;
  }

  virtual Result<bool> Identify(const KmipAttributes& attributes,
                                StoredKey& key) = 0;

  const Installation installation_;
  FileSystem& files_;
  Log& log_;

 private:
  void AddObject(const KmipAttributes& attributes, StoredKeyring& keyring,
                 std::vector<StoredKey>& keys) {
    if (const auto marker = ReadKmipGroupMarker(attributes)) {
      keyring.facts.emplace_back("group_marker", marker->id);
      return;
    }
    StoredKey key = KeyOfObject(attributes);
    const Result<bool> is_key = Identify(attributes, key);
    if (!is_key) {
      log_.Write(LogLevel::kWarning, is_key.error().message());
    } else if (*is_key && !IsMarkedRemoved(attributes)) {
      keys.push_back(std::move(key));
    }
  }

  static void Sort(std::vector<StoredKey>& keys) {
    std::ranges::sort(keys, [](const StoredKey& a, const StoredKey& b) {
      // Numbers of MariaDB's keys in their order.
      if (a.version && b.version && a.id.size() != b.id.size()) {
        return a.id.size() < b.id.size();
      }
      return std::tie(a.id, a.owner, a.version) <
             std::tie(b.id, b.owner, b.version);
    });
  }
};

class KmipComponentReader : public KmipReader {
 public:
  using KmipReader::KmipReader;

  tl::expected<StoredKeyring, Failure> List() override {
    Result<KmipComponentConfig> config =
        KmipComponentOptions(installation_, files_, log_);
    if (!config) return Failed(config.error());
    return ListObjects(
        std::move(config->kmip), config->group.object_group,
        {KmipObjectType::kSymmetricKey, KmipObjectType::kSecretData},
        config->startup_deadline);
  }

  tl::expected<Verification, Failure> Verify(
      const Progress& progress) override {
    Result<KmipComponentConfig> config =
        KmipComponentOptions(installation_, files_, log_);
    if (!config) return Failed(config.error());
    const std::string place = ServersText(config->kmip.servers);
    const auto opened = KmipKeyring::Open(std::move(*config), false, log_);
    Verification found;
    found.place = place;
    if (opened) {
      found.keys = (*opened)->keyring().size();
      if (watcher_) {
        for (const auto& key : (*opened)->keyring().List()) {
          watcher_(key->name, key->data);
        }
      }
      (void)progress(found.keys, found.keys);
      return found;
    }
    if (ExitCodeOf(opened.error()) != ExitCode::kProblems) {
      return Failed(opened.error());
    }
    found.problems.push_back({place, opened.error()});
    return found;
  }

 protected:
  Result<bool> Identify(const KmipAttributes& attributes,
                        StoredKey& key) override {
    const auto identity = ReadMysqlKeyIdentity(attributes);
    if (!identity) return identity.error();
    if (!*identity) return false;
    key.id = (*identity)->name.data_id;
    key.owner = (*identity)->name.auth_id;
    key.type = (*identity)->type;
    // A store that failed, not a key.
    if (key.state == "pre-active" && (*identity)->is_ours()) {
      key.state = "unfinished";
    }
    return key.state != "destroyed";
  }
};

class KmipVersionsReader : public KmipReader {
 public:
  using KmipReader::KmipReader;

  tl::expected<StoredKeyring, Failure> List() override {
    Result<KmipStartupOptions> options = KmipVersionsOptionsOf(installation_);
    if (!options) return Failed(options.error());
    return ListObjects(std::move(options->kmip), options->group.object_group,
                       {KmipObjectType::kSymmetricKey},
                       options->startup_deadline);
  }

  tl::expected<Verification, Failure> Verify(
      const Progress& progress) override {
    Result<KmipStartupOptions> options = KmipVersionsOptionsOf(installation_);
    if (!options) return Failed(options.error());
    const Millis time = options->startup_deadline;
    const std::string place = ServersText(options->kmip.servers);
    const auto service = KmipService::Make(std::move(options->kmip), log_);
    if (!service) return Failed(service.error());
    KmipGroup group((*service)->client(), files_, SystemRandom(), log_,
                    options->group);
    KmipVersionedBackend backend(
        (*service)->client(), group, SystemClock(), SystemRandom(), log_,
        {options->max_objects, [time] { return time; }});
    const auto versions = backend.List();
    if (!versions) return Failed(versions.error());
    Verification found;
    found.place = place;
    for (size_t i = 0; i < versions->size(); ++i) {
      const KeyVersion version = (*versions)[i];
      const Status status =
          backend.Fetch(version, Deadline::After(SystemClock(), time)).status();
      if (status.ok()) {
        ++found.keys;
      } else if (LeavesKeyUnknown(status)) {
        return Failed(status);
      } else {
        found.problems.push_back({backend.Describe(version), status});
      }
      if (!progress(i + 1, versions->size())) return Interrupted();
    }
    return found;
  }

 protected:
  Result<bool> Identify(const KmipAttributes& attributes,
                        StoredKey& key) override {
    const auto identity = ReadMariaDbKeyIdentity(attributes);
    if (!identity) return identity.error();
    if (!*identity) return false;
    key.id = std::to_string((*identity)->key.id);
    key.version = (*identity)->key.version;
    key.type = "AES";
    if (key.state == "pre-active") key.state = "unfinished";
    return true;
  }
};

}  // namespace

std::unique_ptr<KeyringReader> MakeKmipComponentReader(
    const Installation& installation, FileSystem& files, Log& log) {
  return std::make_unique<KmipComponentReader>(installation, files, log);
}

std::unique_ptr<KeyringReader> MakeKmipVersionsReader(
    const Installation& installation, FileSystem& files, Log& log) {
  return std::make_unique<KmipVersionsReader>(installation, files, log);
}

}  // namespace openkeyring
