// SPDX-License-Identifier: MIT
#include "aws/settings.h"

#include <utility>
#include <vector>

#include "aws/endpoints.h"
#include "aws/profile_file.h"
#include "aws/shared_files.h"
#include "aws/values.h"
#include "net/url.h"

namespace openkeyring {
namespace {

constexpr int kMostAttempts = 100;

// A value and who said it; both empty when nobody did.
struct Said {
  std::string value;
  std::string origin;
};

Status Misconfigured(std::string message) {
  return {StatusCode::kMisconfigured, std::move(message)};
}

// Asks option, environment and profile in turn.
class Lookup {
 public:
  Lookup(const Environment& environment, const SharedFiles& files,
         std::string profile)
      : environment_(environment),
        files_(files),
        profile_(std::move(profile)) {}

  Said Find(const std::string& option,
            const std::vector<const char*>& variables, const char* key) const {
    if (!option.empty()) return {option, "option"};
    for (const char* variable : variables) {
      if (const auto value = environment_.Get(variable)) {
        return {*value, variable};
      }
    }
    return key == nullptr ? Said() : InProfile(key);
  }

  Said InProfile(const std::string& key) const {
    const std::string value = files_.Value(profile_, key);
    if (value.empty()) return {};
    return {value, key + " of " + files_.Origin(profile_, key)};
  }

  // endpoint_url of the service in the [services ...] section that the profile
  // names.
  Result<Said> InServices(const char* service) const {
    const std::string name = files_.Value(profile_, "services");
    if (name.empty()) return Said();
    const ProfileSection* section = files_.config.FindServices(name);
    if (section == nullptr) {
      return Misconfigured(
          "services of " + files_.Origin(profile_, "services") +
          ": the config file has no section [services " + name + "]");
    }
    const auto nested = section->nested.find(service);
    if (nested == section->nested.end()) return Said();
    const auto url = nested->second.find("endpoint_url");
    if (url == nested->second.end()) return Said();
    return Said{url->second, std::string(service) +
                                 " endpoint_url of a services section in " +
                                 files_.config.path()};
  }

 private:
  const Environment& environment_;
  const SharedFiles& files_;
  const std::string profile_;
};

Result<bool> FindBool(const Lookup& lookup, std::optional<bool> option,
                      const char* variable, const char* key) {
  if (option) return *option;
  const Said said = lookup.Find("", {variable}, key);
  if (said.value.empty()) return false;
  return ParseBool(said.value, said.origin);
}

Status FindRegion(const Lookup& lookup, const std::string& option,
                  AwsSettings& settings) {
  Said said =
      lookup.Find(option, {"AWS_REGION", "AWS_DEFAULT_REGION"}, "region");
  if (!said.value.empty() && !IsPlausibleRegion(said.value)) {
    return Misconfigured("\"" + said.value + "\" (" + said.origin +
                         ") is not the name of a region");
  }
  const std::string_view kind = KindOfPseudoRegion(said.value);
  if (!kind.empty()) {
    return Misconfigured("\"" + said.value + "\" (" + said.origin + ") is " +
                         std::string(kind));
  }
  settings.region = std::move(said.value);
  settings.region_origin = std::move(said.origin);
  return Status::Ok();
}

Status FindMaxAttempts(const Lookup& lookup, std::optional<int> option,
                       AwsSettings& settings) {
  const Said said = lookup.Find(option ? std::to_string(*option) : "",
                                {"AWS_MAX_ATTEMPTS"}, "max_attempts");
  if (said.value.empty()) return Status::Ok();
  const std::string origin = said.origin == "option"
                                 ? "the option for the number of attempts"
                                 : said.origin;
  const Result<int> number = ParseNumber(said.value, 1, kMostAttempts, origin);
  if (number) settings.max_attempts = *number;
  return number.status();
}

// Whether plain http may go there.
Status CheckScheme(const Url& url, const std::string& origin,
                   AwsSettings& settings) {
  if (url.scheme == "https" || url.IsLoopback()) return Status::Ok();
  const std::string what = url.ToString() + " (" + origin + ")";
  if (!settings.allow_unencrypted_endpoint) {
    return Misconfigured(
        "the endpoint " + what +
        " would carry plaintext keys unencrypted: use https://, or allow it by "
        "the option allow_unencrypted_endpoint");
  }
  settings.warnings.push_back(
      "allow_unencrypted_endpoint: keys and credentials cross the network "
      "unencrypted to " +
      what);
  return Status::Ok();
}

// What environment and profile say of a service's endpoint.
Result<Said> FindConfiguredEndpoint(const Lookup& lookup, const char* variable,
                                    const char* service) {
  const Said said = lookup.Find("", {variable, "AWS_ENDPOINT_URL"}, nullptr);
  if (!said.value.empty()) return said;
  Result<Said> in_services = lookup.InServices(service);
  if (!in_services || !in_services->value.empty()) return in_services;
  return lookup.InProfile("endpoint_url");
}

// One service's explicit endpoint, empty when there is none.
Result<std::string> FindEndpoint(const Lookup& lookup,
                                 const std::string& option,
                                 const char* variable, const char* service,
                                 bool ignore_configured,
                                 AwsSettings& settings) {
  Said said = lookup.Find(option, {}, nullptr);
  if (said.value.empty() && !ignore_configured) {
    Result<Said> found = FindConfiguredEndpoint(lookup, variable, service);
    if (!found) return found.error();
    said = std::move(*found);
  }
  if (said.value.empty()) return std::string();
  const Result<Url> url = ParseUrl(said.value);
  if (!url) return Misconfigured(said.origin + ": " + url.error().message());
  if (!url->query.empty()) {
    return Misconfigured(said.origin + ": an endpoint takes no query");
  }
  const Status scheme = CheckScheme(*url, said.origin, settings);
  if (!scheme.ok()) return scheme;
  if (settings.use_fips_endpoint || settings.use_dualstack_endpoint) {
    return Misconfigured(
        "the explicit endpoint " + said.value + " (" + said.origin +
        ") excludes FIPS and dual-stack endpoints: name the endpoint that is "
        "meant and switch these off");
  }
  return said.value;
}

Status FindEndpoints(const Lookup& lookup, const std::string& option,
                     AwsSettings& settings) {
  const Result<bool> ignore =
      FindBool(lookup, std::nullopt, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
               "ignore_configured_endpoint_urls");
  if (!ignore) return ignore.error();
  Result<std::string> kms = FindEndpoint(lookup, option, "AWS_ENDPOINT_URL_KMS",
                                         "kms", *ignore, settings);
  if (!kms) return kms.error();
  Result<std::string> sts = FindEndpoint(lookup, "", "AWS_ENDPOINT_URL_STS",
                                         "sts", *ignore, settings);
  if (!sts) return sts.error();
  settings.kms_endpoint_url = std::move(*kms);
  settings.sts_endpoint_url = std::move(*sts);
  return Status::Ok();
}

Status FindSwitches(const Lookup& lookup, const AwsOptions& options,
                    AwsSettings& settings) {
  const Result<bool> fips =
      FindBool(lookup, options.use_fips_endpoint, "AWS_USE_FIPS_ENDPOINT",
               "use_fips_endpoint");
  if (!fips) return fips.error();
  const Result<bool> dual_stack =
      FindBool(lookup, options.use_dualstack_endpoint,
               "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
  if (!dual_stack) return dual_stack.error();
  settings.use_fips_endpoint = *fips;
  settings.use_dualstack_endpoint = *dual_stack;
  return Status::Ok();
}

}  // namespace

AwsOptions AwsOptions::Clone() const {
  return {region,
          endpoint_url,
          allow_unencrypted_endpoint,
          profile,
          key_file,
          access_key_id,
          secret_access_key.Clone(),
          session_token.Clone(),
          role_arn,
          external_id,
          ca_bundle,
          use_fips_endpoint,
          use_dualstack_endpoint,
          max_attempts,
          proxy};
}

Result<AwsSettings> ResolveAwsSettings(const AwsOptions& options,
                                       Environment& environment,
                                       FileSystem& files) {
  const Result<SharedFiles> shared = ReadSharedFiles(environment, files);
  if (!shared) return shared.error();
  const auto named = NamedProfile(options.profile, environment);
  AwsSettings settings;
  settings.profile = named.value_or("default");
  settings.allow_unencrypted_endpoint = options.allow_unencrypted_endpoint;
  const std::string unreadable = shared->Unreadable();
  if (named && *named != "default" && !shared->HasProfile(*named)) {
    return Misconfigured("the profile \"" + *named +
                         "\" is in neither of the AWS shared files" +
                         (unreadable.empty() ? "" : " (" + unreadable + ")"));
  }
  if (!unreadable.empty()) {
    settings.warnings.push_back("AWS shared files are left out: " + unreadable);
  }
  const Lookup lookup(environment, *shared, settings.profile);
  Status status = FindRegion(lookup, options.region, settings);
  if (status.ok()) status = FindSwitches(lookup, options, settings);
  if (status.ok()) {
    status = FindMaxAttempts(lookup, options.max_attempts, settings);
  }
  if (status.ok()) {
    status = FindEndpoints(lookup, options.endpoint_url, settings);
  }
  if (!status.ok()) return status;
  settings.ca_bundle =
      lookup.Find(options.ca_bundle, {"AWS_CA_BUNDLE"}, "ca_bundle").value;
  return settings;
}

}  // namespace openkeyring
