// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/aws_data_file.h"

#include <utility>

namespace openkeyring {
namespace {

constexpr mode_t kNewDirectoryMode = 0750;
constexpr char kCure[] =
    "try again; to use another file, UNINSTALL and INSTALL the plugin or "
    "restart the server";

}  // namespace

AwsDataFile::AwsDataFile(FileSystem& files, Random& random, Log& log,
                         std::string path, std::optional<FileOwner> owner)
    : files_(files),
      random_(random),
      log_(log),
      file_(files, random, std::move(path), owner, kCure) {}

Result<AwsKeyringContent> AwsDataFile::Open() {
  file_.Acquire();
  if (!file_.locked() &&
      file_.why_not_writable().code() == StatusCode::kNotFound) {
    Status status = MakeIfMissing();
    if (!status.ok()) return status;
    file_.Acquire();
  }
  Result<AwsKeyringContent> keyring = ReadAll();
  if (!keyring) return keyring.error().WithContext("keyring file " + path());
  if (!file_.locked()) {
    log_.Write(LogLevel::kWarning,
               "keys can be read but not changed until this is fixed: " +
                   file_.why_not_writable().message());
    return keyring;
  }
  file_.SweepLeftovers(log_);
  const Status status = file_.SyncAll();
  if (!status.ok()) return status;
  return keyring;
}

Status AwsDataFile::MakeIfMissing() {
  const std::string directory = DirectoryName(path());
  const Result<FileInfo> info = files_.Stat(directory);
  if (!info && info.error().code() == StatusCode::kNotFound) {
    const Status made = files_.MakeDirectory(directory, kNewDirectoryMode);
    if (!made.ok() && made.code() != StatusCode::kAlreadyExists) {
      return {StatusCode::kMisconfigured,
              "the keyring's directory is missing: " + made.message()};
    }
    const Status synced = files_.SyncDirectory(DirectoryName(directory));
    if (!synced.ok()) return synced.WithContext("the keyring's new directory");
  }
  AwsKeyringContent empty;
  Status status = random_.Fill(empty.file_id);
  if (!status.ok()) return status;
  const Result<Bytes> content = EncodeAwsDataFile(empty);
  if (!content) return content.error();
  status = file_.Create(*content);
  if (status.code() == StatusCode::kAlreadyExists) return Status::Ok();
  if (status.ok()) {
    log_.Write(LogLevel::kWarning,
               "no keyring was found at " + path() +
                   ": a new, empty one was created there; if this server has "
                   "encrypted data, stop it and check keyring_aws_data_file");
  }
  return status;
}

Result<AwsKeyringContent> AwsDataFile::ReadAll() {
  Result<Bytes> content = files_.Read(path(), kMaxAwsDataFile);
  if (!content) return content.error();
  if (content->empty()) {
    return Status(StatusCode::kCorrupt,
                  "it is empty: restore it from a backup, or remove it to "
                  "start a new keyring");
  }
  Result<AwsKeyringContent> keyring = DecodeAwsDataFile(*content);
  if (!keyring) return keyring;
  const Result<Digest256> digest = CheckedDigest(*content);
  if (!digest) return digest.error();
  digest_ = *digest;
  return keyring;
}

// The content of the file, if it is what this process knows.
Result<Bytes> AwsDataFile::CheckUnchanged() {
  file_.Acquire();
  Status status = file_.CheckOurs(file_.epoch());
  if (!status.ok()) return status;
  const Result<uint64_t> size = file_.file().Size();
  if (!size) return size.error();
  if (*size > kMaxAwsDataFile) return file_.Changed();
  Result<Bytes> content = file_.file().ReadBack(0, *size);
  if (!content) return content.error();
  const Result<Digest256> digest = CheckedDigest(*content);
  if (!digest || !DigestsEqual(*digest, digest_)) return file_.Changed();
  return content;
}

Status AwsDataFile::Replace(const AwsKeyringContent& next, bool& in_place) {
  in_place = false;
  Result<Bytes> content = EncodeAwsDataFile(next);
  if (!content) return content.error();
  Result<Bytes> old = CheckUnchanged();
  if (!old) return old.error();
  Status status = file_.ReplaceOrRestore(*content, *old, in_place);
  if (in_place) digest_ = *CheckedDigest(*content);
  return status;
}

Status AwsDataFile::ReplaceAll(const AwsKeyringContent& next, bool& in_place) {
  in_place = false;
  Result<Bytes> old = CheckUnchanged();
  if (!old) return old.error();
  const Result<std::string> copy = file_.PutAside("rewrapped", *old);
  if (!copy) {
    return copy.error().WithContext("cannot keep a copy of the old file");
  }
  Status status = Replace(next, in_place);
  if (status.ok()) status = CheckUnchanged().status();
  if (!status.ok() && in_place) {
    return status.WithContext("the old keyring file was kept as " + *copy);
  }
  const Status removed = files_.Remove(*copy);
  if (!removed.ok()) {
    log_.Write(LogLevel::kWarning,
               "a copy of the old keyring file that is not needed was left: " +
                   removed.message());
  }
  return status;
}

}  // namespace openkeyring
