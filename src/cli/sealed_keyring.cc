// SPDX-License-Identifier: MIT
#include "cli/sealed_keyring.h"

#include <utility>

#include "cli/backup_set.h"
#include "cli/commands/key_copy.h"
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "os/process.h"
#include "os/random.h"
#include "product/component_keyring_kms/kms_keyring.h"
#include "storage/key_names.h"

namespace openkeyring {
namespace {

using Opened = tl::expected<std::unique_ptr<OpenedSealedFile>, Failure>;

bool Changes(SealedUse use) {
  return use == SealedUse::kChange || use == SealedUse::kRewrap;
}
bool Rewraps(SealedUse use) {
  return use == SealedUse::kPlanRewrap || use == SealedUse::kRewrap;
}

// ---- component_keyring_kms -------------------------------------------------

class OpenedComponentFile : public OpenedSealedFile {
 public:
  explicit OpenedComponentFile(std::unique_ptr<KmsKeyring> keyring)
      : keyring_(std::move(keyring)) {}

  SealedFileSlots& slots() override { return *keyring_->slots(); }
  std::vector<Key> Keys() const override {
    std::vector<Key> keys;
    for (const Keyring::KeyPointer& key : keyring_->keyring().List()) {
      keys.push_back({key->name, key->type, key->data.Clone()});
    }
    return keys;
  }

 private:
  const std::unique_ptr<KmsKeyring> keyring_;
};

Opened OpenComponentFile(const SealedPlace& place, SealedUse use, Log& log) {
  FileSystem& files = PosixFileSystem();
  const std::string& data = place.installation.data_directory;
  Result<KmsComponentConfig> config =
      KmsComponentOptions(place.installation, files, log);
  if (!config) return Failed(config.error());
  config->read_only = !Changes(use);
  const Millis time = config->startup_deadline;
  auto opened = Rewraps(use)
                    ? KmsKeyring::OpenRewrapped(std::move(*config), data, log)
                    : KmsKeyring::Open(std::move(*config), nullptr, data,
                                       LoadRetry::kOnce, log);
  if (!opened) return Failed(opened.error());
  if ((*opened)->slots() == nullptr) {
    return UsageFailure(place.path + " is not a sealed file",
                        "keyringctl convert --to sealed makes one");
  }
  auto file = std::make_unique<OpenedComponentFile>(std::move(*opened));
  file->deadline = Deadline::After(SystemClock(), time);
  return file;
}

// ---- MariaDB's key set -----------------------------------------------------

class OpenedSet : public OpenedSealedFile {
 public:
  // Borrowed by `set`.
  struct Options {
    AwsDynamicOptions dynamic;
  };
  OpenedSet(std::unique_ptr<Options> options,
            std::unique_ptr<AwsKeyManagement> set)
      : options_(std::move(options)), set_(std::move(set)) {}

  SealedFileSlots& slots() override { return set_->opened_set()->slots(); }
  std::vector<Key> Keys() const override {
    std::vector<Key> keys;
    for (const auto& [name, key] : set_->opened_set()->keys()) {
      keys.push_back({name, key.type, key.data.Clone()});
    }
    return keys;
  }

 private:
  const std::unique_ptr<Options> options_;
  const std::unique_ptr<AwsKeyManagement> set_;
};

Opened OpenSet(const SealedPlace& place, SealedUse use, Log& log) {
  Result<KeyFilesOptions> options = KeyFilesOptionsOf(place.installation);
  if (!options) return Failed(options.error());
  AwsStartupOptions startup = options->startup;
  if (!place.installation.path.empty()) {
    startup.access.data_directory = options->directory;
  }
  auto borrowed = std::make_unique<OpenedSet::Options>();
  borrowed->dynamic.SetMasterKeyId(options->master_key_id);
  auto opened = AwsKeyManagement::OpenForTool(
      startup, borrowed->dynamic,
      {Changes(use), Rewraps(use), use != SealedUse::kLook}, log);
  if (!opened) return Failed(opened.error());
  auto file =
      std::make_unique<OpenedSet>(std::move(borrowed), std::move(*opened));
  file->deadline = Deadline::After(SystemClock(), startup.startup_deadline);
  return file;
}

// Where the set is, if the server would use one.
tl::expected<std::string, Failure> PathOfSet(const Installation& installation,
                                             Log& log) {
  std::string directory = installation.path;
  KeyStore wanted = KeyStore::kAuto;
  if (installation.is_configured) {
    const Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation);
    if (!options) return Failed(options.error());
    directory = options->directory;
    wanted = options->startup.key_store;
  }
  KeyDirectory names(PosixFileSystem(), SystemRandom(), log,
                     {directory, true, ""});
  const Result<KeyDirectory::Content> there = names.Look();
  if (!there) return FileFailed(there.error());
  const Result<StorePlan> plan = ChooseStore(wanted, false, *there, names);
  if (!plan) return Failed(plan.error());
  if (there->has_key_set) return names.PathOf(std::string(kKeySetFileName));
  return UsageFailure(
      directory + (there->files.empty()
                       ? " has no key set"
                       : " has key files, which have no key slots, and no key "
                         "set"),
      "with aws_key_management_key_store=SEALED, the next start of the server "
      "makes a key set");
}

}  // namespace

tl::expected<SealedPlace, Failure> SealedPlaceOf(
    const Installation& installation, Log& log) {
  tl::expected<std::string, Failure> path;
  switch (installation.product) {
    case Product::kComponentKeyringKms:
      path = PlaceOf(installation, PosixFileSystem(), log);
      break;
    case Product::kAwsKeyManagement:
      path = PathOfSet(installation, log);
      break;
    default:
      return UsageFailure(std::string(ProductName(installation.product)) +
                          " has no sealed keyring file, and so no key slots");
  }
  if (!path) return tl::unexpected(path.error());
  return SealedPlace{installation, *path};
}

tl::expected<SealedPlace, Failure> FindSealedFile(CommandContext& context,
                                                  Needs needs) {
  const auto installation = FindInstallation(context, PosixFileSystem(),
                                             SystemProcessRunner(), needs);
  if (!installation) return tl::unexpected(installation.error());
  return SealedPlaceOf(*installation, context.out);
}

Opened OpenSealedFile(const SealedPlace& place, SealedUse use, Log& log) {
  FileSystem& files = PosixFileSystem();
  const Outcome there = CheckIsThere(files, place.path);
  if (!there) return tl::unexpected(there.error());
  if (Changes(use)) {
    std::unique_ptr<WritableFile> lock;
    const Outcome free = LockFile(files, place.path, lock);
    if (!free) return tl::unexpected(free.error());
  }
  return place.installation.product == Product::kComponentKeyringKms
             ? OpenComponentFile(place, use, log)
             : OpenSet(place, use, log);
}

Outcome CheckMayChange(const Installation& installation, Log& log) {
  const Outcome writable = CheckNotReadOnly(installation, log);
  if (!writable || installation.product != Product::kAwsKeyManagement) {
    return writable;
  }
  const Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation);
  if (!options) return Failed(options.error());
  if (!options->master_key_id.empty()) return ExitCode::kOk;
  return UsageFailure(
      "no KMS key is configured that keys could be wrapped under; nothing was "
      "changed",
      "set aws_key_management_master_key_id");
}

Outcome CheckMayRewrite(const Installation& installation, Log& log) {
  const Outcome may = CheckNotInBackup(PosixFileSystem(), installation.path);
  return may ? CheckMayChange(installation, log) : may;
}

tl::expected<std::vector<Key>, Failure> ReadSealedKeys(const SealedPlace& place,
                                                       Log& log) {
  std::unique_ptr<WritableFile> lock;
  const Outcome locked = LockFile(PosixFileSystem(), place.path, lock);
  if (!locked) return tl::unexpected(locked.error());
  const auto opened = OpenSealedFile(place, SealedUse::kPlan, log);
  if (!opened) return tl::unexpected(opened.error());
  return (*opened)->Keys();
}

Outcome CompareSealedKeys(const SealedPlace& place,
                          const std::vector<Key>& before, Log& log) {
  const auto after = ReadSealedKeys(place, log);
  if (!after) return tl::unexpected(after.error());
  if (after->size() == before.size() &&
      CompareKeys(before, *after).equal == before.size()) {
    return ExitCode::kOk;
  }
  return Failed(
      {StatusCode::kCorrupt, place.path + " does not give back the same keys"});
}

}  // namespace openkeyring
