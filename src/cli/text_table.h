// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_TEXT_TABLE_H_
#define OPENKEYRING_CLI_TEXT_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace openkeyring {

// Rows of text in columns that are as wide as they must be, two spaces apart:
// one row is one line, whatever it holds. Columns of numbers are right-aligned.
class TextTable {
 public:
  struct Column {
    std::string title;
    bool right = false;
  };
  explicit TextTable(std::vector<Column> columns)
      : columns_(std::move(columns)) {}

  // As many cells as columns.
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }

  // The lines, the titles first; no line has spaces at its end. Widths are
  // counted in code points.
  std::vector<std::string> Lines() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// How many columns of a terminal it takes: code points, control characters as
// Printable writes them not included.
size_t DisplayWidth(std::string_view text);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_TEXT_TABLE_H_
