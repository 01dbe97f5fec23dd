// SPDX-License-Identifier: MIT
#include "cli/text_table.h"

#include <algorithm>

namespace openkeyring {
namespace {

std::string Padded(const std::string& text, size_t width, bool right) {
  const size_t has = DisplayWidth(text);
  const std::string space(width > has ? width - has : 0, ' ');
  return right ? space + text : text + space;
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::vector<std::string> TextTable::Lines() const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) {
    widths.push_back(DisplayWidth(column.title));
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < widths.size() && i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
    }
  }
  std::vector<std::string> lines;
  const auto add = [&](const auto& cell) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += "  ";
      line += Padded(cell(i), widths[i], columns_[i].right);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  };
  add([&](size_t i) { return columns_[i].title; });
  for (const auto& row : rows_) {
    add([&](size_t i) { return i < row.size() ? row[i] : std::string(); });
  }
  return lines;
}

}  // namespace openkeyring
