// SPDX-License-Identifier: MIT
#include "cli/server_process.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace openkeyring {
namespace {

constexpr size_t kMaxProc = 1 << 16;

template <typename Number>
std::optional<Number> NumberAt(std::string_view text) {
  Number number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

bool IsServerName(const std::string& name) {
  return name == "mysqld" || name == "mariadbd";
}

// Which word of a command line is a server's program, its size for none: the
// first one, or an argument of a dynamic linker that starts it.
size_t ProgramWord(const std::vector<std::string>& words) {
  if (words.empty()) return 0;
  const bool is_linker = BaseName(words[0]).starts_with("ld-");
  const size_t last = is_linker ? words.size() : 1;
  for (size_t i = 0; i < last; ++i) {
    if (IsServerName(BaseName(words[i]))) return i;
  }
  return words.size();
}

// The real user, as in "Uid:\t1000\t0\t0\t0"; a directory in /proc belongs to
// the effective one, or to root.
std::optional<uid_t> UserOf(FileSystem& files, const std::string& process) {
  constexpr std::string_view kName = "\nUid:\t";
  const Result<Bytes> status = files.ReadStart(process + "/status", kMaxProc);
  if (!status) return std::nullopt;
  std::string_view rest = AsText(*status);
  const size_t at = rest.find(kName);
  if (at == rest.npos) return std::nullopt;
  rest.remove_prefix(at + kName.size());
  return NumberAt<uid_t>(rest.substr(0, rest.find('\t')));
}

std::vector<std::string> CommandLineOf(FileSystem& files,
                                       const std::string& process) {
  const Result<Bytes> line = files.ReadStart(process + "/cmdline", kMaxProc);
  std::vector<std::string> words;
  if (!line) return words;
  std::string_view rest = AsText(*line);
  while (!rest.empty()) {
    words.emplace_back(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(rest.size(), words.back().size() + 1));
  }
  return words;
}

bool IsDefaultsOption(const std::string& word) {
  return word.starts_with("--defaults-");
}

// One that keyringctl started: it ends at once.
bool PrintsDefaults(const std::vector<std::string>& arguments) {
  const auto first = std::ranges::find_if_not(arguments, IsDefaultsOption);
  return first != arguments.end() && *first == "--print-defaults";
}

std::optional<ServerProcess> ReadProcess(FileSystem& files, int pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  const std::optional<uid_t> user = UserOf(files, process);
  std::vector<std::string> words = CommandLineOf(files, process);
  const size_t at = ProgramWord(words);
  if (at == words.size()) return std::nullopt;
  // A process that becomes one of root between both has words of its own.
  if (!user || UserOf(files, process) != user) return std::nullopt;
  ServerProcess found;
  found.pid = pid;
  found.user = *user;
  found.program = words[at];
  if (!found.program.starts_with('/') && at == 0) {
    found.program = files.ResolveLink(process + "/exe").value_or(found.program);
  }
  const auto program = words.begin() + static_cast<ptrdiff_t>(at);
  found.linker.assign(words.begin(), program);
  found.arguments.assign(program + 1, words.end());
  if (PrintsDefaults(found.arguments)) return std::nullopt;
  found.directory = files.ResolveLink(process + "/cwd").value_or("");
  return found;
}

}  // namespace

std::vector<ServerProcess> ServerProcesses(FileSystem& files) {
  std::vector<ServerProcess> found;
  const auto names = files.List("/proc");
  if (!names) return found;
  for (const std::string& name : *names) {
    const std::optional<int> pid = NumberAt<int>(name);
    if (!pid) continue;
    auto process = ReadProcess(files, *pid);
    if (process) found.push_back(std::move(*process));
  }
  return found;
}

Result<std::vector<std::string>> DefaultsOptions(
    const std::vector<std::string>& arguments) {
  std::vector<std::string> options;
  for (const std::string& word : arguments) {
    const bool is_suffix = word.starts_with("--defaults-group-suffix=");
    const bool is_file = word.starts_with("--defaults-file=") ||
                         word.starts_with("--defaults-extra-file=");
    if (!is_suffix && !is_file) break;
    if (is_file && word[word.find('=') + 1] != '/') {
      return Status(StatusCode::kInvalidArgument,
                    word + " is relative to a directory that is not known");
    }
    options.push_back(word);
  }
  return options;
}

}  // namespace openkeyring
