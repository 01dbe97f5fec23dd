// SPDX-License-Identifier: MIT
// MariaDB's keys: those of aws_key_management, in key files or a key set, and
// those of kmip_key_management, on its server.
#include <algorithm>

#include "cli/interruption.h"
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "cli/readers/key_versions.h"
#include "cli/server_use.h"
#include "os/process.h"
#include "os/random.h"
#include "product/aws_key_management/key_store.h"
#include "storage/kmip/kmip_versioned_backend.h"
#include "storage/mariadb_files/key_file_backend.h"
#include "storage/sealed/key_set_backend.h"

namespace openkeyring {
namespace {

using Keys = KeyringStore::Keys;

Keys KeysOf(VersionedSecrets versions) {
  Keys keys;
  for (auto& [version, secret] : versions) {
    keys.push_back({NameOfVersion(version), kVersionType, std::move(secret)});
  }
  return keys;
}

class VersionsStore : public KeyringStore {
 public:
  explicit VersionsStore(StoreSettings settings)
      : installation_(std::move(settings.installation)),
        role_(settings.role),
        log_(settings.log) {}

  bool is_for_mariadb() const override { return true; }

  // A version that only the target has would be the latest one of its id, and
  // data are encrypted with it by nobody, or by a server that went on there.
  Outcome CheckTarget(const Keys& source, const Keys& target) const override {
    std::set<uint32_t> ids;
    std::set<KeyVersion> versions;
    for (const Key& key : source) {
      const auto version = VersionOfName(key.name);
      if (!version) continue;
      ids.insert(version->id);
      versions.insert(*version);
    }
    std::string more;
    for (const Key& key : target) {
      const auto version = VersionOfName(key.name);
      if (!version || !ids.contains(version->id)) continue;
      if (versions.contains(*version)) continue;
      more += (more.empty() ? "" : ", ") + key.name.data_id;
    }
    if (more.empty()) return ExitCode::kOk;
    return tl::unexpected(Failure(
        {StatusCode::kAlreadyExists,
         Description() +
             " has versions of these keys that are not in what is "
             "to be copied: " +
             more + "; nothing was changed"},
        ExitCode::kFailed,
        "a server has rotated keys there: copy in the other direction, or "
        "choose an empty one"));
  }

 protected:
  // Versions are made one after the other. What data need of one that is gone
  // is lost already, and the others are worth a copy all the same.
  void WarnOfGaps(const VersionedSecrets& keys) const {
    if (role_ != StoreRole::kSource) return;
    for (const auto& [key, secret] : keys) {
      const KeyVersion before{key.id, key.version - 1};
      if (key.version == 1 || keys.contains(before)) continue;
      log_.Write(LogLevel::kWarning,
                 Description() + " lacks version " +
                     std::to_string(before.version) + " of key " +
                     std::to_string(key.id) + ", of which version " +
                     std::to_string(key.version) +
                     " is there: restore it from a backup, or what needs it "
                     "cannot be read");
    }
  }

  const Installation installation_;
  const StoreRole role_;
  Log& log_;
};

// Files that root makes would be root's, and the server could not read them.
Outcome CheckUser(const std::string& directory) {
  const auto owner = OwnerForNewFile(PosixFileSystem(), directory + "/file");
  if (EffectiveUser() != 0 || !owner || owner->user == 0) return ExitCode::kOk;
  return UsageFailure(directory + " belongs to user " +
                          std::to_string(owner->user) +
                          ", and the files of root would not",
                      "run the command as that user, with sudo -u");
}

class KeyFilesStore : public VersionsStore {
 public:
  using VersionsStore::VersionsStore;

  std::string Description() const override {
    return "aws_key_management" + (place_.empty() ? "" : " in " + place_);
  }

  tl::expected<Keys, Failure> ReadAll() override {
    const Outcome opened = Open();
    if (!opened) return tl::unexpected(opened.error());
    auto keys = ReadKeyVersions(options_, kms_, log_);
    if (!keys) return Failed(keys.error());
    if (keys->empty() && role_ == StoreRole::kSource) {
      return UsageFailure(options_.directory + " has no keys to copy",
                          "is it the directory that the server uses?");
    }
    WarnOfGaps(*keys);
    return KeysOf(std::move(*keys));
  }

  const char* ActionOfAdd() override { return "add to"; }

  Outcome Add(const std::vector<const Key*>& keys,
              const Progress& progress) override {
    const Outcome opened = Open();
    if (!opened) return opened;
    const Outcome user = CheckUser(options_.directory);
    if (!user) return user;
    KeyDirectory directory(files_, SystemRandom(), log_,
                           {options_.directory, true, ""});
    const auto there = directory.Look();
    if (!there) return Failed(there.error());
    const auto plan =
        ChooseStore(options_.startup.key_store, true, *there, directory);
    if (!plan) return Failed(plan.error());
    switch (*plan) {
      case StorePlan::kKeySet:
        return AddToKeySet(keys, progress);
      case StorePlan::kFiles:
        return AddFiles(keys, progress);
      case StorePlan::kImport:
        break;
    }
    return UsageFailure(
        options_.directory +
            " has key files, and aws_key_management_key_store=SEALED",
        "start the server once with that option: it makes the key set");
  }

 private:
  // With the lock on a key set, as long as this lives.
  Outcome Open() {
    auto options = KeyFilesOptionsOf(installation_);
    if (!options) return Failed(options.error());
    options_ = std::move(*options);
    place_ = options_.directory;
    auto kms = OpenKms(installation_, files_, log_);
    if (!kms) return Failed(kms.error());
    kms_ = std::move(*kms);
    return LockFile(files_, SetPath(), lock_);
  }

  std::string SetPath() const {
    return JoinPath(options_.directory, std::string(kKeySetFileName));
  }

  Deadline Soon() const {
    return Deadline::After(SystemClock(), kms_.deadline);
  }

  Outcome AddFiles(const std::vector<const Key*>& keys,
                   const Progress& progress) {
    KeyFileBackend backend(kms_.service->wrapper(), files_, SystemRandom(),
                           log_,
                           {{options_.directory, false, ""},
                            [this] { return options_.bind_policy; },
                            options_.startup.access.data_directory});
    Status status = backend.Prepare();
    if (!status.ok()) return Failed(status);
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto version = VersionOfName(keys[i]->name);
      if (!version) return Failed(NotAVersion(*keys[i]));
      status = backend.Store(*version, keys[i]->data, Soon());
      if (!status.ok()) return AddFailed(status, i, keys.size());
      if (!progress(i + 1, keys.size())) return Interrupted();
    }
    return ExitCode::kOk;
  }

  // One durable write for all of them.
  Outcome AddToKeySet(const std::vector<const Key*>& keys,
                      const Progress& progress) {
    const auto slots = OpenSlotKeys(installation_, files_, log_);
    if (!slots) return Failed(slots.error());
    std::map<KeyVersion, const Secret*> versions;
    for (const Key* key : keys) {
      const auto version = VersionOfName(key->name);
      if (!version) return Failed(NotAVersion(*key));
      versions[*version] = &key->data;
    }
    lock_.reset();  // The set locks itself.
    std::vector<std::unique_ptr<KmsServices>> services;
    KeySetBackend backend({files_, SystemRandom(), SystemClock(), log_},
                          SetOptions(services));
    Status status = backend.Prepare();
    if (status.ok()) status = backend.Store(versions, Soon());
    if (!status.ok()) return AddFailed(status, 0, keys.size());
    (void)progress(keys.size(), keys.size());
    return ExitCode::kOk;
  }

  // `services` borrows nothing, and must live as long as the backend.
  KeySetOptions SetOptions(
      std::vector<std::unique_ptr<KmsServices>>& services) {
    KeySetOptions options;
    options.keys = {options_.directory, false, ""};
    options.data_directory = options_.startup.access.data_directory;
    options.makers = {&kms_.service->wrapper()};
    options.slots = [this, &services] {
      auto access = OpenSlotKeys(installation_, files_, log_);
      if (!access) return std::make_unique<KeySlots>(SlotKeys(), SystemClock());
      services.push_back(std::move(access->kms));
      return std::move(access->keys);
    };
    return options;
  }

  static Status NotAVersion(const Key& key) {
    return {StatusCode::kInvalidArgument,
            ToString(key.name) + " is not a version of a key of MariaDB"};
  }

  FileSystem& files_ = PosixFileSystem();
  KeyFilesOptions options_;
  KmsAccess kms_;
  std::string place_;
  std::unique_ptr<WritableFile> lock_;
};

class KmipVersionsStore : public VersionsStore {
 public:
  using VersionsStore::VersionsStore;

  std::string Description() const override {
    return "kmip_key_management" + (place_.empty() ? "" : " on " + place_);
  }

  tl::expected<Keys, Failure> ReadAll() override {
    auto options = Options();
    if (!options) return Failed(options.error());
    Server server(std::move(*options), log_);
    if (!server.status.ok()) return Failed(server.status);
    const auto listed = server.backend->List();
    if (!listed) return Failed(listed.error());
    // Two objects of one version are compared when it is fetched.
    const std::set<KeyVersion> versions(listed->begin(), listed->end());
    VersionedSecrets keys;
    for (const KeyVersion version : versions) {
      auto key = server.backend->Fetch(version, server.Soon());
      if (!key) return Failed(key.error());
      keys.emplace(version, std::move(*key));
      if (installation_.progress) {
        installation_.progress(keys.size(), versions.size());
      }
    }
    WarnOfGaps(keys);
    return KeysOf(std::move(keys));
  }

  const char* ActionOfAdd() override { return "add to"; }

  Outcome Add(const std::vector<const Key*>& keys,
              const Progress& progress) override {
    auto options = Options();
    if (!options) return Failed(options.error());
    const Outcome user = CheckUser(DirectoryName(options->group.note_path));
    if (!user) return user;
    options->group.read_only = false;
    Server server(std::move(*options), log_);
    if (!server.status.ok()) return Failed(server.status);
    const auto listed = server.backend->List();  // Makes the marker.
    if (!listed) return Failed(listed.error());
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto version = VersionOfName(keys[i]->name);
      const Status status =
          version
              ? server.backend->Store(*version, keys[i]->data, server.Soon())
              : Status(StatusCode::kInvalidArgument, "not a version");
      if (!status.ok()) return AddFailed(status, i, keys.size());
      if (!progress(i + 1, keys.size())) return Interrupted();
    }
    return ExitCode::kOk;
  }

 private:
  // The parts that a backend stands on.
  struct Server {
    Server(KmipStartupOptions options, Log& log)
        : limit(options.startup_deadline) {
      auto made = KmipService::Make(std::move(options.kmip), log);
      if (!made) {
        status = made.error();
        return;
      }
      service = std::move(*made);
      group = std::make_unique<KmipGroup>(service->client(), PosixFileSystem(),
                                          SystemRandom(), log, options.group);
      backend = std::make_unique<KmipVersionedBackend>(
          service->client(), *group, SystemClock(), SystemRandom(), log,
          KmipVersionedBackend::Options{options.max_objects,
                                        [this] { return limit; }});
    }
    Deadline Soon() const { return Deadline::After(SystemClock(), limit); }

    const Millis limit;
    Status status;
    std::unique_ptr<KmipService> service;
    std::unique_ptr<KmipGroup> group;
    std::unique_ptr<KmipVersionedBackend> backend;
  };

  Result<KmipStartupOptions> Options() {
    auto options = KmipVersionsOptionsOf(installation_);
    if (!options) return options.error();
    place_ = "";
    for (const Endpoint& server : options->kmip.servers) {
      place_ += (place_.empty() ? "" : ", ") + server.Text();
    }
    if (!options->group.object_group.empty()) {
      place_ += ", object group " + options->group.object_group;
    }
    return options;
  }

  std::string place_;
};

}  // namespace

tl::expected<std::unique_ptr<KeyringStore>, Failure> OpenVersionsStore(
    CommandContext& context, const Installation& installation, StoreRole role) {
  std::string directory = installation.data_directory;
  const bool is_aws = installation.product == Product::kAwsKeyManagement;
  if (is_aws) {
    const auto options = KeyFilesOptionsOf(installation);
    if (!options) return Failed(options.error());
    directory = options->directory;
  }
  const Outcome unused =
      CheckNoServerUses(directory, installation, context, PosixFileSystem(),
                        SystemProcessRunner());
  if (!unused) return tl::unexpected(unused.error());
  StoreSettings settings = {installation, role, context.out};
  return is_aws ? MakeKeyFilesStore(std::move(settings))
                : MakeKmipVersionsStore(std::move(settings));
}

std::unique_ptr<KeyringStore> MakeKeyFilesStore(StoreSettings settings) {
  return std::make_unique<KeyFilesStore>(std::move(settings));
}

std::unique_ptr<KeyringStore> MakeKmipVersionsStore(StoreSettings settings) {
  return std::make_unique<KmipVersionsStore>(std::move(settings));
}

}  // namespace openkeyring
