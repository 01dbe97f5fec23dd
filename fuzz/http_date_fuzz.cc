// SPDX-License-Identifier: MIT
// A date that is taken is written the same way again.
#include <array>
#include <chrono>
#include <string>

#include "aws/aws_error.h"
#include "fuzz/check.h"

using namespace openkeyring;

namespace {

// Without the name of the weekday, which is not checked.
std::string Format(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(
      std::chrono::floor<std::chrono::seconds>(time - day));
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text;
  snprintf(text.data(), text.size(), "%02u %s %04d %02d:%02d:%02d GMT",
           static_cast<unsigned>(date.day()),
           kMonths[static_cast<unsigned>(date.month()) - 1],
           static_cast<int>(date.year()),
           static_cast<int>(clock.hours().count()),
           static_cast<int>(clock.minutes().count()),
           static_cast<int>(clock.seconds().count()));
  return text.data();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = InputText(data, size);
  const auto date = ParseHttpDate(text);
  if (!date) return 0;
  const bool leap = text.substr(22, 3) == ":60";
  Check(leap || Format(*date) == text.substr(5), "the date round trips");
  return 0;
}
