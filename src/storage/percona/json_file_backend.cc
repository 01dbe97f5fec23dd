// SPDX-License-Identifier: MIT
#include "storage/percona/json_file_backend.h"

#include <map>
#include <set>
#include <utility>

#include "keyring/checked_wrap.h"
#include "keyring/key_batch.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxPlaintext = 4096;  // KMS's Encrypt.

Status CheckSize(const Key& key) {
  if (!key.data.empty() && key.data.size() <= kMaxPlaintext) {
    return Status::Ok();
  }
  return {StatusCode::kInvalidArgument,
          ToString(key.name) + " has " + std::to_string(key.data.size()) +
              " bytes; a JSON key file takes 1 to " +
              std::to_string(kMaxPlaintext) +
              ", which is what AWS KMS encrypts"};
}

std::vector<KeyName> NamesOf(const JsonKeyring& document) {
  std::vector<KeyName> names;
  for (size_t i = 0; i < document.size(); ++i) {
    names.push_back(document.element(i).name);
  }
  return names;
}

std::set<std::string> WrappingKeysOf(const JsonKeyring& document) {
  std::set<std::string> keys;
  for (size_t i = 0; i < document.size(); ++i) {
    const std::string& key = document.element(i).wrapped.wrapping_key;
    if (!key.empty()) keys.insert(key);
  }
  return keys;
}

}  // namespace

JsonFileBackend::JsonFileBackend(const FileBackendDependencies& dependencies,
                                 Clock& clock,
                                 std::shared_ptr<KeyringFile> file,
                                 FileBackendOptions options)
    : dependencies_(dependencies),
      clock_(clock),
      options_(std::move(options)),
      path_(file->path()),
      file_(dependencies, std::move(file), options_.read_only,
            options_.may_create) {}

Result<std::vector<Key>> JsonFileBackend::Load(const Deadline& deadline) {
  Status status = file_.Open();
  if (!status.ok()) return status;
  Result<std::vector<Key>> keys = UnwrapAll(deadline);
  if (!keys) return keys.error().WithContext(path_);
  status = file_.PrepareToWrite();
  if (!status.ok()) return status.WithContext(path_);
  status = RewrapIfChanged(*keys, deadline);
  if (status.ok()) return keys;
  if (!options_.first_load || options_.must_rewrap) {
    return status.WithContext(path_);
  }
  // A keyring that opened is not withheld from a server that starts.
  dependencies_.log.Write(LogLevel::kWarning, path_ + ": " + status.message());
  return keys;
}

Result<std::vector<Key>> JsonFileBackend::UnwrapAll(const Deadline& deadline) {
  const JsonKeyring& document = file_.document();
  std::vector<Key> keys(document.size());
  std::vector<std::string> wrapping_keys(document.size());
  Status status = ForEveryKey(
      NamesOf(document), options_.parallelism, clock_, dependencies_.random,
      deadline, "open", [&](size_t i, const Deadline& own) {
        const JsonElement& element = document.element(i);
        Result<UnwrappedKey> opened = dependencies_.wrapper.Unwrap(
            element.wrapped, {}, options_.OfOneCall(clock_, own));
        if (!opened) return opened.error();
        keys[i] = {element.name, element.type, std::move(opened->key)};
        wrapping_keys[i] = std::move(opened->wrapping_key);
        return Status::Ok();
      });
  if (!status.ok()) return status;
  for (size_t i = 0; i < keys.size(); ++i) {
    file_.SetWrappingKey(i, std::move(wrapping_keys[i]));
  }
  return keys;
}

Status JsonFileBackend::RewrapIfChanged(const std::vector<Key>& keys,
                                        const Deadline& deadline) {
  Result<std::vector<size_t>> which = NotCurrent(deadline);
  if (!which) return which.error();
  if (which->empty()) return Status::Ok();
  const std::string other =
      file_.document().element(which->front()).wrapped.wrapping_key;
  const std::string current = dependencies_.wrapper.CurrentKeyName();
  if (options_.read_only) {
    return {
        StatusCode::kReadOnly,
        std::to_string(which->size()) + " keys are wrapped by " + other +
            " and not by the configured KMS key " + current +
            "; the file was opened read-only, and they are not wrapped again"};
  }
  if (!file_.why_read_only().ok()) {
    if (options_.must_rewrap) return file_.why_read_only();
    dependencies_.log.Write(LogLevel::kWarning,
                            std::to_string(which->size()) +
                                " keys stay wrapped by " + other +
                                " and not by the configured " + current +
                                ", since the file cannot be changed");
    return Status::Ok();
  }
  Status status = Rewrap(keys, *which, deadline);
  if (!status.ok()) return status;
  dependencies_.log.Write(LogLevel::kNote,
                          std::to_string(which->size()) + " keys of " + path_ +
                              " that were wrapped by " + other +
                              " are now wrapped by " + current);
  return status;
}

// The elements whose wrapping key is known and is not the current one.
Result<std::vector<size_t>> JsonFileBackend::NotCurrent(
    const Deadline& deadline) {
  const JsonKeyring& document = file_.document();
  std::map<std::string, bool> current;
  for (const std::string& key : WrappingKeysOf(document)) {
    Result<bool> is_current = dependencies_.wrapper.IsCurrent(key, deadline);
    if (!is_current && (options_.must_rewrap ||
                        is_current.error().code() != StatusCode::kDenied)) {
      return is_current.error();
    }
    if (!is_current) {
      dependencies_.log.Write(
          LogLevel::kNote,
          "cannot tell whether keys are wrapped by the configured KMS "
          "key, so they stay as they are: " +
              is_current.error().message());
    }
    current[key] = !is_current || *is_current;
  }
  std::vector<size_t> others;
  for (size_t i = 0; i < document.size(); ++i) {
    const auto found = current.find(document.element(i).wrapped.wrapping_key);
    if (found != current.end() && !found->second) others.push_back(i);
  }
  return others;
}

Status JsonFileBackend::Rewrap(const std::vector<Key>& keys,
                               const std::vector<size_t>& which,
                               const Deadline& deadline) {
  std::vector<KeyName> names;
  for (const size_t i : which) names.push_back(keys[i].name);
  std::vector<WrappedKey> wrapped(which.size());
  Status status =
      ForEveryKey(names, options_.parallelism, clock_, dependencies_.random,
                  deadline, "wrap again", [&](size_t i, const Deadline& own) {
                    Result<WrappedKey> made =
                        WrapChecked(dependencies_.wrapper, keys[which[i]].data,
                                    {}, StoredWith::kBlobOnly, own);
                    if (made) wrapped[i] = std::move(*made);
                    return made.status();
                  });
  JsonKeyring next = file_.document();
  for (size_t i = 0; status.ok() && i < which.size(); ++i) {
    status = next.SetWrapped(which[i], wrapped[i]);
  }
  return status.ok() ? file_.ReplaceKeepingOld(std::move(next)) : status;
}

Status JsonFileBackend::Store(const Key& key, const Deadline& deadline) {
  Status status = CheckSize(key);
  if (status.ok()) status = CheckStorable(key.name, key.type);
  if (!status.ok()) return status;
  {
    std::lock_guard lock(mutex_);
    if (!file_.why_read_only().ok()) return file_.why_read_only();
  }
  Result<WrappedKey> wrapped = WrapChecked(dependencies_.wrapper, key.data, {},
                                           StoredWith::kBlobOnly, deadline);
  if (!wrapped) return wrapped.error();
  std::lock_guard lock(mutex_);
  JsonKeyring next = file_.document();
  status = next.Add(key.name, key.type, *wrapped);
  return status.ok() ? file_.Replace(std::move(next)) : status;
}

Status JsonFileBackend::Remove(const KeyName& name, const Deadline&) {
  std::lock_guard lock(mutex_);
  JsonKeyring next = file_.document();
  Status status = file_.why_read_only();
  if (status.ok()) status = next.Remove(name);
  return status.ok() ? file_.Replace(std::move(next)) : status;
}

std::vector<std::pair<std::string, std::string>> JsonFileBackend::Describe()
    const {
  std::lock_guard lock(mutex_);
  std::string wrapping_keys;
  for (const std::string& key : WrappingKeysOf(file_.document())) {
    wrapping_keys += (wrapping_keys.empty() ? "" : ", ") + key;
  }
  return {
      {"File_format", std::string(JsonFormatName(file_.document().encoding()))},
      {"Wrapping_key", wrapping_keys}};
}

}  // namespace openkeyring
