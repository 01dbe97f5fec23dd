// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_TEXT_TABLE_H_
#define OPENKEYRING_CLI_TEXT_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace openkeyring {

// Rows of text in columns that are as wide as they must be, two spaces apart:
// one row is one line, whatever it holds. Columns of numbers are right-aligned.
// Rows are not kept: each is measured first, and its line made later.
class TextTable {
 public:
  struct Column {
    std::string title;
    bool right = false;
    bool optional = false;  // Left out when it is empty in every row.
  };
  using Row = std::vector<std::string>;  // As many cells as columns.

  explicit TextTable(std::vector<Column> columns);

  Row titles() const;
  // Makes its columns wide enough for this row.
  void Measure(const Row& row);
  // Without optional columns that were empty in every row that was measured.
  // No line has spaces at its end. Widths are counted in code points.
  std::string Line(const Row& row) const;
  // The same, in place of what `line` is.
  void MakeLine(const Row& row, std::string& line) const;

 private:
  std::vector<Column> columns_;
  std::vector<size_t> widths_;
  std::vector<bool> shown_;
};

// How many columns of a terminal it takes: code points, control characters as
// Printable writes them not included.
size_t DisplayWidth(std::string_view text);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_TEXT_TABLE_H_
