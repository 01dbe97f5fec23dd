// SPDX-License-Identifier: MIT
#include "cli/output.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace openkeyring {
namespace {

TEST(Output, JsonStringsAreWhatTheLibraryWrites) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const char* before : {"", "plain ", "\xc3"}) {
      const std::string text = std::string(before) + static_cast<char>(byte);
      EXPECT_EQ(JsonString(text), JsonText(nlohmann::ordered_json(text)))
          << byte;
    }
  }
  EXPECT_EQ(JsonString("K-1/@ ~"), "\"K-1/@ ~\"");
}

TEST(Output, PrintableEscapesWhatIsNotText) {
  EXPECT_EQ(Printable("a key~"), "a key~");
  EXPECT_EQ(Printable(std::string("\x1b[2J\x7f\0", 6)), "\\x1b[2J\\x7f\\x00");
  EXPECT_EQ(Printable("\xc3\xa4"), "\xc3\xa4");
  EXPECT_EQ(Printable("\xc3("), "\xef\xbf\xbd(");
}

TEST(Output, ATableIsAsWideAsItsWidestCells) {
  std::ostringstream data, people;
  std::istringstream in;
  Output out(data, people, in, SystemClock(), {});
  const TextTable::Row rows[] = {{"\xc3\xa4", "1", ""},
                                 {"a long name", "200", ""}};
  out.Print(TextTable({{"KEY"}, {"N", true}, {"STATE"}}), 2,
            [&](size_t i, TextTable::Row& row) { row = rows[i]; });
  EXPECT_EQ(data.str(),
            "KEY            N  STATE\n"
            "\xc3\xa4              1\n"
            "a long name  200\n");
}

TEST(Output, AColumnThatIsOptionalIsLeftOutWhenItIsEmptyInEveryRow) {
  TextTable table(
      {{"KEY", false, true}, {"N", true, true}, {"X", false, true}});
  table.Measure({"a", "", ""});
  EXPECT_EQ(table.Line(table.titles()), "KEY");
  table.Measure({"", "", "x"});
  EXPECT_EQ(table.Line(table.titles()), "KEY  X");
  EXPECT_EQ(table.Line({"a", "", ""}), "a");
  EXPECT_EQ(table.Line({"", "", "x"}), "     x");
}

TEST(Output, OfManyNamesTenAreShown) {
  std::vector<std::string> names = {"a", "b"};
  EXPECT_EQ(FirstNames(names), "a, b");
  names.resize(10, "c");
  EXPECT_EQ(FirstNames(names), "a, b, c, c, c, c, c, c, c, c");
  names.resize(12, "d");
  EXPECT_EQ(FirstNames(names), "a, b, c, c, c, c, c, c, c, c and 2 more");
}

}  // namespace
}  // namespace openkeyring
