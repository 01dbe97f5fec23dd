// SPDX-License-Identifier: MIT
#include "aws/endpoints.h"

#include <algorithm>
#include <array>

namespace openkeyring {
namespace {

struct PartitionRule {
  std::string_view region_prefix;
  Partition partition;
};

// From the SDKs' partitions.json (patterns reduced to what tells them apart).
// The first that fits counts; the last fits all.
constexpr std::array kRules = {
    PartitionRule{
        "cn-", {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"}},
    PartitionRule{"us-gov-", {"aws-us-gov", "amazonaws.com", "api.aws"}},
    PartitionRule{"eusc-",
                  {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"}},
    PartitionRule{"us-iso-", {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov"}},
    PartitionRule{"us-isob-", {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"}},
    PartitionRule{"eu-isoe-",
                  {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"}},
    PartitionRule{"us-isof-",
                  {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"}},
    PartitionRule{"", {"aws", "amazonaws.com", "api.aws"}},
};

}  // namespace

const Partition& PartitionOfRegion(std::string_view region) {
  for (const PartitionRule& rule : kRules) {
    if (region.starts_with(rule.region_prefix)) return rule.partition;
  }
  return kRules.back().partition;
}

bool IsPlausibleRegion(std::string_view region) {
  return !region.empty() && region.size() <= 63 && region.front() != '-' &&
         region.back() != '-' &&
         region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
             std::string_view::npos;
}

std::string_view KindOfPseudoRegion(std::string_view region) {
  if (region.ends_with("-global")) {
    return "the pseudo region of a partition's global services: name the "
           "region of the KMS key";
  }
  if (region.starts_with("fips-") || region.ends_with("-fips")) {
    return "a pseudo region of FIPS endpoints: name the region, and use "
           "use_fips_endpoint";
  }
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (region.size() > 1 && is_digit(region[region.size() - 2]) &&
      !is_digit(region.back()) && region.back() != '-') {
    return "an availability zone: name its region, without the last letter";
  }
  return "";
}

std::string ServiceEndpoint(std::string_view service, std::string_view region,
                            bool use_fips, bool use_dual_stack) {
  const Partition& partition = PartitionOfRegion(region);
  std::string host(service);
  // GovCloud's only STS is a FIPS one, and keeps the plain name.
  const bool plain_is_fips =
      service == "sts" && partition.name == "aws-us-gov" && !use_dual_stack;
  if (use_fips && !plain_is_fips) host += "-fips";
  host += "." + std::string(region) + ".";
  host +=
      use_dual_stack ? partition.dual_stack_dns_suffix : partition.dns_suffix;
  return "https://" + host;
}

}  // namespace openkeyring
