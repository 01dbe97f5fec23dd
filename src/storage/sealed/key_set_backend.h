// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_KEY_SET_BACKEND_H_
#define OPENKEYRING_STORAGE_SEALED_KEY_SET_BACKEND_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "keyring/versioned_backend.h"
#include "os/clock.h"
#include "os/single_flight.h"
#include "storage/sealed/key_set_location.h"
#include "storage/sealed/key_set_store.h"

namespace openkeyring {

// MariaDB's keys in one sealed file: one call of KMS opens it, however many
// there are, and all versions that are made together are one append.
//
// The file is made with the first key. One server has it, locked; programs that
// are not the server read it without the lock, also while it grows. Until KMS
// has answered, the set is known by what it says that it holds.
//
// Threads: all methods may be called concurrently, Prepare before all others. A
// mutex is held while keys are appended, never during a call of KMS.
class KeySetBackend : public VersionedBackend {
 public:
  KeySetBackend(const KeySetDependencies& dependencies, KeySetOptions options);

  // Finds the set and locks it. kMisconfigured, with the fix, when this cannot
  // be the right one, or when another server has it.
  Status Prepare();
  // Makes the set from keys that were read from key files (key_set_store.h).
  Status Import(const std::map<KeyVersion, const Secret*>& keys,
                const Deadline& deadline);
  // Opens the set, should there be one.
  Status OpenExisting(const Deadline& deadline);
  // From now on a key of last resort may open the set.
  void AllowLastResort();

  Result<std::vector<KeyVersion>> List() override;
  bool ListIsProven() const override;
  Status ProveList(const Deadline& deadline) override;
  Result<Secret> Fetch(KeyVersion key, const Deadline& deadline) override;
  Status Create(KeyVersion key, size_t bytes,
                const Deadline& deadline) override;
  bool creates_together() const override { return true; }
  std::vector<Status> CreateAll(
      const std::vector<KeyVersion>& keys, size_t bytes,
      const std::function<Deadline()>& deadline) override;
  // For tools: adds keys that were made elsewhere, all of them or none, and
  // makes the set when there is none. kAlreadyExists, and nothing changed, when
  // it has one of them.
  Status Store(const std::map<KeyVersion, const Secret*>& keys,
               const Deadline& deadline);
  std::string Describe(KeyVersion key) const override;

  // The set as it was opened last, for status variables; null before.
  std::shared_ptr<const SealedStore> store() const;

 private:
  using Flights = SingleFlight<int, Status>;

  // Opens the set unless that is done. Without `may_create`, kNotFound when
  // there is none.
  Status Open(bool may_create, const Deadline& deadline);
  Status OpenNow(bool may_create, const Deadline& deadline);
  // `size`: the file's, from before it was read.
  Status Adopt(std::unique_ptr<SealedStore> store, SealedStore::Keys keys,
               uint64_t size);
  bool HasGrown() const;
  Result<Secret> TakeOpened(KeyVersion key);
  Result<ListedKeySet> Names();
  Status MayCreate() const;
  std::vector<Result<Secret>> MakeSecrets(
      const std::vector<KeyVersion>& keys, size_t bytes,
      const std::function<Deadline()>& deadline);
  Result<Secret> MakeSecret(KeyVersion key, size_t bytes,
                            const Deadline& deadline);
  Result<Secret> AskMakers(size_t bytes, const EncryptionContext& context,
                           const Deadline& deadline);
  void Append(const std::vector<KeyVersion>& keys,
              std::vector<Result<Secret>> secrets,
              std::vector<Status>& outcomes);

  const KeySetDependencies dependencies_;
  const KeySetOptions options_;
  KeySetLocation location_;
  std::shared_ptr<KeyringFile> file_;
  Flights flights_;

  mutable std::mutex mutex_;             // Guards all below.
  std::shared_ptr<SealedStore> store_;   // Null until the set was opened.
  KeySetNames names_;                    // Of the opened set.
  std::map<KeyVersion, Secret> opened_;  // Not fetched yet.
  // Of the file, before it was read: what was appended meanwhile is looked for.
  uint64_t size_ = 0;
  bool last_resort_ = false;
  Status failure_;  // Of the last opening.
  SteadyTime failure_ends_{};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_KEY_SET_BACKEND_H_
