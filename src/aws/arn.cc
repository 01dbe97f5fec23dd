// SPDX-License-Identifier: MIT
#include "aws/arn.h"

#include <algorithm>

namespace openkeyring {
namespace {

// What of the text comes before the next colon; the text loses both.
std::string_view TakePart(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find(':'));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

}  // namespace

Result<Arn> ParseArn(std::string_view text) {
  const Status bad(StatusCode::kInvalidArgument,
                   "\"" + std::string(text) +
                       "\" is not an ARN "
                       "(arn:partition:service:region:account:resource)");
  if (TakePart(text) != "arn") return bad;
  Arn arn;
  arn.partition = TakePart(text);
  arn.service = TakePart(text);
  arn.region = TakePart(text);
  arn.account = TakePart(text);
  arn.resource = text;
  if (arn.partition.empty() || arn.service.empty() || arn.resource.empty()) {
    return bad;
  }
  return arn;
}

std::string RegionOfKeyArn(const std::string& key_id) {
  const Result<Arn> arn = ParseArn(key_id);
  return arn && arn->service == "kms" ? arn->region : "";
}

bool IsMultiRegionKeyArn(const std::string& key_id) {
  const Result<Arn> arn = ParseArn(key_id);
  return arn && arn->resource.starts_with("key/mrk-");
}

std::optional<bool> SameKmsKey(const std::string& key_id,
                               const std::string& key_arn) {
  if (key_id == key_arn) return true;
  Result<Arn> known = ParseArn(key_arn);
  if (!known || !known->resource.starts_with("key/")) return std::nullopt;
  Result<Arn> asked = ParseArn(key_id);
  if (!asked) {
    if (key_id.starts_with("alias/")) return std::nullopt;
    return "key/" + key_id == known->resource;  // A bare id.
  }
  if (!asked->resource.starts_with("key/")) return std::nullopt;  // An alias.
  const bool multi_region = known->resource.starts_with("key/mrk-");
  return asked->resource == known->resource &&
         asked->account == known->account &&
         (multi_region || asked->region == known->region);
}

std::string KeyArnInRegion(const std::string& key_arn,
                           const std::string& region) {
  Result<Arn> arn = ParseArn(key_arn);
  if (!arn || !arn->resource.starts_with("key/mrk-")) return key_arn;
  return "arn:" + arn->partition + ":" + arn->service + ":" + region + ":" +
         arn->account + ":" + arn->resource;
}

}  // namespace openkeyring
