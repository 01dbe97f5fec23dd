// SPDX-License-Identifier: MIT
#include "emulators/kms/metadata_service.h"

#include "base/encoding.h"
#include "emulators/kms/kms_service.h"

namespace kms_emulator {
namespace {

constexpr const char* kTokenPath = "/latest/api/token";
constexpr const char* kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr const char* kRolePathBare =
    "/latest/meta-data/iam/security-credentials";
constexpr const char* kRegionPath = "/latest/meta-data/placement/region";
constexpr const char* kZonePath =
    "/latest/meta-data/placement/availability-zone";
constexpr const char* kDocumentPath =
    "/latest/dynamic/instance-identity/document";
constexpr long kMaxTokenSeconds = 21600;

Reply Text(int status, std::string body) {
  return {status, {{"Content-Type", "text/plain"}}, std::move(body), {}};
}

Reply JsonReply(int status, const Json& body) {
  return {
      status, {{"Content-Type", "application/json"}}, body.dump(2) + "\n", {}};
}

Json CredentialsJson(const AccessKey& key) {
  return {{"AccessKeyId", key.id},
          {"SecretAccessKey", key.secret},
          {"Token", key.session_token},
          {"Expiration", IsoTime(key.expires)}};
}

}  // namespace

std::string MetadataService::Classify(const HttpMessage& request) const {
  const std::string& path = request.path;
  {
    std::lock_guard lock(mutex_);
    if (path == settings_.container_path) return "container:GetCredentials";
  }
  if (path == kTokenPath) return "imds:PutToken";
  if (path == kRolePath || path == kRolePathBare) return "imds:ListRoles";
  if (path.starts_with(kRolePath)) return "imds:GetCredentials";
  if (path == kRegionPath || path == kZonePath || path == kDocumentPath) {
    return "imds:GetRegion";
  }
  return path.starts_with("/latest/") ? "imds:Unknown" : "";
}

Reply MetadataService::Handle(const HttpMessage& request) {
  MetadataSettings settings;
  {
    std::lock_guard lock(mutex_);
    settings = settings_;
  }
  if (request.path == settings.container_path) {
    return Container(request, settings);
  }
  if (request.path == kTokenPath) return PutToken(request, settings);
  return Get(request, settings);
}

Reply MetadataService::PutToken(const HttpMessage& request,
                                const MetadataSettings& settings) {
  if (settings.token_hangs) {
    Reply reply;
    reply.delivery.kind = Delivery::Kind::kHang;
    return reply;
  }
  if (settings.token_status != 200) return Text(settings.token_status, "");
  if (request.method != "PUT") return Text(405, "");
  // As the real service: a request that came through a proxy is refused.
  if (request.Find("x-forwarded-for")) return Text(403, "");
  const std::string ttl = request.Get("x-aws-ec2-metadata-token-ttl-seconds");
  char* end = nullptr;
  const long seconds = strtol(ttl.c_str(), &end, 10);
  if (ttl.empty() || *end != '\0' || seconds < 1 ||
      seconds > kMaxTokenSeconds) {
    return Text(400, "");
  }
  Bytes bytes(42);
  (void)random_.Fill(bytes);
  const std::string token = openkeyring::Base64Encode(bytes);
  std::lock_guard lock(mutex_);
  tokens_[token] = EpochSeconds(clock_.Now()) + static_cast<double>(seconds);
  Reply reply = Text(200, token);
  reply.headers.emplace_back("X-aws-ec2-metadata-token-ttl-seconds", ttl);
  return reply;
}

bool MetadataService::KnowsToken(const std::string& token) {
  std::lock_guard lock(mutex_);
  const auto found = tokens_.find(token);
  return found != tokens_.end() && found->second > EpochSeconds(clock_.Now());
}

Reply MetadataService::Get(const HttpMessage& request,
                           const MetadataSettings& settings) {
  if (settings.get_status != 200) return Text(settings.get_status, "");
  if (request.method != "GET") return Text(405, "");
  const auto token = request.Find("x-aws-ec2-metadata-token");
  const bool authorized = token ? KnowsToken(std::string(*token)) : settings.v1;
  if (!authorized) return Text(401, "");
  const std::string& path = request.path;
  if (path == kRegionPath) return Text(200, settings.region);
  if (path == kZonePath) return Text(200, settings.region + "a");
  if (path == kDocumentPath) {
    return JsonReply(200, {{"region", settings.region}});
  }
  if (path == kRolePath || path == kRolePathBare) {
    return settings.role.empty() ? Text(404, "") : Text(200, settings.role);
  }
  if (path != kRolePath + settings.role) return Text(404, "");
  const auto key = CurrentCredentials(settings);
  if (!key) return Text(500, key.error().message);
  Json answer = CredentialsJson(*key);
  answer["Code"] = "Success";
  answer["Type"] = "AWS-HMAC";
  answer["LastUpdated"] = IsoTime(EpochSeconds(clock_.Now()));
  return JsonReply(200, answer);
}

Reply MetadataService::Container(const HttpMessage& request,
                                 const MetadataSettings& settings) {
  if (request.method != "GET") return Text(405, "");
  if (settings.get_status != 200) return Text(settings.get_status, "");
  if (!settings.container_authorization.empty() &&
      request.Get("authorization") != settings.container_authorization) {
    return JsonReply(401, {{"code", "AccessDenied"},
                           {"message", "the authorization token is wrong"}});
  }
  const auto key = CurrentCredentials(settings);
  if (!key) return Text(500, key.error().message);
  return JsonReply(200, CredentialsJson(*key));
}

Outcome<AccessKey> MetadataService::CurrentCredentials(
    const MetadataSettings& settings) {
  const double now = EpochSeconds(clock_.Now());
  {
    std::lock_guard lock(mutex_);
    if (renew_at_ > now) return current_;
  }
  const Role role = store_.View([&](const State& state) {
    const auto found = state.roles.find(settings.role);
    if (found != state.roles.end()) return found->second;
    Role unrestricted;
    unrestricted.name = settings.role;
    return unrestricted;
  });
  const auto key =
      issuer_.Issue(role, "i-0123456789abcdef0", settings.lifetime_s);
  if (!key) return key;
  std::lock_guard lock(mutex_);
  current_ = *key;
  renew_at_ = now + (key->expires - now) / 2;
  return key;
}

Status MetadataService::Configure(const Json& json) {
  std::lock_guard lock(mutex_);
  MetadataSettings next = settings_;
  try {
    next.region = json.value("region", next.region);
    next.role = json.value("role", next.role);
    next.v1 = json.value("v1", next.v1);
    next.token_status = json.value("token_status", next.token_status);
    next.token_hangs = json.value("token_hangs", next.token_hangs);
    next.get_status = json.value("get_status", next.get_status);
    next.lifetime_s = json.value("lifetime_s", next.lifetime_s);
    next.container_path = json.value("container_path", next.container_path);
    next.container_authorization =
        json.value("container_authorization", next.container_authorization);
  } catch (const Json::exception& error) {
    return {StatusCode::kInvalidArgument, error.what()};
  }
  settings_ = next;
  tokens_.clear();
  renew_at_ = 0;
  return Status::Ok();
}

}  // namespace kms_emulator
