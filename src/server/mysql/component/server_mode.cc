// SPDX-License-Identifier: MIT
#include "server/mysql/component/server_mode.h"

#include <algorithm>
#include <string>

namespace openkeyring {
namespace {

constexpr size_t kMaxArguments = 1 << 20;

// Whether `argument` is `option` or at least `shortest` characters of it; with
// a value it counts unless that switches it off.
bool Is(std::string_view argument, std::string_view option, size_t shortest) {
  const size_t equals = argument.find('=');
  std::string name(argument.substr(0, equals));
  std::ranges::replace(name, '_', '-');
  if (name.size() < shortest || !option.starts_with(name)) return false;
  if (equals == std::string_view::npos) return true;
  const std::string_view value = argument.substr(equals + 1);
  return value != "0" && value != "OFF" && value != "FALSE";
}

bool IsHelp(std::string_view argument) {
  if (argument.starts_with("--")) return Is(argument, "--help", 5);
  return argument.starts_with('-') &&
         argument.substr(1).find_first_not_of("?v") == argument.npos &&
         argument.find('?') != argument.npos;
}

}  // namespace

ServerMode ServerModeOf(std::string_view arguments) {
  ServerMode mode = ServerMode::kServe;
  // The first is the program.
  for (size_t at = arguments.find('\0'); at < arguments.size();) {
    const size_t begin = at + 1;
    at = std::min(arguments.find('\0', begin), arguments.size());
    const std::string_view argument =
        arguments.substr(std::min(begin, arguments.size()), at - begin);
    if (argument == "--") break;
    if (IsHelp(argument)) return ServerMode::kShowHelp;
    if (Is(argument, "--validate-config", 11)) {
      mode = ServerMode::kValidateConfig;
    }
  }
  return mode;
}

ServerMode CurrentServerMode(FileSystem& files) {
  const auto arguments = files.Read("/proc/self/cmdline", kMaxArguments);
  if (!arguments) return ServerMode::kServe;
  return ServerModeOf(AsText(*arguments));
}

bool IsLoadedByManifest(FileSystem& files) {
  const auto threads = files.List("/proc/self/task");
  return !threads || threads->size() == 1;
}

}  // namespace openkeyring
