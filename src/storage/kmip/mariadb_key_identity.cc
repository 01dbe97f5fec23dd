// SPDX-License-Identifier: MIT
#include "storage/kmip/mariadb_key_identity.h"

#include <charconv>

namespace openkeyring {
namespace {

constexpr char kNamespace[] = "openkeyring-mariadb";

std::string Encode(const MariaDbKeyIdentity& identity) {
  return "1;" + std::to_string(identity.key.id) + ";" +
         std::to_string(identity.key.version) + ";" + identity.nonce;
}

// Takes a number and the ';' after it; 0, which is none, when it is wrong.
uint32_t TakeNumber(std::string_view& text) {
  uint32_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  const size_t used = static_cast<size_t>(end - text.data());
  if (error != std::errc() || used == text.size() || text[used] != ';') {
    return 0;
  }
  text.remove_prefix(used + 1);
  return number;
}

Result<std::optional<MariaDbKeyIdentity>> Decode(const std::string& data) {
  std::string_view text = data;
  MariaDbKeyIdentity identity;
  if (TakeNumber(text) == 1) {
    identity.key.id = TakeNumber(text);
    identity.key.version = TakeNumber(text);
    identity.nonce = text;
  }
  const bool right = identity.key.id != 0 && identity.key.version != 0 &&
                     identity.key.version <= kMaxKeyVersion &&
                     !identity.nonce.empty() && Encode(identity) == data;
  if (right) return identity;
  return Status(StatusCode::kCorrupt, "its identity cannot be read");
}

}  // namespace

KmipApplicationInfo WriteMariaDbKeyIdentity(
    const MariaDbKeyIdentity& identity) {
  return {kNamespace, Encode(identity)};
}

Result<std::optional<MariaDbKeyIdentity>> ReadMariaDbKeyIdentity(
    const KmipAttributes& attributes) {
  for (const KmipApplicationInfo& info : attributes.application_info) {
    if (info.name_space == kNamespace) return Decode(info.data);
  }
  return std::nullopt;
}

}  // namespace openkeyring
