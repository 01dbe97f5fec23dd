// SPDX-License-Identifier: MIT
#include "aws/credentials/access_key_file.h"

#include <utility>

#include "aws/values.h"
#include "base/encoding.h"
#include "os/permissions_cure.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = 16384;
constexpr mode_t kForEverybody = 0007;

Status Wrong(const std::string& path, std::string_view why) {
  return {StatusCode::kMisconfigured,
          "the file of the AWS access key, " + path + ", " + std::string(why)};
}

// The next line without whitespace at its ends, taken from the front of `rest`.
std::string_view TakeLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const std::string_view line = Trim(rest.substr(0, end));
  rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  return line;
}

Result<Credentials> Parse(std::string_view text, const std::string& path) {
  if (Trim(text).empty()) return Wrong(path, "is empty");
  const std::string_view id = TakeLine(text), secret = TakeLine(text);
  if (id.empty()) return Wrong(path, "has no access key id in its first line");
  if (secret.empty()) {
    return Wrong(path, "has no secret access key in its second line");
  }
  if (!Trim(text).empty()) return Wrong(path, "has more than two lines");
  Credentials keys{std::string(id), Secret::CopyOf(secret), Secret(),
                   std::nullopt};
  const Status status = CheckCredentials(keys);
  if (!status.ok()) return Wrong(path, "is malformed: " + status.message());
  return keys;
}

}  // namespace

Result<Credentials> ReadAccessKeyFile(FileSystem& files,
                                      const std::string& path) {
  if (path.empty()) {
    return Status(StatusCode::kMisconfigured,
                  "the path of the file of the AWS access key is empty");
  }
  const Result<FileInfo> info = files.Stat(path);
  if (!info) {
    if (info.error().code() == StatusCode::kNotFound) {
      return Wrong(path, "is missing");
    }
    return info.error();
  }
  if ((info->permissions & kForEverybody) != 0) {
    return Wrong(path, "is world-readable; run: " + PermissionsCure(path));
  }
  const Result<Secret> content = files.ReadSecret(path, kMaxFile);
  if (!content) {
    return content.error().WithContext("the file of the AWS access key");
  }
  return Parse(content->RevealText(), path);
}

}  // namespace openkeyring
