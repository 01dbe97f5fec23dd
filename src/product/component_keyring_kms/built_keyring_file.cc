// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/built_keyring_file.h"

#include <map>
#include <memory>
#include <optional>

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

FileBackendOptions OptionsOf(const BuiltFileOptions& options, bool read_only) {
  FileBackendOptions made;
  made.encryption_context = options.encryption_context;
  made.read_only = read_only;
  return made;
}

std::shared_ptr<KeyringFile> FileIn(FileSystem& files) {
  return std::make_shared<KeyringFile>(files, SystemRandom(), kName,
                                       std::nullopt);
}

Status Write(KeyringBackend& backend, const std::vector<const Key*>& keys,
             const BuiltFileOptions& options) {
  const auto soon = [&] {
    return Deadline::After(SystemClock(), options.key_deadline);
  };
  Status status = backend.Load(soon()).status();
  for (size_t i = 0; status.ok() && i < keys.size(); ++i) {
    status = backend.Store(*keys[i], soon());
    if (status.ok() && options.progress && !options.progress(i + 1)) {
      status = {StatusCode::kUnavailable, kBuildStopped};
    }
  }
  return status;
}

Status Check(KeyringBackend& backend, const std::vector<const Key*>& keys,
             const BuiltFileOptions& options) {
  const Millis time = options.key_deadline * (1 + keys.size());
  const Result<std::vector<Key>> found =
      backend.Load(Deadline::After(SystemClock(), time));
  if (!found) return found.error();
  std::vector<const Key*> pointers;
  for (const Key& key : *found) pointers.push_back(&key);
  return CheckSameKeys(keys, pointers);
}

void WarnOfMissing(const SealedFileSlots& slots, const std::string& path,
                   Log& log) {
  for (const SlotStatus& status : slots.List()) {
    if (status.state != SlotState::kMissing) continue;
    log.Write(LogLevel::kWarning,
              "keyring file " + path + ": " +
                  MissingSlotText({status.slot, status.problem}));
  }
}

}  // namespace

Result<Bytes> BuildSealedFile(const MakeKeySlots& slots,
                              const std::vector<const Key*>& keys,
                              const BuiltFileOptions& options, Log& log) {
  MemoryFileSystem files;
  NotesOnly notes(log);
  const auto make = [&](bool read_only) {
    return std::make_unique<SealedFileBackend>(
        SealedStoreDependencies{files, SystemRandom(), notes}, slots(),
        FileIn(files), OptionsOf(options, read_only));
  };
  {
    const auto backend = make(false);
    Status status = Write(*backend, keys, options);
    if (!status.ok()) return status;
    WarnOfMissing(backend->store().slots(), options.path, log);
  }
  Status status = Check(*make(true), keys, options);
  if (!status.ok()) return status;
  return files.Read(kName, SIZE_MAX);
}

Result<Bytes> BuildJsonFile(KeyWrapper& wrapper,
                            const std::vector<const Key*>& keys,
                            const BuiltFileOptions& options, Log& log) {
  // Such a file is made by its first key only.
  if (keys.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "there is no key to put into a file of this format");
  }
  MemoryFileSystem files;
  NotesOnly notes(log);
  const auto make = [&](bool read_only) {
    return std::make_unique<JsonFileBackend>(
        FileBackendDependencies{wrapper, files, SystemRandom(), notes},
        SystemClock(), FileIn(files), OptionsOf(options, read_only));
  };
  Status status = Write(*make(false), keys, options);
  if (status.ok()) status = Check(*make(true), keys, options);
  if (!status.ok()) return status;
  return files.Read(kName, SIZE_MAX);
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
