// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/built_keyring_file.h"

#include <map>
#include <memory>

#include "os/memory_file_system.h"
#include "storage/percona/json_file_backend.h"
#include "storage/sealed/sealed_file_backend.h"

namespace openkeyring {
namespace {

constexpr char kName[] = "keyring";

// That a new file was made is expected here.
class NotesOnly : public Log {
 public:
  explicit NotesOnly(Log& log) : log_(log) {}
  void Write(LogLevel level, std::string_view line) override {
    if (level > LogLevel::kWarning) log_.Write(level, line);
  }

 private:
  Log& log_;
};

class Builder {
 public:
  Builder(KeyWrapper& wrapper, const BuiltFileOptions& options, Log& log)
      : wrapper_(wrapper), options_(options), log_(log) {}

  Result<Bytes> Build(const std::vector<const Key*>& keys) {
    Status status = Write(keys);
    if (status.ok()) status = Check(keys);
    if (!status.ok()) return status;
    return files_.Read(kName, SIZE_MAX);
  }

 private:
  std::unique_ptr<KeyringBackend> Open() {
    const FileBackendDependencies dependencies = {wrapper_, files_,
                                                  SystemRandom(), log_};
    FileBackendOptions options;
    options.encryption_context = options_.encryption_context;
    auto file = std::make_shared<KeyringFile>(files_, SystemRandom(), kName,
                                              std::nullopt);
    if (options_.format == KeyringFileFormat::kSealed) {
      return std::make_unique<SealedFileBackend>(dependencies, std::move(file),
                                                 std::move(options));
    }
    return std::make_unique<JsonFileBackend>(
        dependencies, SystemClock(), std::move(file), std::move(options));
  }

  Deadline NextDeadline() const {
    return Deadline::After(SystemClock(), options_.key_deadline);
  }

  Status Write(const std::vector<const Key*>& keys) {
    const std::unique_ptr<KeyringBackend> backend = Open();
    Status status = backend->Load(NextDeadline()).status();
    for (size_t i = 0; status.ok() && i < keys.size(); ++i) {
      status = backend->Store(*keys[i], NextDeadline());
      if (status.ok() && options_.progress && !options_.progress(i + 1)) {
        status = {StatusCode::kUnavailable, kBuildStopped};
      }
    }
    return status;
  }

  Status Check(const std::vector<const Key*>& keys) {
    const std::unique_ptr<KeyringBackend> backend = Open();
    const Millis time = options_.key_deadline * (1 + keys.size());
    const Result<std::vector<Key>> found =
        backend->Load(Deadline::After(SystemClock(), time));
    if (!found) return found.error();
    std::vector<const Key*> pointers;
    for (const Key& key : *found) pointers.push_back(&key);
    return CheckSameKeys(keys, pointers);
  }

  KeyWrapper& wrapper_;
  const BuiltFileOptions& options_;
  NotesOnly log_;
  MemoryFileSystem files_;
};

}  // namespace

Result<Bytes> BuildKeyringFile(KeyWrapper& wrapper,
                               const std::vector<const Key*>& keys,
                               const BuiltFileOptions& options, Log& log) {
  Result<Bytes> content = Builder(wrapper, options, log).Build(keys);
  // An empty JSON keyring is made by its first key only.
  if (content.status().code() == StatusCode::kNotFound && keys.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "there is no key to put into a file of this format");
  }
  return content;
}

Status CheckSameKeys(const std::vector<const Key*>& keys,
                     const std::vector<const Key*>& found) {
  std::map<KeyName, const Key*> by_name;
  for (const Key* key : found) by_name[key->name] = key;
  for (const Key* key : keys) {
    const auto same = by_name.find(key->name);
    if (same == by_name.end()) {
      return {StatusCode::kCorrupt, ToString(key->name) + " is missing"};
    }
    if (same->second->type != key->type ||
        !same->second->data.Equals(key->data)) {
      return {StatusCode::kCorrupt, ToString(key->name) + " differs"};
    }
  }
  if (by_name.size() == keys.size()) return Status::Ok();
  return {StatusCode::kCorrupt, std::to_string(by_name.size()) +
                                    " keys instead of " +
                                    std::to_string(keys.size())};
}

}  // namespace openkeyring
