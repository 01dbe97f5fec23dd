// SPDX-License-Identifier: MIT
#include "cli/option_files.h"

#include <algorithm>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr int kMaxDepth = 10;  // Of includes, as in the servers.

bool Repeats(const std::string& name) {
  return name == "plugin_load_add" || name == "early_plugin_load" ||
         name == "plugin_load";
}

std::string Unquoted(std::string_view value) {
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
      value.front() == value.back()) {
    value = value.substr(1, value.size() - 2);
  }
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 == value.size()) {
      text += value[i];
      continue;
    }
    constexpr std::string_view kFrom = "btnrs\\\"'", kTo = "\b\t\n\r \\\"'";
    const size_t at = kFrom.find(value[++i]);
    if (at == kFrom.npos) text += '\\';
    text += at == kFrom.npos ? value[i] : kTo[at];
  }
  return text;
}

// A comment may follow a value: '#' behind whitespace, outside of quotes.
std::string_view WithoutComment(std::string_view line) {
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (quote != 0) {
      if (line[i] == quote) quote = 0;
    } else if (line[i] == '"' || line[i] == '\'') {
      quote = line[i];
    } else if (line[i] == '#' && i > 0) {
      return line.substr(0, i);
    }
  }
  return line;
}

class Reader {
 public:
  Reader(FileSystem& files, const std::vector<std::string>& groups)
      : files_(files), groups_(groups) {}

  Status ReadFile(const std::string& path, int depth) {
    Result<Secret> content = files_.ReadSecret(path, kMaxFile);
    if (!content) return content.error();
    std::string_view text = content->RevealText();
    bool wanted = false;
    for (size_t number = 1; !text.empty(); ++number) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      Status status = ReadLine(Trim(line), wanted, depth);
      if (!status.ok()) {
        return status.WithContext(path + ":" + std::to_string(number));
      }
    }
    return Status::Ok();
  }

  std::vector<std::string> words;

 private:
  Status ReadLine(std::string_view line, bool& wanted, int depth) {
    if (line.empty() || line[0] == '#' || line[0] == ';') return Status::Ok();
    if (line[0] == '!') return ReadInclude(line, depth);
    if (line[0] == '[') {
      const size_t end = line.find(']');
      if (end == line.npos) {
        return {StatusCode::kMisconfigured, "a group has no closing bracket"};
      }
      const std::string_view group = Trim(line.substr(1, end - 1));
      wanted = std::ranges::find(groups_, group) != groups_.end();
      return Status::Ok();
    }
    if (!wanted) return Status::Ok();
    line = Trim(WithoutComment(line));
    const size_t equals = line.find('=');
    std::string word = "--" + std::string(Trim(line.substr(0, equals)));
    if (equals != line.npos) {
      word += "=" + Unquoted(Trim(line.substr(equals + 1)));
    }
    words.push_back(std::move(word));
    return Status::Ok();
  }

  Status ReadInclude(std::string_view line, int depth) {
    if (depth == kMaxDepth) return Status::Ok();
    constexpr std::string_view kFile = "!include", kDirectory = "!includedir";
    if (line.starts_with(kDirectory)) {
      const std::string directory(Trim(line.substr(kDirectory.size())));
      auto names = files_.List(directory);
      if (!names) return names.error();
      std::ranges::sort(*names);
      for (const std::string& name : *names) {
        if (!name.ends_with(".cnf")) continue;
        Status status = ReadFile(JoinPath(directory, name), depth + 1);
        if (!status.ok()) return status;
      }
      return Status::Ok();
    }
    if (!line.starts_with(kFile)) return Status::Ok();
    return ReadFile(std::string(Trim(line.substr(kFile.size()))), depth + 1);
  }

  FileSystem& files_;
  const std::vector<std::string>& groups_;
};

}  // namespace

void AddServerOption(std::string_view word, ServerVariables& variables) {
  if (!word.starts_with("--")) return;
  word.remove_prefix(2);
  const size_t equals = word.find('=');
  std::string name = AsciiLower(word.substr(0, equals));
  std::ranges::replace(name, '-', '_');
  if (name.starts_with("loose_")) name.erase(0, 6);
  if (name.empty()) return;
  const std::string value =
      equals == word.npos ? "1" : std::string(word.substr(equals + 1));
  std::string& known = variables[name];
  known = Repeats(name) && !known.empty() ? known + ";" + value : value;
}

ServerVariables ParsePrintedDefaults(std::string_view text) {
  ServerVariables variables;
  const size_t begin = text.find('\n');
  if (begin == text.npos) return variables;
  text.remove_prefix(begin + 1);
  // Values are not quoted: a new option begins at " --".
  while (true) {
    const size_t start = text.find("--");
    if (start == text.npos) return variables;
    const size_t end = std::min(text.find(" --", start), text.size());
    AddServerOption(Trim(text.substr(start, end - start)), variables);
    text.remove_prefix(end);
  }
}

Result<std::vector<std::string>> ReadOptionFile(
    FileSystem& files, const std::string& path,
    const std::vector<std::string>& groups) {
  Reader reader(files, groups);
  Status status = reader.ReadFile(path, 0);
  if (!status.ok()) return status;
  return std::move(reader.words);
}

}  // namespace openkeyring
