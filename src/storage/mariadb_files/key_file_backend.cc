// SPDX-License-Identifier: MIT
#include "storage/mariadb_files/key_file_backend.h"

#include <utility>

#include "keyring/checked_wrap.h"

namespace openkeyring {
namespace {

std::unique_ptr<KeyDirectory> DataDirectory(
    FileSystem& files, Random& random, Log& log,
    const KeyFileBackend::Options& options) {
  if (options.data_directory == options.keys.directory) return nullptr;
  KeyDirectory::Options data;
  data.directory = options.data_directory;
  data.read_only = options.keys.read_only;
  return std::make_unique<KeyDirectory>(files, random, log, std::move(data));
}

}  // namespace

EncryptionContext ContextOf(KeyVersion key, const std::string& installation) {
  EncryptionContext context = {
      {"openkeyring:product", "aws_key_management"},
      {"openkeyring:key-id", std::to_string(key.id)},
      {"openkeyring:key-version", std::to_string(key.version)}};
  if (!installation.empty()) context[kInstallationContext] = installation;
  return context;
}

KeyFileBackend::KeyFileBackend(KeyWrapper& wrapper, FileSystem& files,
                               Random& random, Log& log, Options options)
    : wrapper_(wrapper),
      log_(log),
      options_(std::move(options)),
      directory_(files, random, log, options_.keys),
      data_(DataDirectory(files, random, log, options_)),
      installation_(directory_, data_.get(),
                    {[this]() -> Result<bool> {
                       const Result<std::vector<KeyVersion>> keys =
                           directory_.ListFiles();
                       if (!keys) return keys.error();
                       return !keys->empty();
                     },
                     [this] { return InstallationOfFiles(); }},
                    random, log) {}

Result<std::string> KeyFileBackend::InstallationOfFiles() {
  const auto files = directory_.ListFiles();
  if (!files) return files.error();
  std::string id, first;
  for (const KeyVersion key : *files) {
    const std::string name = KeyFileName(key);
    const Result<Bytes> content = directory_.Read(name);
    if (!content) continue;
    const Result<KeyFile> file = ReadKeyFile(*content);
    if (!file || file->installation().empty()) continue;
    if (id.empty()) {
      id = file->installation();
      first = name;
    } else if (id != file->installation()) {
      return Status(StatusCode::kMisconfigured,
                    directory_.PathOf(first) + " and " +
                        directory_.PathOf(name) +
                        " belong to different installations, and " +
                        directory_.PathOf(std::string(kInstallationFileName)) +
                        " is missing: restore it from a backup of this server");
    }
  }
  return id;
}

Status KeyFileBackend::Prepare() {
  Status status = directory_.Prepare();
  return status.ok() ? installation_.Load() : status;
}

Result<std::vector<KeyVersion>> KeyFileBackend::List() {
  return directory_.ListMade();
}

std::string KeyFileBackend::Describe(KeyVersion key) const {
  return "key file " + directory_.PathOf(KeyFileName(key));
}

// ---- Reading ---------------------------------------------------------------

Result<Secret> KeyFileBackend::Fetch(KeyVersion key, const Deadline& deadline) {
  const Result<KeyFile> file = ReadAndCheck(key);
  if (!file) return file.error();
  Result<Secret> plaintext = Open(*file, Describe(key), deadline);
  if (!plaintext) return plaintext;
  const Status same = CheckOpensAsMade(key, *plaintext);
  if (!same.ok()) return same;
  // Files of earlier versions of this software have no mark yet.
  const Status marked = directory_.Mark(key);
  if (!marked.ok() && !is_mark_failure_logged_.exchange(true)) {
    log_.Write(LogLevel::kWarning,
               Describe(key) +
                   " cannot be marked as in use, so that its loss would not be "
                   "noticed; this is said once: " +
                   marked.message());
  }
  return plaintext;
}

Result<Secret> KeyFileBackend::Open(const KeyFile& file,
                                    const std::string& description,
                                    const Deadline& deadline) {
  Result<UnwrappedKey> plaintext =
      wrapper_.Unwrap(file.wrapped, file.binding, deadline);
  if (!plaintext) return plaintext.error().WithContext(description);
  const size_t size = plaintext->key.size();
  if (!IsAesKeySize(size)) {
    return Status(StatusCode::kCorrupt,
                  description + " holds " + std::to_string(size) +
                      " bytes, which is not the size of an AES key");
  }
  return std::move(plaintext->key);
}

Status KeyFileBackend::CheckOpensAsMade(KeyVersion key,
                                        const Secret& plaintext) {
  const std::lock_guard lock(mutex_);
  const auto made = made_.find(key);
  if (made == made_.end()) return Status::Ok();
  const Result<Digest256> digest = Sha256(plaintext.RevealBytes());
  if (!digest) return digest.error();
  if (DigestsEqual(*digest, made->second)) {
    made_.erase(made);
    return Status::Ok();
  }
  made->second = *digest;  // Either answer may be the false one.
  return {StatusCode::kUnavailable,
          "the new " + Describe(key) +
              " was opened by AWS KMS as two different keys, so that neither "
              "is used; if it happens again, look for a proxy between the "
              "server and KMS"};
}

Result<KeyFile> KeyFileBackend::ReadAndCheck(KeyVersion key) {
  const Result<Bytes> content = directory_.Read(KeyFileName(key));
  if (!content) return content.error();
  Result<KeyFile> file = ReadKeyFile(*content);
  if (!file) return file.error().WithContext(Describe(key));
  if (file->bound) {
    Status status = CheckBinding(key, *file);
    if (status.ok()) status = CheckInstallation(key, *file);
    if (!status.ok()) return status;
  } else if (options_.bind_policy() == BindPolicy::kRequired) {
    return Status(StatusCode::kDenied,
                  Describe(key) +
                      " is not bound to its key id, and "
                      "aws_key_management_bind_key_id=REQUIRED refuses such "
                      "files; set it to ON, or rotate the key and re-encrypt");
  }
  return file;
}

Status KeyFileBackend::CheckBinding(KeyVersion key, const KeyFile& file) {
  for (const auto& [name, value] : ContextOf(key, "")) {
    const auto found = file.binding.find(name);
    if (found != file.binding.end() && found->second == value) continue;
    return {StatusCode::kCorrupt,
            Describe(key) + " belongs to another key (its " + name + " is \"" +
                (found == file.binding.end() ? "" : found->second) +
                "\"): it was renamed or swapped; restore the right file from a "
                "backup"};
  }
  return Status::Ok();
}

Status KeyFileBackend::CheckInstallation(KeyVersion key, const KeyFile& file) {
  if (file.installation().empty()) return Status::Ok();
  const Result<std::string> own = installation_.Find();
  if (!own) return own.error();
  if (*own == file.installation()) return Status::Ok();
  return {StatusCode::kMisconfigured,
          Describe(key) + " belongs to another installation (" +
              file.installation() + "; this one is " +
              (own->empty() ? "without an id" : *own) +
              "): restore the file of this server from a backup"};
}

// ---- Creation --------------------------------------------------------------

Result<EncryptionContext> KeyFileBackend::ContextOfNewKey(KeyVersion key) {
  if (options_.bind_policy() == BindPolicy::kOff) return EncryptionContext();
  const Result<std::string> id = installation_.FindOrMake();
  if (!id) return id.error();
  return ContextOf(key, *id);
}

Status KeyFileBackend::Create(KeyVersion key, size_t bytes,
                              const Deadline& deadline) {
  const Result<EncryptionContext> context = ContextOfNewKey(key);
  if (!context) return context.error();
  Result<WrappedKey> wrapped = wrapper_.Generate(bytes, *context, deadline);
  if (!wrapped) return wrapped.error();
  const KeyFile file{std::move(*wrapped), !context->empty(), *context};
  // A key that this identity may make and not open must not be the newest one
  // at the next start.
  const Result<Secret> opened =
      Open(file, "the new " + Describe(key), deadline);
  if (!opened) return opened.error();
  const Result<Digest256> digest = Sha256(opened->RevealBytes());
  if (!digest) return digest.error();
  const Result<Bytes> content =
      file.bound ? WriteBoundKeyFile(file.wrapped, file.binding)
                 : file.wrapped.blob;
  if (!content) return content.error();
  Status status = directory_.Create(KeyFileName(key), *content);
  if (status.ok()) {
    const std::lock_guard lock(mutex_);
    made_[key] = *digest;
  }
  return status.ok() ? directory_.Mark(key) : status;
}

Status KeyFileBackend::Store(KeyVersion key, const Secret& value,
                             const Deadline& deadline) {
  const Status size = CheckAesKeySize(Describe(key), value.size());
  if (!size.ok()) return size;
  const Result<EncryptionContext> context = ContextOfNewKey(key);
  if (!context) return context.error();
  const bool bound = !context->empty();
  const Result<WrappedKey> wrapped = WrapChecked(
      wrapper_, value, *context,
      bound ? StoredWith::kWrappingKey : StoredWith::kBlobOnly, deadline);
  if (!wrapped) return wrapped.error().WithContext(Describe(key));
  const Result<Bytes> content =
      bound ? WriteBoundKeyFile(*wrapped, *context) : wrapped->blob;
  if (!content) return content.error();
  Status status = directory_.Create(KeyFileName(key), *content);
  return status.ok() ? directory_.Mark(key) : status;
}

}  // namespace openkeyring
