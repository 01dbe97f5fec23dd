// SPDX-License-Identifier: MIT
#include "emulators/kms/sts_service.h"

#include <algorithm>
#include <map>

#include "emulators/kms/kms_service.h"
#include "emulators/shared/http_message.h"

namespace kms_emulator {

using emulators::FormValue;
namespace {

constexpr double kDefaultSeconds = 3600;
constexpr long kMinSeconds = 900;
constexpr long kMaxSeconds = 43200;
constexpr const char* kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

std::string Escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Element(const std::string& name, const std::string& text) {
  return "<" + name + ">" + Escape(text) + "</" + name + ">";
}

bool IsSessionName(const std::string& text) {
  constexpr std::string_view kMarks = "_=,.@-+";
  return text.size() >= 2 && text.size() <= 64 &&
         std::ranges::all_of(text, [&](char c) {
           return isalnum(static_cast<unsigned char>(c)) ||
                  kMarks.find(c) != kMarks.npos;
         });
}

Failure Invalid(const std::string& message) {
  return Fail("ValidationError", message);
}

// What both AssumeRole operations ask for.
struct RoleRequest {
  std::string role_arn;
  std::string session;
  double seconds = kDefaultSeconds;
};

Outcome<RoleRequest> ReadRoleRequest(const std::string& form) {
  RoleRequest request;
  request.role_arn = FormValue(form, "RoleArn").value_or("");
  request.session = FormValue(form, "RoleSessionName").value_or("");
  if (request.role_arn.size() < 20 || !request.role_arn.starts_with("arn:")) {
    return Invalid(request.role_arn + " is invalid");
  }
  if (!IsSessionName(request.session)) {
    return Invalid("1 validation error detected: Value '" + request.session +
                   "' at 'roleSessionName' failed to satisfy constraint: "
                   "Member must satisfy regular expression pattern: "
                   "[\\w+=,.@-]*");
  }
  const auto duration = FormValue(form, "DurationSeconds");
  if (!duration) return request;
  char* end = nullptr;
  const long seconds = strtol(duration->c_str(), &end, 10);
  if (*end != '\0' || seconds < kMinSeconds || seconds > kMaxSeconds) {
    return Invalid("1 validation error detected: Value '" + *duration +
                   "' at 'durationSeconds' failed to satisfy constraint: "
                   "Member must have value between 900 and 43200");
  }
  request.seconds = static_cast<double>(seconds);
  return request;
}

Outcome<Role> FindRole(const KeyStore& store, const RoleRequest& request,
                       const std::string& principal,
                       const std::string& action) {
  const auto role = store.View([&](const State& state) {
    const std::string prefix = "arn:aws:iam::" + state.account + ":role/";
    if (!request.role_arn.starts_with(prefix)) return std::optional<Role>();
    const auto found = state.roles.find(request.role_arn.substr(prefix.size()));
    return found == state.roles.end() ? std::optional<Role>()
                                      : std::optional<Role>(found->second);
  });
  if (!role) {
    return Fail("AccessDenied",
                principal + "is not authorized to perform: " + action +
                    " on resource: " + request.role_arn,
                403);
  }
  if (request.seconds > role->max_seconds) {
    return Invalid(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for "
        "this role.");
  }
  return *role;
}

std::string CredentialsXml(const AccessKey& key) {
  return "<Credentials>" + Element("AccessKeyId", key.id) +
         Element("SecretAccessKey", key.secret) +
         Element("SessionToken", key.session_token) +
         Element("Expiration", IsoTime(key.expires)) + "</Credentials>" +
         "<AssumedRoleUser>" +
         Element("AssumedRoleId",
                 "AROA" + key.id.substr(4) + ":" +
                     key.principal.substr(key.principal.rfind('/') + 1)) +
         Element("Arn", key.principal) + "</AssumedRoleUser>";
}

}  // namespace

bool StsService::Knows(const std::string& action) {
  return action == "AssumeRole" || action == "AssumeRoleWithWebIdentity" ||
         action == "GetCallerIdentity";
}

bool StsService::NeedsSignature(const std::string& action) {
  return action != "AssumeRoleWithWebIdentity";
}

Outcome<std::string> StsService::Call(const std::string& action,
                                      const std::string& form,
                                      const Caller* caller) {
  if (!Knows(action) || FormValue(form, "Version") != "2011-06-15") {
    return Fail("InvalidAction", "Could not find operation " + action +
                                     " for version " +
                                     FormValue(form, "Version").value_or(""));
  }
  if (!NeedsSignature(action)) return AssumeRoleWithWebIdentity(form);
  if (caller == nullptr) return Fail("MissingAuthenticationTokenException");
  if (action == "AssumeRole") return AssumeRole(form, *caller);
  return GetCallerIdentity(*caller);
}

Outcome<std::string> StsService::AssumeRole(const std::string& form,
                                            const Caller& caller) {
  const auto request = ReadRoleRequest(form);
  if (!request) return Failure(request.error());
  const std::string who = "User: " + caller.principal + " ";
  const auto role = FindRole(store_, *request, who, "sts:AssumeRole");
  if (!role) return Failure(role.error());
  const auto allowed = Authorize(caller, "sts:AssumeRole", request->role_arn);
  const bool external_id_fits =
      role->external_id.empty() ||
      FormValue(form, "ExternalId") == role->external_id;
  if (!allowed || !external_id_fits) {
    return Fail("AccessDenied",
                who +
                    "is not authorized to perform: sts:AssumeRole on "
                    "resource: " +
                    request->role_arn,
                403);
  }
  const auto key = issuer_.Issue(*role, request->session, request->seconds);
  if (!key) return Failure(key.error());
  return CredentialsXml(*key);
}

Outcome<WebIdentity> StsService::FindWebIdentity(
    const std::string& form) const {
  const std::string token = FormValue(form, "WebIdentityToken").value_or("");
  const auto found = store_.View([&](const State& state) {
    const auto place = state.web_identities.find(token);
    return place == state.web_identities.end()
               ? std::optional<WebIdentity>()
               : std::optional<WebIdentity>(place->second);
  });
  if (!found) {
    return Fail("InvalidIdentityToken",
                "The web identity token that was passed could not be "
                "validated.");
  }
  const double now = EpochSeconds(clock_.Now());
  if (found->expires > 0 && found->expires <= now) {
    return Fail("ExpiredTokenException",
                "Token expired: current date/time " + IsoTime(now) +
                    " must be before the expiration date/time " +
                    IsoTime(found->expires));
  }
  return *found;
}

Outcome<std::string> StsService::AssumeRoleWithWebIdentity(
    const std::string& form) {
  const auto request = ReadRoleRequest(form);
  if (!request) return Failure(request.error());
  const auto identity = FindWebIdentity(form);
  if (!identity) return Failure(identity.error());
  const auto role = FindRole(store_, *request, "Not authorized: the caller ",
                             "sts:AssumeRoleWithWebIdentity");
  if (!role) return Failure(role.error());
  const auto key = issuer_.Issue(*role, request->session, request->seconds);
  if (!key) return Failure(key.error());
  return CredentialsXml(*key) +
         Element("SubjectFromWebIdentityToken", identity->subject) +
         Element("Audience", "sts.amazonaws.com");
}

Outcome<std::string> StsService::GetCallerIdentity(const Caller& caller) const {
  const std::string account =
      store_.View([](const State& state) { return state.account; });
  return Element("Arn", caller.principal) +
         Element("UserId", caller.access_key_id) + Element("Account", account);
}

std::string StsAnswer(const std::string& action, const std::string& result,
                      const std::string& request_id) {
  return "<" + action + "Response xmlns=\"" + kNamespace + "\"><" + action +
         "Result>" + result + "</" + action + "Result><ResponseMetadata>" +
         Element("RequestId", request_id) + "</ResponseMetadata></" + action +
         "Response>\n";
}

StsError ToStsError(const ServiceError& error, const std::string& request_id) {
  static const std::map<std::string, StsError> kNames = {
      {"InvalidSignatureException", {403, "SignatureDoesNotMatch", ""}},
      {"UnrecognizedClientException", {403, "InvalidClientTokenId", ""}},
      {"MissingAuthenticationTokenException",
       {403, "MissingAuthenticationToken", ""}},
      {"IncompleteSignatureException", {400, "IncompleteSignature", ""}},
      {"ThrottlingException", {400, "Throttling", ""}},
      {"AccessDeniedException", {403, "AccessDenied", ""}},
  };
  StsError out{error.http_status, error.code, ""};
  const auto found = kNames.find(error.code);
  if (found != kNames.end()) out = found->second;
  // The same name means an expired web identity there and is kept.
  if (error.code == "ExpiredTokenException" &&
      !error.message.starts_with("Token expired")) {
    out = {403, "ExpiredToken", ""};
  }
  out.xml = std::string("<ErrorResponse xmlns=\"") + kNamespace + "\"><Error>" +
            Element("Type", out.http_status < 500 ? "Sender" : "Receiver") +
            Element("Code", out.code) + Element("Message", error.message) +
            "</Error>" + Element("RequestId", request_id) +
            "</ErrorResponse>\n";
  return out;
}

}  // namespace kms_emulator
