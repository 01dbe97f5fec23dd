// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_keyring_backend.h"

#include <algorithm>
#include <utility>

#include "kmip/operations/register.h"
#include "storage/kmip/mysql_server_key.h"

namespace openkeyring {
namespace {

constexpr KmipObjectType kTypes[] = {KmipObjectType::kSymmetricKey,
                                     KmipObjectType::kSecretData};
constexpr size_t kNonceBytes = 8;

// What a server refuses is not an ordinary failure, which is only worth a note.
Status AsRefusal(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
      return {StatusCode::kDenied, status.message()};
    default:
      return status;
  }
}

Status NeedsIdentity(const std::string& server) {
  return {StatusCode::kMisconfigured,
          server +
              " does not keep the owner and the type of a key (Application "
              "Specific Information), so that only keys without an owner, of "
              "type AES or SECRET, can be stored"};
}

}  // namespace

KmipKeyringBackend::KmipKeyringBackend(KmipClient& client, KmipGroup& group,
                                       Clock& clock, Random& random, Log& log,
                                       KmipKeyringOptions options)
    : client_(client),
      group_(group),
      clock_(clock),
      random_(random),
      log_(log),
      options_(std::move(options)),
      leftovers_(client, clock, log) {}

// ---- Load ------------------------------------------------------------------

Result<std::vector<Key>> KmipKeyringBackend::Load(const Deadline& deadline) {
  Operation operation(*this);
  KmipObjects& objects = operation.objects;
  KmipKeyCollector collector;
  for (const KmipObjectType type : kTypes) {
    Status status = Collect(objects, type, collector, deadline);
    if (!status.ok()) return status;
  }
  Status status = group_.CheckListed(operation.session, collector.markers(),
                                     collector.has_keys(), deadline);
  if (!status.ok()) return status;
  std::vector<std::string> ids;
  for (const auto& one : collector.Choose()) ids.push_back(one.object.id);
  status = ActivatePreActive(objects, collector.PreActiveKeys(), deadline);
  if (!status.ok()) return status;
  Result<std::vector<Key>> keys =
      collector.MakeKeys(objects.GetValues(ids, deadline), log_);
  if (!keys) return keys.error().WithContext("a key cannot be read");
  collector.WriteSummary(log_);
  Remember(collector, operation.session.server().value_or(0));
  return keys;
}

Status KmipKeyringBackend::Collect(KmipObjects& objects, KmipObjectType type,
                                   KmipKeyCollector& collector,
                                   const Deadline& deadline) {
  const size_t before = collector.alive();
  const auto found =
      objects.ListGroup(group_.options().object_group, type, deadline);
  if (!found) return found.error();
  for (const KmipAttributes& one : *found) {
    if (Status status = collector.Add(one); !status.ok()) return status;
  }
  const size_t alive = collector.alive() - before;
  if (alive <= options_.max_objects) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "the KMIP server has " + std::to_string(alive) +
              " objects of one type that are not destroyed, and max_objects "
              "is " +
              std::to_string(options_.max_objects)};
}

Status KmipKeyringBackend::ActivatePreActive(
    KmipObjects& objects, const std::vector<Object>& pre_active,
    const Deadline& deadline) {
  if (pre_active.empty()) return Status::Ok();
  if (!options_.activate_pre_active || options_.read_only) {
    log_.Write(LogLevel::kWarning,
               std::to_string(pre_active.size()) +
                   " keys are Pre-Active on the KMIP server, as old versions "
                   "of Percona's component left them; " +
                   (options_.activate_pre_active
                        ? "they are not activated because of read_only"
                        : "activate_pre_active makes them Active"));
    return Status::Ok();
  }
  for (const Object& one : pre_active) {
    Status status = objects.Activate(one.id, one.type, deadline);
    if (!status.ok()) return status.WithContext("activate_pre_active");
  }
  return Status::Ok();
}

void KmipKeyringBackend::Remember(const KmipKeyCollector& collector,
                                  size_t server) {
  std::vector<Object> unfinished;
  for (const auto& one : collector.unfinished()) {
    unfinished.push_back(one.object);
  }
  leftovers_.SetUnfinished(unfinished, server);
  const std::lock_guard lock(mutex_);
  known_.clear();
  for (const auto& one : collector.candidates()) {
    known_.emplace(one.identity.name, Known{one.object, server});
  }
  withheld_ = collector.withheld();
  skipped_ = collector.skipped();
  deactivated_ = collector.deactivated();
}

// ---- Store -----------------------------------------------------------------

Status KmipKeyringBackend::Store(const Key& key, const Deadline& deadline) {
  if (key.data.empty()) {
    return {StatusCode::kInvalidArgument,
            ToString(key.name) +
                " cannot be stored: a KMIP server holds no empty value"};
  }
  Operation operation(*this);
  Status status = CheckNotWithheld(key.name);
  // Otherwise there might be two of them after a crash.
  if (status.ok()) status = leftovers_.Withdraw(&key.name, deadline);
  if (status.ok()) status = group_.Check(operation.session, deadline);
  if (status.ok()) status = StoreObject(key, operation, deadline);
  if (!status.ok()) {
    status =
        AsRefusal(status).WithContext(ToString(key.name) + " cannot be stored");
    // The keyring's own "exists already" is a note; this one says more.
    if (status.code() == StatusCode::kAlreadyExists) {
      log_.Write(LogLevel::kWarning, status.message());
    }
    return status;
  }
  // While the server answers.
  (void)leftovers_.Withdraw(nullptr, deadline);
  leftovers_.DestroyAbandoned(deadline);
  return Status::Ok();
}

Status KmipKeyringBackend::StoreObject(const Key& key, Operation& operation,
                                       const Deadline& deadline) {
  const MysqlKeyIdentity identity = {key.name, key.type,
                                     RandomHex(random_, kNonceBytes)};
  const KmipObject value = MysqlKeyObject(key);
  KmipNewKey wanted = NewKey(key, value, identity);
  if (names_alone_ && !wanted.name_is_enough) {
    return NeedsIdentity("this KMIP server");
  }
  Result<std::string> id = operation.creator.Make(wanted, deadline);
  if (!id) return id.error();
  const size_t server = operation.session.server().value_or(0);
  Object object = {std::move(*id), value.type};
  Status status = MakeTheKey(object, key, wanted, operation, deadline);
  if (!status.ok()) {
    if (!operation.objects.Withdraw(object.id, object.type, deadline).ok()) {
      leftovers_.Add(key.name, std::move(object), server);
    }
    return status;
  }
  const std::lock_guard lock(mutex_);
  known_.emplace(key.name, Known{std::move(object), server});
  return Status::Ok();
}

KmipNewKey KmipKeyringBackend::NewKey(const Key& key, const KmipObject& object,
                                      const MysqlKeyIdentity& identity) const {
  KmipNewKey wanted;
  wanted.attributes = MysqlKeyAttributes(
      identity, group_.options().object_group, object.type, key.data.size());
  wanted.type = object.type;
  wanted.call = [&object](const KmipAttributes& attributes) {
    return MakeRegister(object, attributes);
  };
  wanted.unique_name = MysqlKeyUniqueName(identity);
  wanted.name_is_enough = IsMysqlNameEnough(key);
  wanted.has_value = [&key](const Secret& value) {
    return value.Equals(key.data);
  };
  if (names_alone_ && wanted.name_is_enough) {
    wanted.attributes.application_info.clear();
  }
  wanted.match = [identity](const KmipAttributes& other) {
    const auto found = ReadMysqlKeyIdentity(other);
    if (!found || !*found || (*found)->name != identity.name ||
        IsMarkedRemoved(other)) {
      return KmipKeyMatch::kOtherKey;
    }
    if (!(*found)->is_ours()) return KmipKeyMatch::kSameKey;
    return **found == identity ? KmipKeyMatch::kThisAttempt
                               : KmipKeyMatch::kOtherAttempt;
  };
  return wanted;
}

Status KmipKeyringBackend::MakeTheKey(const Object& object, const Key& key,
                                      const KmipNewKey& wanted,
                                      Operation& operation,
                                      const Deadline& deadline) {
  Status status = DestroyRivals(object, key, wanted, operation, deadline);
  if (status.ok()) {
    status = operation.creator.Activate(object.id, wanted, deadline);
  }
  if (status.ok()) {
    status = CheckStored(object, key, wanted, operation, deadline);
  }
  return status;
}

// Only this server makes the keys that are named after it, unless its data
// directory was copied with its UUID.
Status KmipKeyringBackend::DestroyRivals(const Object& object, const Key& key,
                                         const KmipNewKey& wanted,
                                         Operation& operation,
                                         const Deadline& deadline) {
  const Status status =
      operation.creator.DestroyRivals(object.id, wanted, deadline);
  if (status.code() != StatusCode::kAlreadyExists ||
      !IsKeyOfServer(key.name, ServerUuid())) {
    return status;
  }
  return {status.code(),
          status.message() +
              "; it is named after this server, so another one has the same "
              "server_uuid: give a copied data directory a UUID (remove its "
              "auto.cnf) and an object_group of its own"};
}

Status KmipKeyringBackend::CheckStored(const Object& object, const Key& key,
                                       const KmipNewKey& wanted,
                                       Operation& operation,
                                       const Deadline& deadline) {
  const auto stored = operation.objects.Get(object.id, object.type, deadline);
  if (!stored) return stored.error();
  const std::string text = KmipObjectText(object.id);
  if (!stored->value.Equals(key.data)) {
    return {StatusCode::kCorrupt,
            text + " returns another value than was registered"};
  }
  if (KmipLifecycleOf(stored->attributes) != KmipLifecycle::kActive) {
    return {StatusCode::kUnavailable,
            text + " is not Active after it was activated"};
  }
  const KmipKeyMatch match = wanted.match(stored->attributes);
  const auto& names = stored->attributes.names;
  const bool is_named = !names.empty() && names.front() == wanted.name();
  if (match == KmipKeyMatch::kThisAttempt && is_named) return Status::Ok();
  if (match != KmipKeyMatch::kThisAttempt && is_named &&
      wanted.name_is_enough) {
    UseNamesAlone();
    // By the name that it has, which may be one that nobody else can have.
    if (match == KmipKeyMatch::kSameKey) return Status::Ok();
    return {StatusCode::kMisconfigured,
            text +
                " is not that key by its name, and this KMIP server does "
                "not keep Application Specific Information: another object "
                "has the key's own name; destroy it there, unless its key "
                "is needed"};
  }
  return NeedsIdentity(text +
                       " lost its Name or Application Specific Information: "
                       "this KMIP server");
}

std::string KmipKeyringBackend::ServerUuid() const {
  return options_.server_uuid == nullptr ? "" : options_.server_uuid();
}

// The object says by its name alone which key it is, as Percona's do.
void KmipKeyringBackend::UseNamesAlone() {
  if (names_alone_.exchange(true)) return;
  log_.Write(LogLevel::kWarning,
             "the KMIP server does not keep Application Specific Information: "
             "keys are stored by their names alone, as Percona's component "
             "stores them, and keys with an owner cannot be stored");
}

Status KmipKeyringBackend::CheckNotWithheld(const KeyName& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = withheld_.find(name);
  if (found == withheld_.end()) return Status::Ok();
  return {StatusCode::kDenied,
          "it is deactivated on the KMIP server and cannot be read: " +
              found->second.message()};
}

// ---- Remove ----------------------------------------------------------------

Status KmipKeyringBackend::Remove(const KeyName& name,
                                  const Deadline& deadline) {
  Operation operation(*this);
  std::vector<Known> all;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = known_.equal_range(name);
    for (auto one = first; one != last; ++one) all.push_back(one->second);
  }
  Status status = group_.Check(operation.session, deadline);
  for (const Known& known : all) {
    if (status.ok()) status = RetireKnown(name, known, operation, deadline);
  }
  if (!status.ok()) {
    return AsRefusal(status).WithContext(ToString(name) + " cannot be removed");
  }
  const std::lock_guard lock(mutex_);
  known_.erase(name);
  return Status::Ok();
}

// Identifiers are a server's own: on another one they may be another object's,
// or nobody's although the key is there.
Status KmipKeyringBackend::RetireKnown(const KeyName& name, const Known& known,
                                       Operation& operation,
                                       const Deadline& deadline) {
  const auto& [object, server] = known;
  const auto now =
      operation.objects.GetAttributes(object.id, object.type, deadline);
  if (!now) return now.error();
  if (*now) {
    const auto identity = ReadMysqlKeyIdentity(**now);
    if (identity && *identity && (*identity)->name == name) {
      return operation.objects.Retire(object.id, object.type, deadline);
    }
    return {StatusCode::kUnavailable,
            KmipObjectText(object.id) + " on KMIP server " +
                operation.session.ServerName() + " is not that key"};
  }
  if (operation.session.server() == server) return Status::Ok();
  return {StatusCode::kUnavailable,
          "KMIP server " + operation.session.ServerName() + " has no " +
              KmipObjectText(object.id) + ", which was seen on " +
              client_.ServerName(server)};
}

std::vector<std::pair<std::string, std::string>> KmipKeyringBackend::Describe()
    const {
  const std::lock_guard lock(mutex_);
  return {{"Skipped_objects", std::to_string(skipped_)},
          {"Deactivated_keys", std::to_string(deactivated_)},
          {"Withheld_keys", std::to_string(withheld_.size())},
          {"Application_specific_information", names_alone_ ? "No" : "Yes"}};
}

}  // namespace openkeyring
