// SPDX-License-Identifier: MIT
#include "emulators/kms/key_lookup.h"

#include <algorithm>

namespace kms_emulator {
namespace {

constexpr std::string_view kAliasPrefix = "alias/";

bool IsHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

struct Arn {
  std::string partition, service, region, account, resource;
};

// "arn:partition:service:region:account:resource"
Outcome<Arn> ParseArn(const std::string& text) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (int i = 0; i < 5; ++i) {
    const size_t colon = text.find(':', start);
    if (colon == std::string::npos) break;
    parts.push_back(text.substr(start, colon - start));
    start = colon + 1;
  }
  parts.push_back(text.substr(start));
  if (parts.size() != 6 || parts[2] != "kms" || parts[3].empty() ||
      parts[4].empty() || parts[5].empty()) {
    return Fail("InvalidArnException", "Invalid arn " + text);
  }
  return Arn{parts[1], parts[2], parts[3], parts[4], parts[5]};
}

Outcome<Key> FindById(const State& state, const std::string& region,
                      const std::string& id) {
  if (!IsKeyId(id))
    return Fail("NotFoundException", "Invalid keyId '" + id + "'");
  const auto found = state.keys.find({region, id});
  if (found != state.keys.end()) return found->second;
  Key absent;
  absent.id = id;
  absent.region = region;
  return Fail("NotFoundException",
              "Key '" + KeyArn(state, absent) + "' does not exist");
}

Outcome<Key> FindByAlias(const State& state, const std::string& region,
                         const std::string& alias) {
  const auto found = state.aliases.find({region, alias});
  if (found != state.aliases.end()) {
    return FindById(state, region, found->second);
  }
  return Fail("NotFoundException",
              "Alias " + AliasArn(state, region, alias) + " is not found.");
}

Outcome<Key> FindByArn(const State& state, const Caller& caller,
                       const std::string& action, const std::string& text,
                       KeyIdForms forms) {
  const Outcome<Arn> arn = ParseArn(text);
  if (!arn) return Failure(arn.error());
  if (arn->region != caller.region || arn->partition != "aws") {
    return Fail("NotFoundException", "Invalid arn " + arn->region);
  }
  if (arn->account != state.account) return DenyForeign(caller, action, text);
  if (arn->resource.starts_with("key/")) {
    return FindById(state, caller.region, arn->resource.substr(4));
  }
  if (arn->resource.starts_with(kAliasPrefix) && forms == KeyIdForms::kAll) {
    return FindByAlias(state, caller.region, arn->resource);
  }
  return Fail("InvalidArnException", "Invalid arn " + text);
}

}  // namespace

bool IsKeyId(std::string_view text) {
  if (text.starts_with("mrk-")) {
    return text.size() == 36 && IsHex(text.substr(4));
  }
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text.substr(i, 1))) return false;
  }
  return true;
}

bool IsAliasName(std::string_view text) {
  if (!text.starts_with(kAliasPrefix)) return false;
  if (text.size() <= kAliasPrefix.size() || text.size() > 256) return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-';
  });
}

Outcome<Key> FindKey(const State& state, const Caller& caller,
                     const std::string& action, const std::string& key_id,
                     KeyIdForms forms) {
  if (key_id.starts_with("arn:")) {
    return FindByArn(state, caller, action, key_id, forms);
  }
  if (key_id.starts_with(kAliasPrefix) && forms == KeyIdForms::kAll) {
    return FindByAlias(state, caller.region, key_id);
  }
  return FindById(state, caller.region, key_id);
}

Outcome<void> CheckNotPendingDeletion(const State& state, const Key& key) {
  if (key.state != "PendingDeletion") return {};
  return Fail("KMSInvalidStateException",
              KeyArn(state, key) + " is pending deletion.");
}

Outcome<void> CheckEnabled(const State& state, const Key& key) {
  if (key.state == "Enabled") return {};
  const std::string arn = KeyArn(state, key);
  if (key.state == "Disabled") {
    return Fail("DisabledException", arn + " is disabled.");
  }
  if (key.state == "PendingDeletion") {
    return CheckNotPendingDeletion(state, key);
  }
  return Fail("KMSInvalidStateException",
              arn + " is in state " + key.state + ".");
}

}  // namespace kms_emulator
