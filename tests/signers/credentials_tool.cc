// SPDX-License-Identifier: MIT
// Takes credentials and settings as stdin says, for tests/signers: a JSON
// object a line in (the two shared files, variables, other files, a profile),
// what was found and whom STS was asked by for which role a line out. Servers
// are fakes: the key that STS gives is the role's name, IMDS's is "IMDS", a
// container's "CONTAINER".
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "aws/credentials/credential_chain.h"
#include "aws/endpoints.h"
#include "os/process.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

using nlohmann::json;

constexpr Millis kProcessTimeout{20000};
constexpr size_t kMaxOutput = 1 << 20;

// Between `open` and `close`; "" when there is no `open`.
std::string Between(const std::string& text, const std::string& open,
                    char close) {
  const size_t begin = text.find(open);
  if (begin == std::string::npos) return "";
  const size_t start = begin + open.size();
  return text.substr(start, text.find(close, start) - start);
}

std::string RoleOf(const std::string& body) {
  return Between(body, "role%2F", '&');
}

HttpResponse AnswerOfSts(const std::string& body) {
  return MakeResponse(200, "<Credentials><AccessKeyId>" + RoleOf(body) +
                               "</AccessKeyId><SecretAccessKey>s"
                               "</SecretAccessKey><SessionToken>t"
                               "</SessionToken><Expiration>"
                               "2036-01-01T00:00:00Z</Expiration>"
                               "</Credentials>");
}

HttpResponse AnswerWithKeys(const std::string& access_key_id) {
  return MakeResponse(200, json{{"Code", "Success"},
                                {"AccessKeyId", access_key_id},
                                {"SecretAccessKey", "s"},
                                {"Token", "t"},
                                {"Expiration", "2036-01-01T00:00:00Z"}}
                               .dump());
}

Result<HttpResponse> Answer(const HttpRequest& request) {
  const std::string body(request.body.RevealText());
  if (body.starts_with("Action=Assume")) return AnswerOfSts(body);
  if (!request.url.starts_with("http://169.254.169.254/")) {
    return AnswerWithKeys("CONTAINER");
  }
  if (request.url.ends_with("security-credentials/role")) {
    return AnswerWithKeys("IMDS");
  }
  return MakeResponse(200, request.method == "PUT" ? "TOKEN" : "role");
}

void Fill(FakeAwsDependencies& world, const json& in) {
  if (in.contains("config")) world.SetConfig(in.at("config"));
  if (in.contains("credentials")) world.SetCredentials(in.at("credentials"));
  using Strings = std::map<std::string, std::string>;
  world.environment.variables = in.value("environment", Strings());
  for (const auto& [path, text] : in.value("files", Strings())) {
    world.files.contents[path] = text;
  }
  world.processes.handler = [](const std::string& command) {
    return SystemProcessRunner().Run(command, kProcessTimeout, kMaxOutput,
                                     nullptr);
  };
}

// [caller, role] of each request to STS; a web identity has no caller.
json CallsOf(const FakeHttp& http) {
  json calls = json::array();
  for (const FakeHttp::Seen& seen : http.seen()) {
    if (!seen.body.starts_with("Action=Assume")) continue;
    calls.push_back(
        {Between(seen.HeaderOr("Authorization"), "Credential=", '/'),
         RoleOf(seen.body)});
  }
  return calls;
}

json Find(const json& in) {
  FakeAwsDependencies world(Answer);
  Fill(world, in);
  AwsOptions options;
  options.profile = in.value("profile", "");
  Result<AwsSettings> settings =
      ResolveAwsSettings(options, world.environment, world.files);
  if (!settings) return {{"error", settings.error().message()}};
  json out = {{"region", settings->region},
              {"kms", settings->kms_endpoint_url},
              {"sts", settings->sts_endpoint_url}};
  if (settings->region.empty()) settings->region = "us-east-1";
  RegionResolver region(world.dependencies(), *settings);
  const auto chain =
      MakeCredentialChain(world.dependencies(), options, *settings, region);
  const auto keys = chain->Get(world.InAMinute());
  out["calls"] = CallsOf(world.http);
  if (!keys) {
    out["error"] = keys.error().message();
    return out;
  }
  out["keys"] = {(*keys)->access_key_id,
                 (*keys)->secret_access_key.RevealText(),
                 (*keys)->session_token.RevealText()};
  return out;
}

json Reply(const json& in) {
  if (!in.contains("service")) return Find(in);
  return ServiceEndpoint(in.at("service").get<std::string>(),
                         in.at("region").get<std::string>(), in.at("fips"),
                         in.at("dual_stack"));
}

}  // namespace
}  // namespace openkeyring

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << openkeyring::Reply(nlohmann::json::parse(line)).dump()
              << std::endl;
  }
}
