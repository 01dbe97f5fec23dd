// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_OUTPUT_H_
#define OPENKEYRING_CLI_OUTPUT_H_

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/text_table.h"
#include "os/clock.h"

namespace openkeyring {

// ---- The user interface -----------------------------------------------------
//
// * stdout is data: what was asked for, and nothing else. stderr is for people.
// * An error: "keyringctl: error: WHAT FAILED: WHY", then "hint: WHAT TO DO".
//   Lower case, one line each, no period, as in age.
// * A warning does not stop anything; --strict makes it count in the exit code.
// * Nothing is printed about success but the data, and, after a change, what
//   was changed. --verbose adds what was found and taken.
// * Color only marks what is written anyway. A terminal has it; a pipe and
//   NO_COLOR have none.
// * Progress is for what takes longer than a second, on a terminal.
// * With --json there is one object, on stdout, or for an error on stderr.
// * Key material is never data. No class here takes a Secret.
// * What comes from files and servers is printed with control characters
//   escaped, so that a name cannot draw on the terminal.

enum class Color { kNone, kRed, kYellow, kGreen, kBold, kDim };

class Output : public Log {
 public:
  struct Options {
    bool json = false;
    bool verbose = false;
    bool color = false;        // Of stdout and stderr.
    bool progress = false;     // stderr is a terminal.
    bool interactive = false;  // Questions can be asked and answered.
    bool data_is_terminal = false;
  };
  // Streams and clock are borrowed; `in` answers questions.
  Output(std::ostream& data, std::ostream& people, std::istream& in,
         const Clock& clock, Options options)
      : data_(data),
        people_(people),
        in_(in),
        clock_(clock),
        options_(options) {}
  ~Output() override;

  bool json() const { return options_.json; }
  bool verbose() const { return options_.verbose; }
  bool interactive() const { return options_.interactive; }
  bool data_is_terminal() const { return options_.data_is_terminal; }

  // ---- Data, on stdout. Nothing with --json, but for PrintJson.
  void Line(std::string_view text);
  // A table of `count` rows. `fill` makes each when it is printed, and once
  // before, so that a large table is not in memory.
  void Print(TextTable table, size_t count,
             const std::function<void(size_t, TextTable::Row&)>& fill);
  // `object` with the schema first, then its members, then source and warnings.
  // The last thing that a command prints.
  void PrintJson(std::string_view command,
                 const nlohmann::ordered_json& object);
  // The same, with an array of `count` objects as member `name`. `append` makes
  // the text of each when it is printed, so that a large list is not in memory
  // twice.
  void PrintJsonList(std::string_view command,
                     const nlohmann::ordered_json& object,
                     std::string_view name, size_t count,
                     const std::function<void(size_t, std::string&)>& append);

  // ---- For people, on stderr.
  void Warn(std::string_view text, std::string_view hint = "");
  void Verbose(std::string_view text);  // With --verbose only.
  void Inform(std::string_view text);   // What was changed.
  void Report(std::string_view command, const Failure& failure);
  // What was found and taken: member `source`, and a line with --verbose.
  void AddSource(std::string_view what, std::string_view value,
                 std::string_view found_in);
  size_t warnings() const { return warnings_.size(); }

  // What the products log: warnings and errors are warnings here, notes are
  // for --verbose.
  void Write(LogLevel level, std::string_view line) override;

  // Asks, and reads one line; "" at the end of the input. interactive() must
  // be true.
  std::string Ask(std::string_view question);

  // Shows `done` of `total` once a second has passed since the first call;
  // EndProgress removes it.
  void Progress(std::string_view what, size_t done, size_t total);
  void EndProgress();

  std::string Paint(Color color, std::string_view text) const;

 private:
  struct SourceEntry {
    std::string what, value, found_in;
  };
  nlohmann::ordered_json Tail() const;

  std::ostream& data_;
  std::ostream& people_;
  std::istream& in_;
  const Clock& clock_;
  const Options options_;
  std::vector<std::string> warnings_;
  std::vector<SourceEntry> source_;
  bool has_progress_ = false, shows_progress_ = false;
  SteadyTime progress_began_{}, progress_drawn_{};
};

// With control characters as \xNN and invalid UTF-8 as U+FFFD.
std::string Printable(std::string_view text);
void AssignPrintable(std::string_view text, std::string& printable);

// "1 key", "2 keys".
std::string Counted(size_t count, std::string_view noun);
// "a, b, c and 7 more": ten of them at most.
std::string FirstNames(const std::vector<std::string>& names);

// `text` as a JSON string, with its quotes.
std::string JsonString(std::string_view text);
void AppendJsonString(std::string_view text, std::string& json);

// Compact JSON; wrong UTF-8 becomes U+FFFD. Never throws.
std::string JsonText(const nlohmann::ordered_json& value);

// Whether to use color: `choice` is auto, always or never.
bool WantsColor(std::string_view choice, bool is_terminal,
                const std::string& no_color, const std::string& term);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_OUTPUT_H_
