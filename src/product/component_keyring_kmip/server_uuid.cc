// SPDX-License-Identifier: MIT
#include "product/component_keyring_kmip/server_uuid.h"

#include <string_view>

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = 4096, kUuidSize = 36;
constexpr std::string_view kOption = "\nserver-uuid=";

}  // namespace

std::string ReadServerUuid(FileSystem& files, const std::string& directory) {
  const Result<Bytes> content =
      files.Read(JoinPath(directory, "auto.cnf"), kMaxFile);
  if (!content) return "";
  std::string_view text = AsText(*content);
  const size_t start = text.find(kOption);
  if (start == text.npos) return "";
  text.remove_prefix(start + kOption.size());
  const std::string_view uuid = text.substr(0, text.find('\n'));
  const bool valid =
      uuid.size() == kUuidSize &&
      uuid.find_first_not_of("0123456789abcdefABCDEF-") == uuid.npos;
  return valid ? std::string(uuid) : "";
}

}  // namespace openkeyring
