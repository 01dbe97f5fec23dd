// SPDX-License-Identifier: MIT
#include "cli/text_table.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

TextTable::TextTable(std::vector<Column> columns)
    : columns_(std::move(columns)) {
  for (const Column& column : columns_) {
    widths_.push_back(DisplayWidth(column.title));
    shown_.push_back(!column.optional);
  }
}

TextTable::Row TextTable::titles() const {
  Row titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  return titles;
}

void TextTable::Measure(const Row& row) {
  for (size_t i = 0; i < widths_.size(); ++i) {
    widths_[i] = std::max(widths_[i], DisplayWidth(row[i]));
    if (!row[i].empty()) shown_[i] = true;
  }
}

std::string TextTable::Line(const Row& row) const {
  std::string line;
  MakeLine(row, line);
  return line;
}

void TextTable::MakeLine(const Row& row, std::string& line) const {
  line.clear();
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (!shown_[i]) continue;
    if (!line.empty()) line += "  ";
    const size_t space =
        widths_[i] - std::min(widths_[i], DisplayWidth(row[i]));
    if (columns_[i].right) line.append(space, ' ');
    line += row[i];
    if (!columns_[i].right) line.append(space, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
}

}  // namespace openkeyring
