// SPDX-License-Identifier: MIT
#include "keyring/keyring.h"

#include <utility>

#include "keyring/refusal.h"

namespace openkeyring {
namespace {

Status CheckSize(const KeyName& name, size_t bytes, size_t least) {
  if (bytes >= least && bytes <= kMaxKeyBytes) return Status::Ok();
  return {StatusCode::kInvalidArgument,
          ToString(name) + " cannot have " + std::to_string(bytes) +
              " bytes: " + std::to_string(least) + " to " +
              std::to_string(kMaxKeyBytes)};
}

}  // namespace

// Waits for others that change the same name. Their I/O has deadlines.
class Keyring::Turn {
 public:
  Turn(Keyring& keyring, const KeyName& name) : keyring_(keyring), name_(name) {
    std::unique_lock lock(keyring_.turns_mutex_);
    keyring_.turn_ended_.wait(
        lock, [&] { return keyring_.taken_turns_.insert(name_).second; });
  }
  ~Turn() {
    {
      std::lock_guard lock(keyring_.turns_mutex_);
      keyring_.taken_turns_.erase(name_);
    }
    keyring_.turn_ended_.notify_all();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Keyring& keyring_;
  const KeyName name_;
};

Keyring::Keyring(std::unique_ptr<KeyringBackend> backend, Clock& clock,
                 Random& random, const Options& options)
    : backend_(std::move(backend)),
      clock_(clock),
      random_(random),
      options_(options) {}

Result<std::unique_ptr<Keyring>> Keyring::Load(
    std::unique_ptr<KeyringBackend> backend, Clock& clock, Random& random,
    const Options& options, const Deadline& deadline) {
  std::unique_ptr<Keyring> keyring(
      new Keyring(std::move(backend), clock, random, options));
  Result<std::vector<Key>> loaded = keyring->backend_->Load(deadline);
  if (!loaded) return loaded.error();
  auto& keys = keyring->keys_;
  for (Key& key : *loaded) {
    auto pointer = std::make_shared<const Key>(std::move(key));
    const size_t before = keys.size();
    // Most backends give them in this order.
    const auto at = keys.insert(keys.end(), std::move(pointer));
    if (keys.size() == before) {
      return Status(StatusCode::kCorrupt,
                    ToString((*at)->name) +
                        " is stored twice: which one is right "
                        "cannot be told");
    }
  }
  return keyring;
}

Keyring::KeyPointer Keyring::Find(const KeyName& name) const {
  std::shared_lock lock(keys_mutex_);
  const auto found = keys_.find(name);
  return found == keys_.end() ? nullptr : *found;
}

std::vector<Keyring::KeyPointer> Keyring::List() const {
  std::shared_lock lock(keys_mutex_);
  return {keys_.begin(), keys_.end()};
}

size_t Keyring::size() const {
  std::shared_lock lock(keys_mutex_);
  return keys_.size();
}

Status Keyring::Store(Key key) {
  if (key.name.data_id.empty()) {
    return {StatusCode::kInvalidArgument, "a key needs a data id"};
  }
  if (key.type.empty()) {
    return {StatusCode::kInvalidArgument,
            ToString(key.name) + " needs a type, e.g. AES or SECRET"};
  }
  // An empty value is stored, as by the components of MySQL: a keyring that
  // holds one can be migrated.
  Status status = CheckSize(key.name, key.data.size(), 0);
  if (status.ok()) status = CheckWritable();
  if (!status.ok()) return status;
  Turn turn(*this, key.name);
  if (Find(key.name) != nullptr) {
    return {StatusCode::kAlreadyExists, ToString(key.name) + " exists already"};
  }
  status = backend_->Store(key, OperationDeadline());
  if (!status.ok()) {
    return Refusal(status).WithContext("storing " + ToString(key.name));
  }
  auto pointer = std::make_shared<const Key>(std::move(key));
  std::lock_guard lock(keys_mutex_);
  keys_.insert(std::move(pointer));
  return Status::Ok();
}

Status Keyring::Generate(const KeyName& name, const std::string& type,
                         size_t bytes) {
  Status status = CheckSize(name, bytes, 1);
  if (!status.ok()) return status;
  Key key{name, type, Secret(bytes)};
  status = random_.Fill(key.data.RevealMutable());
  if (!status.ok()) return status;
  return Store(std::move(key));
}

Status Keyring::Remove(const KeyName& name) {
  Status status = CheckWritable();
  if (!status.ok()) return status;
  Turn turn(*this, name);
  if (Find(name) == nullptr) {
    return {StatusCode::kNotFound, "there is no " + ToString(name)};
  }
  status = backend_->Remove(name, OperationDeadline());
  if (!status.ok()) {
    return Refusal(status).WithContext("removing " + ToString(name));
  }
  std::lock_guard lock(keys_mutex_);
  keys_.erase(keys_.find(name));
  return Status::Ok();
}

Status Keyring::CheckWritable() const {
  if (!options_.read_only) return Status::Ok();
  return {StatusCode::kReadOnly,
          "the keyring is read only: the configuration says read_only"};
}

Deadline Keyring::OperationDeadline() const {
  return Deadline::After(clock_, options_.operation_deadline);
}

}  // namespace openkeyring
