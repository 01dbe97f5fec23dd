// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_ENTERPRISE_OPTIONS_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_ENTERPRISE_OPTIONS_H_

#include "aws/settings.h"
#include "json/json_options.h"

namespace openkeyring {

// Secrets in a configuration of MySQL Enterprise's component_keyring_aws.
constexpr char kEnterpriseSecretKey[] = "aws_authentication.access_key_secret";
constexpr char kEnterpriseProxyPassword[] = "aws_connection.proxy.password";

// The objects aws_authentication and aws_connection of such a configuration,
// and cache_keys, which has no effect. As there, what does not apply in the
// mode that is set is ignored. What is not in them stays as it is; what is both
// there and in our own options is an error of `options`.
void ReadEnterpriseOptions(JsonOptions& options, AwsOptions& aws,
                           Millis& connect_timeout);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_ENTERPRISE_OPTIONS_H_
