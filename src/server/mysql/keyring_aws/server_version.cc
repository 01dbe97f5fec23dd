// SPDX-License-Identifier: MIT
#include "server/mysql/keyring_aws/server_version.h"

#include <dlfcn.h>

#include <array>
#include <charconv>
#include <string>

namespace openkeyring {
namespace {

constexpr std::array<int, 3> kLowest = {8, 0, 22};

}  // namespace

Status CheckServerVersion(std::string_view version) {
  std::array<int, 3> numbers{};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (int& number : numbers) {
    if (&number != numbers.data()) {
      if (at == end || *at != '.') return Status::Ok();
      ++at;
    }
    const auto [rest, error] = std::from_chars(at, end, number);
    if (error != std::errc()) return Status::Ok();
    at = rest;
  }
  if (numbers >= kLowest) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "this server is MySQL " + std::string(version) +
              ", and keyring_aws is for 8.0.22 and later: earlier ones have "
              "other service interfaces; upgrade the server"};
}

std::string_view ServerVersion() {
  const void* const found = dlsym(RTLD_DEFAULT, "server_version");
  return found == nullptr ? "" : static_cast<const char*>(found);
}

}  // namespace openkeyring
