// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_KMS_KEYRING_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_KMS_KEYRING_H_

#include <memory>
#include <string>

#include "keyring/keyring.h"
#include "product/component_keyring_kms/kms_component_config.h"
#include "product/kms_services.h"
#include "product/loaded_keyring.h"
#include "storage/keyring_file.h"
#include "storage/sealed/sealed_file_backend.h"

namespace openkeyring {

// A MySQL keyring in a file sealed by AWS KMS, with everything it is built
// from. Threads: all methods may be called concurrently.
class KmsKeyring : public LoadedKeyring {
 public:
  // Opens the file, whatever its form, and loads all keys; the first time, what
  // may pass is tried until the configured startup deadline, if `retry` says
  // so. Where the file has a slot for the local unlock file, everything is
  // tried until then, and only afterwards that slot. `previous`, when there is
  // one, serves until this succeeds, and a lock that it has on the same file is
  // shared; a load that lacks one of its keys is refused. Files that are
  // created belong to whom OwnerOfNewFile names; where `data_directory` has
  // encrypted data, no new keyring is created. `log` is borrowed.
  static Result<std::unique_ptr<KmsKeyring>> Open(
      KmsComponentConfig config, KmsKeyring* previous,
      const std::string& data_directory, LoadRetry retry, Log& log);
  // For tools, and once: an error unless everything that the file has is
  // wrapped as configured when it returns. kReadOnly when `config` says
  // read_only and something would have to be wrapped again, kMisconfigured when
  // an alias is another KMS key now than the one that wraps a sealed file. The
  // file must be there.
  static Result<std::unique_ptr<KmsKeyring>> OpenRewrapped(
      KmsComponentConfig config, const std::string& data_directory, Log& log);

  // For tools, and once: reads a sealed file as Open does, without a change,
  // and keeps no key: how many there are.
  static Result<size_t> VerifySealedFile(KmsComponentConfig config, Log& log);

  // For tools, and once: as a start opens the file after its deadline, when no
  // KMS key has opened it. Nothing is made or wrapped. kNotFound where a start
  // has no local unlock file for it.
  static Result<std::unique_ptr<KmsKeyring>> OpenByLocalFile(
      KmsComponentConfig config, const std::string& data_directory, Log& log);

  Keyring& keyring() override { return *keyring_; }
  StatusRows Rows() const override;
  MetricValues Metrics() const override;
  // For tools: the key slots of a sealed file; null for a JSON file.
  SealedFileSlots* slots() {
    return sealed_ == nullptr ? nullptr : &sealed_->store().slots();
  }

 private:
  explicit KmsKeyring(KmsComponentConfig config) : config_(std::move(config)) {}
  static Result<std::unique_ptr<KmsKeyring>> Make(
      KmsComponentConfig config, KmsKeyring* previous,
      const std::string& data_directory, Log& log);
  FileBackendOptions BackendOptions() const;
  Status Load(KmsKeyring* previous, const std::string& data_directory,
              LoadRetry retry, Log& log);
  Status CheckAliases(const Deadline& deadline, Log& log) const;
  bool MayUseLocalSlot() const;
  // After the startup deadline, `why_not` being what every other slot said.
  Status LoadByLocalSlot(FileBackendOptions options,
                         const std::string& data_directory,
                         const Status& why_not, Log& log);
  Status LoadKeys(const FileBackendOptions& options,
                  const std::string& data_directory, const Deadline& deadline,
                  Log& log);
  void NoteFormat(const std::string& data_directory, Log& log) const;
  // The backend for the form that the file has.
  Result<std::unique_ptr<KeyringBackend>> MakeBackend(
      const FileBackendOptions& options, const std::string& data_directory,
      Log& log);

  std::unique_ptr<SealedFileBackend> MakeSealedBackend(
      const FileBackendOptions& options, Log& log);

  const KmsComponentConfig config_;
  KeyringFileFormat format_ = KeyringFileFormat::kSealed;  // Of the file.
  std::unique_ptr<KmsServices> kms_;
  std::shared_ptr<KeyringFile> file_;
  std::unique_ptr<Keyring> keyring_;     // It stands on the others.
  SealedFileBackend* sealed_ = nullptr;  // The keyring's; null: a JSON file.
};

// The keyring of component_keyring_kms.
class KmsKeyringLoader : public KeyringLoader {
 public:
  Result<std::shared_ptr<LoadedKeyring>> Load(
      const ServerDirectories& directories, LoadRetry retry, Log& log) override;
  StatusRows RowsWithoutKeyring() const override;

 private:
  std::shared_ptr<KmsKeyring> serving_;  // Of the last successful load.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_KMS_KEYRING_H_
