// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/aws_keyring_file.h"

#include <utility>

namespace openkeyring {
namespace {

constexpr mode_t kNewDirectoryMode = 0750;
constexpr char kCure[] =
    "try again; to use another one, UNINSTALL and INSTALL the plugin or "
    "restart the server";

}  // namespace

AwsKeyringFile::AwsKeyringFile(FileSystem& files, Random& random, Log& log,
                               std::string path, std::optional<FileOwner> owner)
    : files_(files),
      random_(random),
      log_(log),
      file_(files, random, std::move(path), owner, kCure) {}

Result<AwsKeyring> AwsKeyringFile::Open() {
  file_.Acquire();
  if (!file_.locked() &&
      file_.why_not_writable().code() == StatusCode::kNotFound) {
    Status status = MakeIfMissing();
    if (!status.ok()) return status;
    file_.Acquire();
  }
  Result<AwsKeyring> keyring = ReadAll();
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

Status AwsKeyringFile::MakeIfMissing() {
  const std::string directory = DirectoryName(path());
  const Result<FileInfo> info = files_.Stat(directory);
  if (!info && info.error().code() == StatusCode::kNotFound) {
    const Status made = files_.MakeDirectory(directory, kNewDirectoryMode);
    if (!made.ok() && made.code() != StatusCode::kAlreadyExists) {
      return {StatusCode::kMisconfigured,
              "the keyring's directory is missing: " + made.message()};
    }
    (void)files_.SyncDirectory(DirectoryName(directory));
  }
  AwsKeyring empty;
  Status status = random_.Fill(empty.file_id);
  if (!status.ok()) return status;
  const Result<Bytes> content = WriteAwsKeyring(empty);
  if (!content) return content.error();
  status = file_.Create(*content);
  if (status.code() == StatusCode::kAlreadyExists) return Status::Ok();
  if (status.ok()) {
    log_.Write(LogLevel::kNote, "made a new, empty keyring file " + path());
  }
  return status;
}

Result<AwsKeyring> AwsKeyringFile::ReadAll() {
  Result<Bytes> content = files_.Read(path(), kMaxAwsKeyring);
  if (!content) return content.error();
  if (content->empty()) {
    return Status(StatusCode::kCorrupt,
                  "it is empty: restore it from a backup, or remove it to "
                  "start a new keyring");
  }
  Result<AwsKeyring> keyring = ReadAwsKeyring(*content);
  if (!keyring) return keyring;
  const Result<Digest256> digest = CheckedDigest(*content);
  if (!digest) return digest.error();
  digest_ = *digest;
  return keyring;
}

// What is there, when it is what this process knows.
Result<Bytes> AwsKeyringFile::CheckUnchanged() {
  file_.Acquire();
  Status status = file_.CheckOurs(file_.epoch());
  if (!status.ok()) return status;
  const Result<uint64_t> size = file_.file().Size();
  if (!size) return size.error();
  if (*size > kMaxAwsKeyring) return file_.Changed();
  Result<Bytes> content = file_.file().ReadBack(0, *size);
  if (!content) return content.error();
  const Result<Digest256> digest = CheckedDigest(*content);
  if (!digest || !DigestsEqual(*digest, digest_)) return file_.Changed();
  return content;
}

Status AwsKeyringFile::Replace(const AwsKeyring& next, bool& in_place) {
  in_place = false;
  Result<Bytes> content = WriteAwsKeyring(next);
  if (!content) return content.error();
  Result<Bytes> old = CheckUnchanged();
  if (!old) return old.error();
  Status status = file_.ReplaceOrRestore(*content, *old, in_place);
  if (in_place) digest_ = *CheckedDigest(*content);
  return status;
}

}  // namespace openkeyring
