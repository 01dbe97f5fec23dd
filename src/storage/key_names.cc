// SPDX-License-Identifier: MIT
#include "storage/key_names.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "crypto/digest.h"

namespace openkeyring {
namespace {

constexpr std::string_view kVersionMarkPrefix = "aws-kms-key-made.";
constexpr std::string_view kInstallationHead = "OpenKeyring installation 1\n";
constexpr size_t kInstallationIdSize = 32;

// All of `text` as a number from 1 to `most`, in its one spelling.
std::optional<uint32_t> ParseNumber(std::string_view text, uint32_t most) {
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.starts_with('0') ||
      value > most) {
    return std::nullopt;
  }
  return value;
}

// The rest of a name after `prefix`: "<id>.<version>".
std::optional<KeyVersion> ParseNumbers(std::string_view name,
                                       std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto id = ParseNumber(name.substr(0, dot), 0xffffffff);
  const auto version = ParseNumber(name.substr(dot + 1), kMaxKeyVersion);
  if (!id || !version) return std::nullopt;
  return KeyVersion{*id, *version};
}

}  // namespace

std::string KeyFileName(KeyVersion key) {
  return std::string(kKeyFilePrefix) + std::to_string(key.id) + "." +
         std::to_string(key.version);
}

std::optional<KeyVersion> ParseKeyFileName(std::string_view name) {
  return ParseNumbers(name, kKeyFilePrefix);
}

std::string VersionMarkName(KeyVersion key) {
  return std::string(kVersionMarkPrefix) + std::to_string(key.id) + "." +
         std::to_string(key.version);
}

std::optional<KeyVersion> ParseVersionMarkName(std::string_view name) {
  return ParseNumbers(name, kVersionMarkPrefix);
}

Result<Bytes> WriteInstallationFile(const std::string& id) {
  const std::string head = std::string(kInstallationHead) + id + "\n";
  const Result<Digest256> digest = Sha256(AsBytes(head));
  if (!digest) return digest.error();
  const std::string text = head + HexEncode(*digest) + "\n";
  return Bytes(text.begin(), text.end());
}

Result<std::string> ReadInstallationFile(ByteView content) {
  const std::string_view text = AsText(content);
  std::string id(text.substr(std::min(kInstallationHead.size(), text.size()),
                             kInstallationIdSize));
  const Result<Bytes> expected = WriteInstallationFile(id);
  if (!expected) return expected.error();
  if (id.size() != kInstallationIdSize ||
      !std::ranges::equal(content, *expected)) {
    return Status(StatusCode::kCorrupt, "the installation file is damaged");
  }
  return id;
}

}  // namespace openkeyring
