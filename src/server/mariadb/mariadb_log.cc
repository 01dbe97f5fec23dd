// SPDX-License-Identifier: MIT
#include "server/mariadb/mariadb_log.h"

#include <mysql/plugin.h>
#include <mysql/service_my_print_error.h>
#include <mysqld_error.h>

#include <algorithm>
#include <string>

namespace openkeyring {
namespace {

constexpr size_t kMostBytes = 440;  // Of a piece; 512 with what is around it.

// Where to cut: the last blank that still fits, else the limit.
size_t CutPoint(std::string_view text) {
  if (text.size() <= kMostBytes) return text.size();
  const size_t blank = text.rfind(' ', kMostBytes);
  return blank == std::string_view::npos || blank == 0 ? kMostBytes : blank;
}

}  // namespace

void MariaDbLog::Write(LogLevel level, std::string_view line) {
  if (level > std::max(LogLevel::kNote, level_.load())) return;
  switch (level) {
    case LogLevel::kError:
      return Print(ME_ERROR_LOG_ONLY, line);
    case LogLevel::kWarning:
      return Print(ME_ERROR_LOG_ONLY | ME_WARNING, line);
    default:
      return Print(ME_ERROR_LOG_ONLY | ME_NOTE, line);
  }
}

void MariaDbLog::WarnClient(std::string_view line) {
  Print(ME_ERROR_LOG | ME_WARNING, line);
}

void MariaDbLog::Print(unsigned long flags, std::string_view line) {
  const char* more = "";
  do {
    const size_t size = CutPoint(line);
    const std::string piece(line.substr(0, size));
    line.remove_prefix(size);
    my_printf_error(ER_UNKNOWN_ERROR, "%.*s: %s%s%s", flags,
                    static_cast<int>(prefix_.size()), prefix_.data(), more,
                    piece.c_str(), line.empty() ? "" : " ...");
    more = "...";
  } while (!line.empty());
}

}  // namespace openkeyring
