// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_LOG_H_
#define OPENKEYRING_BASE_LOG_H_

#include <string_view>

namespace openkeyring {

// In falling order of weight. kError and kWarning are for the DBA, kNote for
// rare good news, kDebug for one line a remote call, kTrace for its parts.
enum class LogLevel { kError, kWarning, kNote, kDebug, kTrace };

// Where lines for people go: the host server's error log in a product, a buffer
// in a test. A line is plain text without a line end and without secrets.
//
// Threads: Write may be called from any thread at any time.
class Log {
 public:
  virtual ~Log() = default;
  virtual void Write(LogLevel level, std::string_view line) = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_LOG_H_
