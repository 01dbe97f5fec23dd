// SPDX-License-Identifier: MIT
#include "product/key_slot_options.h"

#include <algorithm>
#include <utility>

#include "aws/arn.h"
#include "aws/kms_messages.h"
#include "base/encoding.h"
#include "os/permissions_cure.h"

namespace openkeyring {
namespace {

constexpr char kKmsKey[] = "kms_key";
constexpr char kRecoveryKey[] = "recovery_public_key";
constexpr size_t kMaxPem = 64 << 10;
constexpr mode_t kAccessOfOthers = 0007;
constexpr size_t kMostKmsKeys = 16;

Status CheckKeyId(const std::string& key) {
  if (key.find(',') == std::string::npos) return CheckKmsKeyId(key);
  return {StatusCode::kMisconfigured,
          "several keys are a list: [\"KEY1\", \"KEY2\"]"};
}

KmsKeyOptions ReadKmsKey(JsonOptions& entry) {
  KmsKeyOptions key;
  entry.Require("key");
  key.key = entry.Text("key");
  key.region = entry.Text("region");
  key.endpoint_url = entry.Text("endpoint_url");
  key.profile = entry.Text("profile");
  key.role_arn = entry.Text("role_arn");
  key.external_id = entry.Text("external_id");
  if (!key.key.empty()) {
    const Status status = CheckKeyId(key.key);
    if (!status.ok()) entry.Complain(status.message());
  }
  if (!key.external_id.empty() && key.role_arn.empty()) {
    entry.Complain("external_id requires role_arn");
  }
  const std::string of_arn = RegionOfKeyArn(key.key);
  if (!key.region.empty() && !of_arn.empty() && key.region != of_arn &&
      !IsMultiRegionKeyArn(key.key)) {
    entry.Complain("region is " + key.region + ", but the key is in " + of_arn);
  }
  return key;
}

// Also under two endpoints or roles.
bool IsSameKey(const KmsKeyOptions& left, const KmsKeyOptions& right) {
  return left.Region() == right.Region() &&
         (left.key == right.key ||
          SameKmsKey(left.key, right.key).value_or(false) ||
          SameKmsKey(right.key, left.key).value_or(false));
}

using Problems = std::vector<std::string>;

Problems ProblemsOfList(const std::vector<KmsKeyOptions>& keys) {
  Problems problems;
  if (keys.size() > kMostKmsKeys) {
    problems.push_back(std::string(kKmsKey) + " has more than " +
                       std::to_string(kMostKmsKeys) + " keys");
  }
  for (auto key = keys.begin(); key != keys.end(); ++key) {
    const bool twice = std::any_of(keys.begin(), key, [&](const auto& earlier) {
      return IsSameKey(earlier, *key);
    });
    if (twice && !key->key.empty()) {
      problems.push_back(std::string(kKmsKey) + ": " + key->Name() +
                         " is a duplicate");
    }
  }
  return problems;
}

void ReadOneKmsKey(JsonOptions& options, KeySlotOptions& slots) {
  KmsKeyOptions key;
  key.key = options.Text(kKmsKey);
  if (!key.key.empty()) {
    const Status status = CheckKeyId(key.key);
    if (!status.ok()) {
      options.Complain(std::string(kKmsKey) + ": " + status.message());
    }
  }
  slots.kms_keys.push_back(std::move(key));
}

void ReadKmsKeys(JsonOptions& options, KeySlotOptions& slots) {
  options.Require(kKmsKey);
  if (!options.IsList(kKmsKey)) {
    ReadOneKmsKey(options, slots);
    return;
  }
  for (JsonOptions& entry : options.Objects(kKmsKey, "key")) {
    slots.kms_keys.push_back(ReadKmsKey(entry));
    const Status status = entry.Finish();
    if (!status.ok()) {
      options.Complain(status.message());
      continue;
    }
    // Not a warning, as elsewhere: no other product has lists of KMS keys.
    for (const std::string& unknown : entry.UnknownOptions()) {
      options.Complain(entry.source() + ": " + unknown);
    }
  }
  for (const std::string& problem : ProblemsOfList(slots.kms_keys)) {
    options.Complain(problem);
  }
}

void CheckAbsolute(JsonOptions& options, const char* name,
                   const std::string& path) {
  if (path.starts_with('/')) return;
  options.Complain(std::string(name) + " must be an absolute path, not " +
                   path);
}

Status Misconfigured(std::string text) {
  return {StatusCode::kMisconfigured, std::move(text)};
}

// Whether `path`, resolved, lies in or below `directory`: one of its own
// directories is that one, which also finds it through mounts.
Result<bool> LiesIn(FileSystem& files, const std::string& path,
                    const std::string& directory) {
  const Result<FileInfo> wanted = files.Stat(directory);
  if (wanted.status().code() == StatusCode::kNotFound) return false;
  if (!wanted) return wanted.error();
  for (std::string parent = DirectoryName(path);;
       parent = DirectoryName(parent)) {
    const Result<FileInfo> info = files.Stat(parent);
    if (!info) return info.error();
    if (info->device == wanted->device && info->inode == wanted->inode) {
      return true;
    }
    if (parent == "/" || parent == ".") return false;
  }
}

Status CheckPlace(FileSystem& files, const std::string& path,
                  const std::vector<std::string>& directories) {
  const Result<std::string> resolved = files.CanonicalPath(path);
  if (!resolved) return resolved.error();
  for (const std::string& directory : directories) {
    const Result<bool> inside =
        LiesIn(files, *resolved, directory.empty() ? "." : directory);
    if (!inside) return inside.error();
    if (!*inside) continue;
    return Misconfigured(
        path + " lies in " + directory +
        ", where every copy of the data would carry the key to it; keep it "
        "elsewhere, for example as a systemd credential");
  }
  return Status::Ok();
}

Result<std::vector<KmsKeyOptions>> ParseJsonList(std::string_view list) {
  Secret object = Secret::CopyOf("{\"kms_key\":" + std::string(list) + "}");
  Result<JsonOptions> options = JsonOptions::Parse(object, "the list", {});
  if (!options) return options.error();
  KeySlotOptions slots;
  ReadKmsKeys(*options, slots);
  Status status = options->Finish();
  if (!status.ok()) return status;
  return std::move(slots.kms_keys);
}

}  // namespace

bool KmsKeyOptions::HasSettings() const {
  return !region.empty() || !endpoint_url.empty() || !profile.empty() ||
         !role_arn.empty() || !external_id.empty();
}

std::string KmsKeyOptions::Region() const {
  return region.empty() ? RegionOfKeyArn(key) : region;
}

std::string KmsKeyOptions::Name() const {
  return region.empty() || region == RegionOfKeyArn(key) ? key
                                                         : key + "@" + region;
}

KeySlotOptions ReadKeySlotOptions(JsonOptions& options) {
  KeySlotOptions slots;
  ReadKmsKeys(options, slots);
  slots.recovery_public_keys = options.TextList(kRecoveryKey);
  for (const std::string& path : slots.recovery_public_keys) {
    CheckAbsolute(options, kRecoveryKey, path);
  }
  slots.local_unlock_file = options.Text("local_unlock_file");
  if (!slots.local_unlock_file.empty()) {
    CheckAbsolute(options, "local_unlock_file", slots.local_unlock_file);
  }
  return slots;
}

Result<std::vector<KmsKeyOptions>> ParseKmsKeyList(std::string_view text) {
  text = Trim(text);
  if (text.empty()) return std::vector<KmsKeyOptions>();
  if (text.starts_with('[')) return ParseJsonList(text);
  std::vector<KmsKeyOptions> keys;
  for (size_t start = 0, end = 0; end != text.npos; start = end + 1) {
    end = text.find(',', start);
    KmsKeyOptions key;
    key.key = Trim(text.substr(start, end == text.npos ? end : end - start));
    const Status status = CheckKmsKeyId(key.key);
    if (!status.ok()) return Misconfigured(status.message());
    keys.push_back(std::move(key));
  }
  const Problems problems = ProblemsOfList(keys);
  if (!problems.empty()) return Misconfigured(problems.front());
  return keys;
}

AwsOptions AwsOptionsOfKey(const KmsKeyOptions& key, const AwsOptions& common) {
  AwsOptions aws = common.Clone();
  const std::string region = key.Region();
  if (!region.empty()) aws.region = region;
  if (!key.endpoint_url.empty()) aws.endpoint_url = key.endpoint_url;
  if (!key.profile.empty()) {
    aws.profile = key.profile;
    aws.key_file.clear();
    aws.access_key_id.clear();
    aws.secret_access_key.Clear();
    aws.session_token.Clear();
  }
  if (!key.profile.empty() || !key.role_arn.empty()) {
    aws.role_arn = key.role_arn;
    aws.external_id = key.external_id;
  }
  return aws;
}

bool ShareEndpoint(const std::vector<KmsKeyOptions>& keys,
                   const std::string& common_url) {
  return keys.size() > 1 && !common_url.empty() &&
         std::ranges::any_of(keys, [](const KmsKeyOptions& key) {
           return key.endpoint_url.empty();
         });
}

std::vector<std::string> SplitPaths(const std::string& list) {
  std::vector<std::string> paths;
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string path = list.substr(begin, end - begin);
    if (!path.empty()) paths.push_back(path);
    begin = end + 1;
  }
  return paths;
}

std::vector<RecoveryKey> ReadRecoveryKeys(FileSystem& files,
                                          const std::vector<std::string>& paths,
                                          Problems& problems) {
  std::vector<RecoveryKey> keys;
  for (const std::string& path : paths) {
    const std::string context = std::string(kRecoveryKey) + ": ";
    const Result<Secret> pem = files.ReadSecret(path, kMaxPem);
    if (!pem) {
      problems.push_back(context + pem.error().message());
      continue;
    }
    Result<RsaPublicKey> key = RsaPublicKey::FromPem(pem->RevealText());
    if (!key) {
      problems.push_back(context + path + ": " + key.error().message());
      continue;
    }
    const auto same =
        std::ranges::find_if(keys, [&](const RecoveryKey& earlier) {
          return earlier.key.fingerprint() == key->fingerprint();
        });
    if (same != keys.end()) {
      problems.push_back(context + path + " holds the same key as " +
                         same->path);
      continue;
    }
    keys.push_back({path, std::move(*key)});
  }
  return keys;
}

Status CheckLocalUnlockFile(FileSystem& files, const std::string& path,
                            const std::vector<std::string>& directories) {
  const Result<FileInfo> info = files.Stat(path);
  if (!info) return info.error();
  if (!info->is_regular) return Misconfigured(path + " is not a regular file");
  Status status = CheckPlace(files, path, directories);
  if (!status.ok()) return status;
  if (info->links > 1) {
    return Misconfigured(path +
                         " has another name (a hard link), which may lie in "
                         "the data directory; remove that one");
  }
  if ((info->permissions & kAccessOfOthers) != 0) {
    return Misconfigured(
        path + " is accessible to all users; run: " + PermissionsCure(path));
  }
  if (info->size != kLocalUnlockBytes) {
    return Misconfigured(path + " has " + std::to_string(info->size) +
                         " bytes and must have 32 random ones (head -c 32 "
                         "/dev/urandom)");
  }
  return Status::Ok();
}

Result<Secret> ReadLocalUnlockFile(
    FileSystem& files, const std::string& path,
    const std::vector<std::string>& directories) {
  Status status = CheckLocalUnlockFile(files, path, directories);
  if (!status.ok()) return status;
  Result<Secret> secret = files.ReadSecret(path, kLocalUnlockBytes);
  if (!secret || secret->size() == kLocalUnlockBytes) return secret;
  return Misconfigured(path + " was changed while it was read");
}

}  // namespace openkeyring
