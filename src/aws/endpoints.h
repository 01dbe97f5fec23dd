// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_ENDPOINTS_H_
#define OPENKEYRING_AWS_ENDPOINTS_H_

#include <string>
#include <string_view>

namespace openkeyring {

// An AWS partition: a separate cloud with its own names.
struct Partition {
  std::string_view name;                   // "aws", "aws-cn", ...
  std::string_view dns_suffix;             // "amazonaws.com"
  std::string_view dual_stack_dns_suffix;  // "api.aws"
};

// The partition of a region, by the regions' name patterns. A region of no
// known pattern belongs to "aws" (new regions appear; the SDKs do the same).
const Partition& PartitionOfRegion(std::string_view region);

// True for names a region can have: 1-63 of a-z, 0-9 and "-", not at an end.
// Guards host names made of user input.
bool IsPlausibleRegion(std::string_view region);

// What a plausible name is instead of a region: a pseudo region of the SDKs or
// an availability zone; "" for a region.
std::string_view KindOfPseudoRegion(std::string_view region);

// "https://kms.eu-west-1.amazonaws.com" and its FIPS ("kms-fips.") and
// dual-stack forms. `service` is "kms" or "sts".
std::string ServiceEndpoint(std::string_view service, std::string_view region,
                            bool use_fips, bool use_dual_stack);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_ENDPOINTS_H_
