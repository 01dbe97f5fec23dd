// SPDX-License-Identifier: MIT
#include "storage/sealed/key_set_backend.h"

#include <algorithm>
#include <utility>

#include "base/failure_streak.h"
#include "keyring/adaptive_parallelism.h"
#include "storage/key_names.h"

namespace openkeyring {
namespace {

constexpr int kOpening = 0;
// Who asks for another key of a set that has just failed to open gets the same
// answer, so that a thousand keys are not a thousand calls.
constexpr Millis kFailurePause{250};

EncryptionContext ContextOfNewKey(KeyVersion key,
                                  const std::string& installation) {
  return {{kProductContext, kMariaDbProduct},
          {"openkeyring:key-id", std::to_string(key.id)},
          {"openkeyring:key-version", std::to_string(key.version)},
          {kInstallationContext, installation}};
}

}  // namespace

KeySetBackend::KeySetBackend(const KeySetDependencies& dependencies,
                             KeySetOptions options)
    : dependencies_(dependencies),
      options_(std::move(options)),
      location_(dependencies.files, dependencies.random, dependencies.log,
                options_.keys, options_.data_directory),
      flights_(dependencies.clock) {}

std::string KeySetBackend::Describe(KeyVersion key) const {
  return "record " + std::to_string(key.id) + "." +
         std::to_string(key.version) + " of key set " + location_.path();
}

// ---- Opening ---------------------------------------------------------------

Status KeySetBackend::Prepare() {
  Status status = location_.Prepare();
  if (!status.ok()) return status;
  file_ = MakeKeySetFile(dependencies_, location_.path());
  if (options_.keys.read_only) return status;
  file_->Acquire();
  if (file_->why_not_writable().code() != StatusCode::kAlreadyExists) {
    return status;
  }
  return {StatusCode::kMisconfigured,
          file_->why_not_writable().message() +
              ": a key set belongs to one server. Stop the other one, or set "
              "aws_key_management_key_store=FILES in both if they are to share "
              "a directory"};
}

Status KeySetBackend::OpenExisting(const Deadline& deadline) {
  Status status = Open(false, deadline);
  return status.code() == StatusCode::kNotFound ? Status::Ok() : status;
}

void KeySetBackend::AllowLastResort() {
  const std::lock_guard lock(mutex_);
  last_resort_ = true;
  failure_ends_ = {};
}

Status KeySetBackend::Open(bool may_create, const Deadline& deadline) {
  for (;;) {
    bool is_mine = false;
    const Status outcome =
        flights_
            .Run(kOpening, deadline,
                 [&] {
                   is_mine = true;
                   return OpenNow(may_create, deadline);
                 })
            .value_or(Status(StatusCode::kTimeout,
                             "key set " + location_.path() +
                                 " is being opened by another thread"));
    // The other flight was perhaps one that may not make it.
    const bool again =
        !is_mine && may_create && outcome.code() == StatusCode::kNotFound;
    if (!again) return outcome;
  }
}

Status KeySetBackend::OpenNow(bool may_create, const Deadline& deadline) {
  bool is_open = false;
  KeySetAccess access{may_create, options_.keys.read_only};
  {
    const std::lock_guard lock(mutex_);
    access.last_resort = last_resort_;
    is_open = store_ != nullptr;
    if (!is_open && dependencies_.clock.Steady() < failure_ends_) {
      return failure_;
    }
  }
  if (is_open && !HasGrown()) return Status::Ok();
  const Result<FileInfo> before = dependencies_.files.Stat(location_.path());
  const Result<ListedKeySet> there = location_.ReadNames();
  const bool is_missing = there.status().code() == StatusCode::kNotFound;
  if (!there && !(is_missing && may_create)) return there.status();
  // A set that goes away from now on is lost, and never made again.
  access.may_create = may_create && is_missing;
  const Result<std::string> installation =
      is_missing ? location_.FindOrMakeInstallation()
                 : location_.FindInstallation();
  if (!installation) return installation.error();
  std::unique_ptr<SealedStore> store =
      MakeKeySetStore(dependencies_, options_, file_, *installation, access);
  Result<SealedStore::Keys> keys = store->Load(deadline);
  if (keys) {
    return Adopt(std::move(store), std::move(*keys), before ? before->size : 0);
  }
  const std::lock_guard lock(mutex_);
  failure_ = keys.error();
  failure_ends_ = dependencies_.clock.Steady() + kFailurePause;
  return failure_;
}

Status KeySetBackend::Adopt(std::unique_ptr<SealedStore> store,
                            SealedStore::Keys keys, uint64_t size) {
  KeySetNames names;
  std::map<KeyVersion, Secret> opened;
  for (auto& [name, key] : keys) {
    const Result<RecordIdentity> identity = ReadRecordIdentity(name, key.type);
    if (!identity) return identity.error();
    if (!IsAesKeySize(key.data.size())) {
      return {StatusCode::kCorrupt,
              Describe(identity->key) + " has " +
                  std::to_string(key.data.size()) +
                  " bytes, which is not the size of an AES key"};
    }
    names[identity->key] = identity->origin;
    opened[identity->key] = std::move(key.data);
  }
  const Status marked = location_.Mark(names);
  if (!marked.ok()) {
    dependencies_.log.Write(
        LogLevel::kWarning,
        "key set " + location_.path() +
            " cannot be marked as in use, so that its loss would not be "
            "noticed: " +
            marked.message());
  }
  const std::lock_guard lock(mutex_);
  store_ = std::move(store);
  names_ = std::move(names);
  opened_ = std::move(opened);
  size_ = size;
  return Status::Ok();
}

// A server knows what it wrote; others must look again.
bool KeySetBackend::HasGrown() const {
  if (!options_.keys.read_only) return false;
  const Result<FileInfo> info = dependencies_.files.Stat(location_.path());
  const std::lock_guard lock(mutex_);
  return info && info->size != size_;
}

// ---- Reading ---------------------------------------------------------------

// What was opened, or else what the set says.
Result<ListedKeySet> KeySetBackend::Names() {
  if (ListIsProven()) {
    const std::lock_guard lock(mutex_);
    if (store_ != nullptr) return ListedKeySet{names_, {}};
  }
  Result<ListedKeySet> names = location_.ReadNames();
  if (names.status().code() == StatusCode::kNotFound) return ListedKeySet();
  return names;
}

bool KeySetBackend::ListIsProven() const {
  if (HasGrown()) return false;
  const std::lock_guard lock(mutex_);
  return store_ != nullptr;
}

Status KeySetBackend::ProveList(const Deadline& deadline) {
  const Result<ListedKeySet> set = Names();
  if (!set) return set.error();
  return set->unproven.empty() ? Status::Ok() : OpenExisting(deadline);
}

Result<std::vector<KeyVersion>> KeySetBackend::List() {
  const Result<ListedKeySet> set = Names();
  if (!set) return set.error();
  const Result<KeyDirectory::Content> there = location_.directory().Look();
  if (!there) return there.error();
  Status status = location_.CheckFilesBeside(*there, set->names);
  if (!status.ok()) return status;
  const KeySetNames proven = set->Proven();
  std::vector<KeyVersion> keys;
  for (const auto& [key, origin] : proven) keys.push_back(key);
  // A version that was made and is not in the set: the set is an old copy. But
  // a backup may have the mark of an id that was made after its set was copied.
  if (options_.keys.read_only) return keys;
  const auto missing =
      MissingVersions(there->marked, HighestVersionsOf(proven));
  keys.insert(keys.end(), missing.begin(), missing.end());
  return keys;
}

Result<Secret> KeySetBackend::Fetch(KeyVersion key, const Deadline& deadline) {
  Status status = Open(false, deadline);
  if (!status.ok()) return status;
  Result<Secret> secret = TakeOpened(key);
  if (secret.status().code() != StatusCode::kReadOnly) return secret;
  {
    const std::lock_guard lock(mutex_);
    store_ = nullptr;
  }
  status = Open(false, deadline);
  return status.ok() ? TakeOpened(key) : status;
}

// A key that was taken before is read again; kReadOnly when the set must be
// opened for that.
Result<Secret> KeySetBackend::TakeOpened(KeyVersion key) {
  const std::lock_guard lock(mutex_);
  if (const auto found = opened_.find(key); found != opened_.end()) {
    Secret secret = std::move(found->second);
    opened_.erase(found);
    return secret;
  }
  if (!names_.contains(key)) {
    return Status(StatusCode::kNotFound, "there is no " + Describe(key));
  }
  if (store_ == nullptr) return Status(StatusCode::kReadOnly, "not open");
  Result<SealedStore::Keys> keys = store_->ReadBack();
  if (!keys) return keys.error();
  const auto found = keys->find(RecordName(key));
  if (found != keys->end()) return std::move(found->second.data);
  return Status(StatusCode::kCorrupt, Describe(key) + " is not there any more");
}

// ---- Creation --------------------------------------------------------------

Status KeySetBackend::Create(KeyVersion key, size_t bytes,
                             const Deadline& deadline) {
  return CreateAll({key}, bytes, [&] { return deadline; }).front();
}

std::vector<Status> KeySetBackend::CreateAll(
    const std::vector<KeyVersion>& keys, size_t bytes,
    const std::function<Deadline()>& deadline) {
  std::vector<Status> outcomes(keys.size());
  Status status = MayCreate();
  if (status.ok()) status = Open(true, deadline());
  if (!status.ok()) {
    std::ranges::fill(outcomes, status);
    return outcomes;
  }
  Append(keys, MakeSecrets(keys, bytes, deadline), outcomes);
  return outcomes;
}

// A single call repeats itself when it is throttled, within its own time.
std::vector<Result<Secret>> KeySetBackend::MakeSecrets(
    const std::vector<KeyVersion>& keys, size_t bytes,
    const std::function<Deadline()>& deadline) {
  std::vector<Result<Secret>> secrets;
  if (keys.size() == 1) {
    secrets.push_back(MakeSecret(keys.front(), bytes, deadline()));
    return secrets;
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    secrets.emplace_back(
        Status(StatusCode::kUnavailable,
               "not tried, since the calls before it all failed"));
  }
  FailureStreak streak(options_.parallelism);
  AdaptiveParallelism adaptive(options_.parallelism, dependencies_.random);
  Clock& clock = dependencies_.clock;
  // What is throttled still says so itself.
  (void)RunAdaptive(keys.size(), adaptive, clock,
                    Deadline::After(clock, kLongestThrottledCreation),
                    [&](size_t i) -> Status {
                      if (streak.IsOver()) return Status::Ok();
                      secrets[i] = MakeSecret(keys[i], bytes,
                                              deadline().ReportingThrottling());
                      streak.Record(secrets[i].status());
                      return secrets[i].status();
                    });
  return secrets;
}

Status KeySetBackend::MayCreate() const {
  if (options_.keys.read_only) {
    return {StatusCode::kReadOnly, "this program makes no keys"};
  }
  if (!options_.makers.front()->CurrentKeyName().empty()) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "no KMS key to make new keys under is configured: set "
          "aws_key_management_master_key_id"};
}

Result<Secret> KeySetBackend::MakeSecret(KeyVersion key, size_t bytes,
                                         const Deadline& deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (names_.contains(key)) {
      return Status(StatusCode::kAlreadyExists, Describe(key) + " exists");
    }
  }
  if (options_.source == KeySource::kLocal) {
    Secret secret(bytes);
    Status status = dependencies_.random.Fill(secret.RevealMutable());
    if (!status.ok()) return status;
    return secret;
  }
  const Result<std::string> installation = location_.FindInstallation();
  if (!installation) return installation.error();
  Result<Secret> secret =
      AskMakers(bytes, ContextOfNewKey(key, *installation), deadline);
  if (!secret || secret->size() == bytes) return secret;
  return Status(StatusCode::kCorrupt,
                "the key server made a key of the wrong size");
}

// The error is that of the first one, which people expect to work.
Result<Secret> KeySetBackend::AskMakers(size_t bytes,
                                        const EncryptionContext& context,
                                        const Deadline& deadline) {
  Clock& clock = dependencies_.clock;
  Status first;
  for (KeyWrapper* const maker : options_.makers) {
    const bool is_last = maker == options_.makers.back();
    Result<Secret> secret = maker->GenerateSecret(
        bytes, context,
        is_last ? deadline
                : deadline.Within(clock, deadline.Remaining(clock) / 2));
    if (secret) return secret;
    if (first.ok()) first = secret.error();
  }
  return first;
}

// One durable write for all that were made. The store reads back what it wrote;
// to open all records again would make each key cost as much as all.
void KeySetBackend::Append(const std::vector<KeyVersion>& keys,
                           std::vector<Result<Secret>> secrets,
                           std::vector<Status>& outcomes) {
  const std::lock_guard lock(mutex_);
  std::vector<Key> records;
  std::vector<size_t> stored;
  for (size_t i = 0; i < keys.size(); ++i) {
    outcomes[i] = secrets[i].status();
    if (!secrets[i]) continue;
    if (names_.contains(keys[i])) {
      outcomes[i] = {StatusCode::kAlreadyExists, Describe(keys[i]) + " exists"};
      continue;
    }
    records.push_back(MakeKeySetRecord(keys[i], KeyOrigin::kMade, *secrets[i]));
    stored.push_back(i);
  }
  if (records.empty()) return;
  Status status =
      store_ != nullptr
          ? store_->PutAll(records)
          : Status(StatusCode::kUnavailable,
                   "key set " + location_.path() + " is being opened again");
  if (status.ok()) {
    KeySetNames made;
    for (const size_t i : stored) {
      made[keys[i]] = names_[keys[i]] = KeyOrigin::kMade;
      opened_[keys[i]] = std::move(*secrets[i]);
    }
    status = location_.Mark(made);
  }
  for (const size_t i : stored) outcomes[i] = status;
}

Status KeySetBackend::Store(const std::map<KeyVersion, const Secret*>& keys,
                            const Deadline& deadline) {
  Status status = MayCreate();
  if (status.ok()) status = Open(true, deadline);
  if (!status.ok()) return status;
  std::vector<KeyVersion> versions;
  std::vector<Result<Secret>> secrets;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, secret] : keys) {
      if (names_.contains(key)) {
        return {StatusCode::kAlreadyExists, Describe(key) + " exists"};
      }
      status = CheckAesKeySize(Describe(key), secret->size());
      if (!status.ok()) return status;
      versions.push_back(key);
      secrets.emplace_back(secret->Clone());
    }
  }
  std::vector<Status> outcomes(versions.size());
  Append(versions, std::move(secrets), outcomes);
  for (const Status& outcome : outcomes) {
    if (!outcome.ok()) return outcome;
  }
  return Status::Ok();
}

Status KeySetBackend::Import(const std::map<KeyVersion, const Secret*>& keys,
                             const Deadline& deadline) {
  return ImportKeySet(dependencies_, options_, location_, keys, deadline);
}

// ---- For status variables --------------------------------------------------

std::shared_ptr<const SealedStore> KeySetBackend::store() const {
  const std::lock_guard lock(mutex_);
  return store_;
}

}  // namespace openkeyring
