// SPDX-License-Identifier: MIT
#include "cli/systemd_unit.h"

#include <charconv>
#include <map>
#include <vector>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr Millis kDefaultTimeout{90000};
// A file of an earlier one hides that of the same name in a later one.
constexpr const char* kDirectories[] = {
    "/etc/systemd/system", "/run/systemd/system",
    "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
    "/lib/systemd/system"};

struct TimeUnit {
  std::string_view name;
  double milliseconds;
};
constexpr TimeUnit kTimeUnits[] = {
    {"", 1e3},        {"s", 1e3},       {"sec", 1e3},     {"second", 1e3},
    {"seconds", 1e3}, {"ms", 1},        {"msec", 1},      {"us", 1e-3},
    {"usec", 1e-3},   {"m", 6e4},       {"min", 6e4},     {"minute", 6e4},
    {"minutes", 6e4}, {"h", 36e5},      {"hr", 36e5},     {"hour", 36e5},
    {"hours", 36e5},  {"d", 864e5},     {"day", 864e5},   {"days", 864e5},
    {"w", 6048e5},    {"week", 6048e5}, {"weeks", 6048e5}};

std::optional<double> MillisecondsOf(std::string_view name) {
  for (const TimeUnit& unit : kTimeUnits) {
    if (unit.name == name) return unit.milliseconds;
  }
  return std::nullopt;
}

std::string TextOf(FileSystem& files, const std::string& path) {
  const Result<Bytes> content = files.Read(path, kMaxFile);
  return content ? std::string(AsText(*content)) : "";
}

// The timeout after the lines of one file; invalid values are ignored, as
// systemd does.
void ReadTimeout(std::string_view text, Millis& timeout) {
  bool is_service = false;
  for (size_t start = 0, end = 0; end != text.npos; start = end + 1) {
    end = text.find('\n', start);
    const std::string_view line =
        Trim(text.substr(start, end == text.npos ? end : end - start));
    if (line.starts_with('[')) is_service = line == "[Service]";
    const size_t equals = line.find('=');
    if (!is_service || equals == line.npos) continue;
    const std::string_view name = Trim(line.substr(0, equals));
    if (name != "TimeoutStartSec" && name != "TimeoutSec") continue;
    timeout = ParseStartTimeout(line.substr(equals + 1)).value_or(timeout);
  }
}

// By name: in the order in which they count.
std::map<std::string, std::string> DropIns(FileSystem& files,
                                           const std::string& unit) {
  std::map<std::string, std::string> paths;
  for (const char* directory : kDirectories) {
    const std::string place = JoinPath(directory, unit + ".d");
    const auto names = files.List(place);
    if (!names) continue;
    for (const std::string& name : *names) {
      if (name.ends_with(".conf")) paths.emplace(name, JoinPath(place, name));
    }
  }
  return paths;
}

std::optional<std::string> FileOf(FileSystem& files, const std::string& unit) {
  for (const char* directory : kDirectories) {
    const std::string path = JoinPath(directory, unit);
    if (files.Read(path, kMaxFile)) return path;
  }
  return std::nullopt;
}

}  // namespace

std::string DefaultServerUnit(bool is_mariadb) {
  return is_mariadb ? "mariadb.service" : "mysql.service";
}

std::optional<std::string> ServerUnit(FileSystem& files, bool is_mariadb) {
  std::vector<std::string> names = {DefaultServerUnit(is_mariadb)};
  if (!is_mariadb) names.emplace_back("mysqld.service");  // Of the RPMs.
  for (const std::string& name : names) {
    const auto path = FileOf(files, name);
    if (!path) continue;
    const Result<std::string> target = files.ResolveLink(*path);
    const std::string real = target ? BaseName(*target) : name;
    return real.ends_with(".service") ? real : name;
  }
  return std::nullopt;
}

std::optional<std::string> UnitOfProcess(FileSystem& files, int pid) {
  const Result<Bytes> content =
      files.ReadStart("/proc/" + std::to_string(pid) + "/cgroup", kMaxFile);
  if (!content) return std::nullopt;
  const std::string_view text = AsText(*content);
  for (size_t start = 0, end = 0; end != text.npos; start = end + 1) {
    end = text.find('\n', start);
    const std::string_view line =
        text.substr(start, end == text.npos ? end : end - start);
    const size_t slash = line.rfind('/');
    if (slash != line.npos && line.ends_with(".service")) {
      return std::string(line.substr(slash + 1));
    }
  }
  return std::nullopt;
}

std::optional<Millis> StartTimeout(FileSystem& files, const std::string& unit) {
  const auto path = FileOf(files, unit);
  if (!path) return std::nullopt;
  Millis timeout = kDefaultTimeout;
  ReadTimeout(TextOf(files, *path), timeout);
  for (const auto& [name, drop_in] : DropIns(files, unit)) {
    ReadTimeout(TextOf(files, drop_in), timeout);
  }
  return timeout;
}

std::optional<Millis> ParseStartTimeout(std::string_view text) {
  text = Trim(text);
  if (text == "infinity") return kNoTimeout;
  if (text.empty()) return std::nullopt;
  double sum = 0;
  while (!text.empty()) {
    constexpr std::string_view kNumeric = "0123456789.";
    if (kNumeric.find(text.front()) == kNumeric.npos) return std::nullopt;
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number,
                        std::chars_format::fixed);
    if (error != std::errc()) return std::nullopt;
    text = Trim(text.substr(static_cast<size_t>(end - text.data())));
    const size_t length =
        std::min(text.find_first_of("0123456789. \t"), text.size());
    const auto unit = MillisecondsOf(text.substr(0, length));
    if (!unit) return std::nullopt;
    sum += number * *unit;
    text = Trim(text.substr(length));
  }
  constexpr double kLongest = 1e15;  // Longer than any start; fits.
  if (sum <= 0 || sum > kLongest) return kNoTimeout;
  return Millis(static_cast<int64_t>(sum));
}

}  // namespace openkeyring
