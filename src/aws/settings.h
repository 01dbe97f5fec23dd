// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_SETTINGS_H_
#define OPENKEYRING_AWS_SETTINGS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/dependencies.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/http_curl.h"

namespace openkeyring {

// What a product's own options say. Empty means "not said": the environment
// and the profile are asked next.
struct AwsOptions {
  std::string region;
  std::string endpoint_url;  // Explicit KMS endpoint.
  // An explicit endpoint may be http:// to another host than loopback, although
  // the answer of Decrypt carries the plaintext key.
  bool allow_unencrypted_endpoint = false;
  std::string profile;  // Named here, it switches environment keys off.
  // A file of two lines, the access key id and the secret access key: then
  // nothing else is asked for credentials. Read again when AWS refuses them.
  std::string key_file;
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  std::string role_arn;  // Assumed on top of the credentials otherwise found.
  std::string external_id;
  std::string ca_bundle;
  std::optional<bool> use_fips_endpoint;
  std::optional<bool> use_dualstack_endpoint;
  std::optional<int> max_attempts;
  std::shared_ptr<const HttpProxy> proxy;  // Null: the environment's.

  AwsOptions Clone() const;
};

// The same after the environment (AWS_*) and the profile's keys were asked, in
// that order, per setting. See docs/aws.md for the table.
struct AwsSettings {
  std::string profile;  // "default" when nobody named one.
  // Empty when nobody said: then RegionResolver asks IMDS.
  std::string region;
  std::string region_origin;     // For the log: "AWS_REGION", "option", ...
  std::string kms_endpoint_url;  // Explicit one or empty.
  std::string sts_endpoint_url;  // Explicit one or empty.
  bool allow_unencrypted_endpoint = false;
  std::string ca_bundle;  // Path or empty.
  bool use_fips_endpoint = false;
  bool use_dualstack_endpoint = false;
  int max_attempts = 3;
  std::vector<std::string> warnings;  // For the log, at every start.
};

// kMisconfigured, naming variable or file, for values that cannot be right: a
// bad URL or region, an http:// endpoint on another host that is not allowed, a
// boolean that is neither true nor false, an explicit endpoint together with
// FIPS or dual-stack, a profile that was named and does not exist, a file that
// cannot be parsed. Reads the environment and the two shared files; no network.
Result<AwsSettings> ResolveAwsSettings(const AwsOptions& options,
                                       Environment& environment,
                                       FileSystem& files);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_SETTINGS_H_
