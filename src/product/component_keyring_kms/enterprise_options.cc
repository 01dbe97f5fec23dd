// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/enterprise_options.h"

#include <memory>
#include <string>
#include <utility>

#include "net/endpoint.h"
#include "net/socket.h"

namespace openkeyring {
namespace {

constexpr char kAuthentication[] = "aws_authentication";
constexpr char kConnection[] = "aws_connection";
constexpr int64_t kMostMillis = 3600 * 1000;

// `theirs` is used, unless the same is also set by one of our own options.
void Set(JsonOptions& options, const char* ours, std::string theirs,
         std::string& value) {
  if (theirs.empty()) return;
  if (options.Has(ours)) {
    options.Complain(std::string(ours) + " and " + kAuthentication +
                     " are mutually exclusive");
  }
  value = std::move(theirs);
}

void ReadAuthentication(JsonOptions& options, AwsOptions& aws) {
  JsonOptions theirs = options.Object(kAuthentication);
  theirs.Require("mode");
  const std::string mode = theirs.Text("mode");
  const std::string profile = theirs.TextOrBlank("profile");
  const std::string id = theirs.TextOrBlank("access_key_id");
  Secret secret = theirs.TakeSecret("access_key_secret");
  Set(options, "region", theirs.TextOrBlank("region"), aws.region);
  if (mode == "simple") {
    if (id.empty() || secret.empty()) {
      theirs.Complain(
          "mode simple requires access_key_id and access_key_secret");
    }
    Set(options, "auth_key", id, aws.access_key_id);
    aws.secret_access_key = std::move(secret);
  } else if (mode == "native") {
    // Naming the default would switch off the keys of the environment.
    if (profile != "default") Set(options, "profile", profile, aws.profile);
  } else if (!mode.empty()) {
    theirs.Complain("mode must be simple or native");
  }
  options.Adopt(theirs);
}

std::shared_ptr<const HttpProxy> ReadProxy(JsonOptions& theirs) {
  auto proxy = std::make_shared<HttpProxy>();
  theirs.Require("host");
  theirs.Require("port");
  const std::string host = theirs.Text("host");
  const auto port = theirs.Integer("port", 1, 65535);
  proxy->address = (IsNumericAddress(host) ? BracketedHost(host) : host) + ":" +
                   std::to_string(port.value_or(0));
  proxy->user = theirs.TextOrBlank("user");
  proxy->password = theirs.TakeSecret("password");
  return proxy;
}

void ReadConnection(JsonOptions& options, AwsOptions& aws,
                    Millis& connect_timeout) {
  JsonOptions theirs = options.Object(kConnection);
  if (const auto value = theirs.Integer("connect_timeout_ms", 1, kMostMillis)) {
    if (options.Has("connect_timeout_ms")) {
      options.Complain(std::string("connect_timeout_ms and ") + kConnection +
                       " are mutually exclusive");
    }
    connect_timeout = Millis(*value);
  }
  if (theirs.Has("proxy")) {
    JsonOptions proxy = theirs.Object("proxy");
    aws.proxy = ReadProxy(proxy);
    theirs.Adopt(proxy);
  }
  options.Adopt(theirs);
}

}  // namespace

void ReadEnterpriseOptions(JsonOptions& options, AwsOptions& aws,
                           Millis& connect_timeout) {
  (void)options.Bool("cache_keys");
  if (options.Has(kAuthentication)) ReadAuthentication(options, aws);
  if (options.Has(kConnection)) ReadConnection(options, aws, connect_timeout);
}

}  // namespace openkeyring
