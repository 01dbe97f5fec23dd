// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_ARN_H_
#define OPENKEYRING_AWS_ARN_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace openkeyring {

// "arn:partition:service:region:account:resource".
struct Arn {
  std::string partition, service, region, account, resource;
};
// kInvalidArgument for other text.
Result<Arn> ParseArn(std::string_view text);

// The region in the ARN of a key or an alias; "" for any other id or text.
std::string RegionOfKeyArn(const std::string& key_id);
// Whether this is the ARN of a multi-region key, which has one replica a
// region.
bool IsMultiRegionKeyArn(const std::string& key_id);

// Whether a key id in any of its forms means the key of that key ARN; replicas
// of a multi-region key are the same key. Nothing when only KMS can tell: for
// aliases, and when `key_arn` is not an ARN of a key.
std::optional<bool> SameKmsKey(const std::string& key_id,
                               const std::string& key_arn);

// The ARN of a multi-region key's replica in `region`; any other ARN or id
// comes back unchanged.
std::string KeyArnInRegion(const std::string& key_arn,
                           const std::string& region);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_ARN_H_
