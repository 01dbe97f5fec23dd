// SPDX-License-Identifier: MIT
#include "cli/output.h"

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/encoding.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kProgram[] = "keyringctl";
constexpr Millis kQuiet{1000}, kBetween{100};
constexpr size_t kBarWidth = 30;

const char* Escape(Color color) {
  switch (color) {
    case Color::kRed:
      return "\x1b[31m";
    case Color::kYellow:
      return "\x1b[33m";
    case Color::kGreen:
      return "\x1b[32m";
    case Color::kBold:
      return "\x1b[1m";
    case Color::kDim:
      return "\x1b[2m";
    case Color::kNone:
      break;
  }
  return "";
}

bool IsPlain(char c) { return c >= ' ' && c < 0x7f; }

// Without a way out in the loop, for which compilers have vector instructions.
bool IsPlain(std::string_view text) {
  bool plain = true;
  for (const char c : text) plain = plain & IsPlain(c);
  return plain;
}

std::string HexEscape(unsigned char byte) {
  return "\\x" + HexEncode(ByteView(&byte, 1));
}

std::string Schema(std::string_view command) {
  std::string name(command);
  std::ranges::replace(name, ' ', '-');
  return "openkeyring/" + name + "/1";
}

Json ListOf(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

// "{...}" without its braces.
std::string Inside(const Json& object) {
  const std::string text = JsonText(object);
  return text.substr(1, text.size() - 2);
}

}  // namespace

std::string JsonText(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Counted(size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) +
         (count == 1 ? "" : "s");
}

std::string FirstNames(const std::vector<std::string>& names) {
  constexpr size_t kShown = 10;
  std::string list;
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    list += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kShown) {
    list += " and " + std::to_string(names.size() - kShown) + " more";
  }
  return list;
}

std::string JsonString(std::string_view text) {
  std::string json;
  AppendJsonString(text, json);
  return json;
}

void AppendJsonString(std::string_view text, std::string& json) {
  bool plain = IsPlain(text);
  for (const char c : text) plain = plain & (c != '"') & (c != '\\');
  if (!plain) {
    json += JsonText(Json(text));
    return;
  }
  json += '"';
  json += text;
  json += '"';
}

std::string Printable(std::string_view text) {
  std::string printable;
  AssignPrintable(text, printable);
  return printable;
}

void AssignPrintable(std::string_view text, std::string& printable) {
  if (IsPlain(text)) {
    printable = text;
    return;
  }
  printable.clear();
  const bool valid = IsUtf8(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f) {
      printable += HexEscape(byte);
    } else if (byte >= 0x80 && !valid) {
      printable += "\xef\xbf\xbd";
    } else {
      printable += c;
    }
  }
}

bool WantsColor(std::string_view choice, bool is_terminal,
                const std::string& no_color, const std::string& term) {
  if (choice == "always") return true;
  if (choice == "never" || !no_color.empty() || term == "dumb") return false;
  return is_terminal;
}

Output::~Output() { EndProgress(); }

std::string Output::Paint(Color color, std::string_view text) const {
  if (!options_.color || color == Color::kNone) return std::string(text);
  return Escape(color) + std::string(text) + "\x1b[0m";
}

// ---- Data -------------------------------------------------------------------

void Output::Line(std::string_view text) {
  if (options_.json) return;
  EndProgress();
  data_ << text << '\n';
}

void Output::Print(TextTable table, size_t count,
                   const std::function<void(size_t, TextTable::Row&)>& fill) {
  if (options_.json) return;
  TextTable::Row row = table.titles();
  for (size_t i = 0; i < count; ++i) {
    fill(i, row);
    table.Measure(row);
  }
  Line(Paint(Color::kBold, table.Line(table.titles())));
  std::string line;
  for (size_t i = 0; i < count; ++i) {
    fill(i, row);
    table.MakeLine(row, line);
    Line(line);
  }
}

Json Output::Tail() const {
  Json tail = Json::object();
  Json& source = tail["source"] = Json::array();
  for (const SourceEntry& entry : source_) {
    source.push_back({{"what", entry.what},
                      {"value", entry.value},
                      {"found_in", entry.found_in}});
  }
  tail["warnings"] = ListOf(warnings_);
  return tail;
}

void Output::PrintJson(std::string_view command, const Json& object) {
  Json all = {{"schema", Schema(command)}};
  all.update(object);
  all.update(Tail());
  EndProgress();
  data_ << JsonText(all) << '\n';
}

void Output::PrintJsonList(
    std::string_view command, const Json& object, std::string_view name,
    size_t count, const std::function<void(size_t, std::string&)>& append) {
  EndProgress();
  Json head = {{"schema", Schema(command)}};
  head.update(object);
  data_ << '{' << Inside(head) << ",\"" << name << "\":[";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text = i > 0 ? ",\n" : "\n";
    append(i, text);
    data_ << text;
  }
  data_ << "\n]," << Inside(Tail()) << "}\n";
}

// ---- For people -------------------------------------------------------------

void Output::Warn(std::string_view text, std::string_view hint) {
  std::string line(text);
  if (!hint.empty()) line += "; " + std::string(hint);
  if (std::ranges::find(warnings_, line) != warnings_.end()) return;
  warnings_.push_back(line);
  if (options_.json) return;
  EndProgress();
  people_ << kProgram << ": " << Paint(Color::kYellow, "warning:") << ' '
          << Printable(text) << '\n';
  if (!hint.empty()) people_ << "hint: " << Printable(hint) << '\n';
}

void Output::Verbose(std::string_view text) {
  if (!options_.verbose || options_.json) return;
  EndProgress();
  people_ << kProgram << ": " << Printable(text) << '\n';
}

void Output::Inform(std::string_view text) {
  if (options_.json) return;
  EndProgress();
  people_ << kProgram << ": " << Printable(text) << '\n';
}

void Output::Report(std::string_view command, const Failure& failure) {
  EndProgress();
  if (options_.json) {
    Json error = {{"schema", Schema("error")},
                  {"command", std::string(command)},
                  {"code", static_cast<int>(failure.code)},
                  {"kind", std::string(StatusCodeName(failure.status.code()))},
                  {"message", failure.status.message()},
                  {"hint", failure.hint},
                  {"changed", ListOf(failure.changed)},
                  {"unchanged", ListOf(failure.unchanged)}};
    error.update(Tail());
    people_ << JsonText(error) << '\n';
    return;
  }
  people_ << kProgram << ": " << Paint(Color::kRed, "error:") << ' '
          << Printable(failure.status.message()) << '\n';
  for (const std::string& one : failure.changed) {
    people_ << "changed: " << Printable(one) << '\n';
  }
  for (const std::string& one : failure.unchanged) {
    people_ << "not changed: " << Printable(one) << '\n';
  }
  if (!failure.hint.empty()) {
    people_ << "hint: " << Printable(failure.hint) << '\n';
  }
}

void Output::AddSource(std::string_view what, std::string_view value,
                       std::string_view found_in) {
  source_.push_back(
      {std::string(what), std::string(value), std::string(found_in)});
  Verbose(std::string(what) + " " + std::string(value) + " (" +
          std::string(found_in) + ")");
}

void Output::Write(LogLevel level, std::string_view line) {
  if (level == LogLevel::kError || level == LogLevel::kWarning) {
    Warn(line);
  } else if (level == LogLevel::kNote) {
    Verbose(line);
  }
}

std::string Output::Ask(std::string_view question) {
  EndProgress();
  people_ << question << ' ' << std::flush;
  std::string answer;
  if (!std::getline(in_, answer)) return "";
  return answer;
}

// ---- Progress ---------------------------------------------------------------

void Output::Progress(std::string_view what, size_t done, size_t total) {
  if (!options_.progress || options_.json || total == 0) return;
  const SteadyTime now = clock_.Steady();
  if (!has_progress_) {
    has_progress_ = true;
    progress_began_ = now;
  }
  if (now - progress_began_ < kQuiet || now - progress_drawn_ < kBetween) {
    return;
  }
  progress_drawn_ = now;
  shows_progress_ = true;
  const size_t filled = std::min(kBarWidth, kBarWidth * done / total);
  people_ << "\r\x1b[K" << what << " [" << std::string(filled, '#')
          << std::string(kBarWidth - filled, '.') << "] " << done << "/"
          << total << std::flush;
}

void Output::EndProgress() {
  if (shows_progress_) people_ << "\r\x1b[K" << std::flush;
  has_progress_ = shows_progress_ = false;
}

}  // namespace openkeyring
