// SPDX-License-Identifier: MIT
#include "server/mariadb/shared/mariadb_log.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include "server/mariadb/shared/loading_program.h"
#include "server/mariadb/shared/server_functions.h"

namespace openkeyring {
namespace {

// MariaDB's ER_UNKNOWN_ERROR, and flags of its my_printf_error.
constexpr unsigned kUnknownError = 1105;
constexpr unsigned long kErrorLogOnly = 128, kNoteFlag = 1024,
                        kWarningFlag = 2048;

constexpr size_t kMostBytes = 440;  // Of a piece; 512 with what is around it.

// Where to break a line: the last space that still fits, else the limit.
size_t BreakPoint(std::string_view text) {
  if (text.size() <= kMostBytes) return text.size();
  const size_t space = text.rfind(' ', kMostBytes);
  return space == std::string_view::npos || space == 0 ? kMostBytes : space;
}

const char* LevelName(unsigned long flags) {
  if ((flags & kNoteFlag) != 0) return "[Note] ";
  return (flags & kWarningFlag) != 0 ? "[Warning] " : "[ERROR] ";
}

void PrintPiece(unsigned long flags, const std::string& text) {
  const auto print_error = TheServer().print_error;
  if (print_error != nullptr && FindLoadingProgram().is_server()) {
    return print_error(kUnknownError, "%s", flags, text.c_str());
  }
  // mariadb-backup has the function, and throws away what it is told.
  const std::string line = LevelName(flags) + text + "\n";
  [[maybe_unused]] const ssize_t n =
      write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

void MariaDbLog::Write(LogLevel level, std::string_view line) {
  if (level > std::max(LogLevel::kNote, level_.load())) return;
  switch (level) {
    case LogLevel::kError:
      return Print(kErrorLogOnly, line);
    case LogLevel::kWarning:
      return Print(kErrorLogOnly | kWarningFlag, line);
    default:
      return Print(kErrorLogOnly | kNoteFlag, line);
  }
}

void MariaDbLog::TellClient(std::string_view line) {
  const ServerFunctions& server = TheServer();
  if (server.current_thd == nullptr || server.current_thd() == nullptr) return;
  Print(kWarningFlag, line);
}

void MariaDbLog::Print(unsigned long flags, std::string_view line) {
  const char* more = "";
  do {
    const size_t size = BreakPoint(line);
    const std::string piece(line.substr(0, size));
    line.remove_prefix(size);
    PrintPiece(flags, std::string(prefix_) + ": " + more + piece +
                          (line.empty() ? "" : " ..."));
    more = "...";
  } while (!line.empty());
}

}  // namespace openkeyring
