// SPDX-License-Identifier: MIT
#include "os/environment.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>

namespace openkeyring {
namespace {

class RealEnvironment : public Environment {
 public:
  std::optional<std::string> Get(const std::string& name) const override {
    const char* value = getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  }

  std::optional<std::string> HomeDirectory() const override {
    std::optional<std::string> home = HomeOfEffectiveUser();
    if (!home) home = Get("HOME");
    if (home == "/dev/null" || home == "/nonexistent") return std::nullopt;
    return home;
  }

 private:
  static std::optional<std::string> HomeOfEffectiveUser() {
    passwd entry;
    passwd* found = nullptr;
    std::array<char, 4096> buffer;
    if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) !=
            0 ||
        found == nullptr || found->pw_dir == nullptr) {
      return std::nullopt;
    }
    return found->pw_dir;
  }
};

}  // namespace

Environment& ProcessEnvironment() {
  static RealEnvironment environment;
  return environment;
}

}  // namespace openkeyring
