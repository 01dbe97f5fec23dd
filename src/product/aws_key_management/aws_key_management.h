// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_AWS_KEY_MANAGEMENT_H_
#define OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_AWS_KEY_MANAGEMENT_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "product/aws_key_management/key_store.h"
#include "product/dynamic_key_options.h"
#include "product/key_access.h"
#include "product/key_slot_options.h"
#include "product/kms_service.h"
#include "product/kms_services.h"
#include "product/slot_keys.h"
#include "storage/mariadb_files/key_file_backend.h"
#include "storage/sealed/key_set_backend.h"
#include "storage/sealed/opened_key_set.h"

namespace openkeyring {

// Options that SET GLOBAL may change. Threads: all members concurrently.
struct AwsDynamicOptions : DynamicKeyOptions {
  std::atomic<BindPolicy> bind_policy{BindPolicy::kOn};

  std::string master_key_id() const;
  void SetMasterKeyId(std::string id);

 private:
  mutable std::mutex mutex_;
  std::string master_key_id_;
};

// Options that are fixed at start.
struct AwsStartupOptions {
  std::string region;
  std::string endpoint_url;
  bool allow_unencrypted_endpoint = false;
  std::string keyfile_dir;
  Millis request_timeout{0};  // 0: the defaults, 2 s to connect, 3 s in all.
  size_t load_parallelism = 16;
  Millis startup_deadline{60000};
  KeyStore key_store = KeyStore::kAuto;
  KeySource key_source = KeySource::kKms;
  // Of the key set's slots. Paths of PEM files, separated by commas.
  std::string recovery_public_key;
  std::string local_unlock_file;
  KeyAccess access;
  bool mock = false;                  // Needs OPENKEYRING_MOCK_KMS.
  ReplayProgress progress = nullptr;  // For tools: of a key set that is read.
};

// MariaDB's keys in files that AWS KMS encrypts, or in a key set that it opens:
// from options to loaded keys.
// Threads: all methods may be called concurrently.
class AwsKeyManagement {
 public:
  // Loads the keys. An error means that the options cannot work; a KMS that
  // does not answer is not an error, except to a program that is not the
  // database server, which must not work on with a part of the keys. `dynamic`
  // and `log` are borrowed.
  static Result<std::unique_ptr<AwsKeyManagement>> Open(
      const AwsStartupOptions& startup, const AwsDynamicOptions& dynamic,
      Log& log);

  // For tools, and once: the key set and its slots, with all checks of a start
  // and no keys() afterwards. With use.must_rewrap, kMisconfigured also when an
  // alias is another KMS key now than the one that made a slot.
  static Result<std::unique_ptr<AwsKeyManagement>> OpenForTool(
      const AwsStartupOptions& startup, const AwsDynamicOptions& dynamic,
      const KeySetUse& use, Log& log);
  // For tools: the bytes of a new key set of these records and of that
  // installation, under the configured keys (key_set_store.h).
  static Result<Bytes> BuildKeySetFile(const AwsStartupOptions& startup,
                                       const AwsDynamicOptions& dynamic,
                                       const std::string& installation,
                                       const std::vector<Key>& records,
                                       Log& log);
  // For tools: why a start with these options fails before it asks AWS KMS or
  // looks for keys, or Ok.
  static Status CheckOptions(const AwsStartupOptions& startup,
                             const AwsDynamicOptions& dynamic, Log& log);
  // For tools: why a start with these options refuses key files, which have one
  // KMS key each, although it has found them, or Ok.
  static Status CheckKeyFiles(const AwsStartupOptions& startup,
                              const AwsDynamicOptions& dynamic, Log& log);
  // Null unless it was opened for a tool.
  OpenedKeySet* opened_set() { return opened_set_.get(); }

  VersionedKeys& keys() { return *keys_; }
  // For status variables; zeros and "mock" with the mock.
  CallStatistics statistics() const;
  std::string credential_source() const;
  // All but what the server knows (EncryptionPlugin).
  MetricValues Metrics() const;
  // Which store is in use: "FILES" or "SEALED".
  std::string store_name() const;
  // Null when keys are in files.
  const KeySetBackend* key_set() const { return key_set_.get(); }

 private:
  AwsKeyManagement(const AwsStartupOptions& startup,
                   const AwsDynamicOptions& dynamic, Log& log)
      : startup_(startup),
        dynamic_(dynamic),
        log_(log),
        may_create_(startup.access, PosixFileSystem()) {}

  Status Connect();
  Status ReadSlotOptions();
  LocalUnlockFile LocalUnlock() const;
  // Why key files, which have one KMS key each, cannot be used, or Ok.
  Status CheckOneKey() const;
  // Opens the key set by its last resort when everything else has failed until
  // the startup deadline.
  void OpenByAnySlot();
  Status OpenStore();
  Status OpenFiles();
  Status OpenKeySet();
  // Brings the keys that were opened from files into a key set, unless one of
  // them cannot be had: then the files stay in use.
  Status ImportFiles();
  Status ImportInto(KeySetBackend& key_set, size_t& versions);
  KeySetDependencies Dependencies() const;
  KeySetOptions SetOptions();
  std::unique_ptr<KeySetBackend> MakeKeySet();
  std::vector<KeyWrapper*> KmsKeys();
  Status CheckKeys() const;
  KeyWrapper& wrapper();
  KeyDirectory::Options Directory() const;
  std::string DataDirectory() const;
  std::unique_ptr<KeySlots> MakeSlots();
  void UseKeysOf(VersionedBackend& backend);

  const AwsStartupOptions startup_;
  const AwsDynamicOptions& dynamic_;
  Log& log_;
  const CreationRule may_create_;
  std::unique_ptr<KmsService> kms_;  // Null with the mock.
  // When there are several KMS keys: a client for each, which opens the key
  // set. Else none.
  std::unique_ptr<KmsServices> slot_kms_;
  std::vector<RecoveryKey> recovery_keys_;
  std::unique_ptr<KeyWrapper> mock_wrapper_;
  std::unique_ptr<KeyFileBackend> files_;   // One of the two, and, while keys
  std::unique_ptr<KeySetBackend> key_set_;  // are imported, both.
  std::unique_ptr<VersionedKeys> keys_;
  std::unique_ptr<OpenedKeySet> opened_set_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_AWS_KEY_MANAGEMENT_AWS_KEY_MANAGEMENT_H_
