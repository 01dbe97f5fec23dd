// SPDX-License-Identifier: MIT
// Signs what stdin says, for tests/signers: a JSON object a line in, the
// headers of the signed request as a JSON array of pairs a line out.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "aws/sigv4.h"

namespace openkeyring {
namespace {

using nlohmann::json;

std::string Sign(const json& in) {
  HttpRequest request;
  request.method = in.at("method");
  request.url = in.at("url");
  request.headers = in.at("headers").get<std::vector<Header>>();
  request.body = Secret::CopyOf(in.at("body").get<std::string>());
  const Credentials credentials{
      in.at("access_key"),
      Secret::CopyOf(in.at("secret_key").get<std::string>()),
      Secret::CopyOf(in.at("session_token").get<std::string>()), std::nullopt};
  const WallTime now{std::chrono::seconds(in.at("time").get<int64_t>())};
  const Status status = SignRequest(request, credentials,
                                    {in.at("region"), in.at("service")}, now);
  if (!status.ok()) return json{{"error", status.message()}}.dump();
  return json(request.headers).dump();
}

}  // namespace
}  // namespace openkeyring

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << openkeyring::Sign(nlohmann::json::parse(line)) << std::endl;
  }
}
