// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_SHARED_MARIADB_LOG_H_
#define OPENKEYRING_SERVER_MARIADB_SHARED_MARIADB_LOG_H_

#include <atomic>
#include <string_view>

#include "base/log.h"

namespace openkeyring {

// MariaDB's error log, by its my_printf_error; standard error in other
// programs. Lines start with `prefix` and are broken into pieces that fit into
// the server's buffer of 512 bytes.
class MariaDbLog : public Log {
 public:
  // `prefix` is borrowed permanently, e.g. "AWS KMS plugin".
  explicit MariaDbLog(std::string_view prefix) : prefix_(prefix) {}

  void Write(LogLevel level, std::string_view line) override;
  // As a warning to the client whose statement this thread runs; without one it
  // does nothing. Not written to the log.
  void TellClient(std::string_view line);
  // The heaviest level that is left out is the one after `level`. Errors,
  // warnings and notes are always written.
  void SetLevel(LogLevel level) { level_.store(level); }

 private:
  void Print(unsigned long flags, std::string_view line);

  const std::string_view prefix_;
  std::atomic<LogLevel> level_{LogLevel::kNote};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_SHARED_MARIADB_LOG_H_
