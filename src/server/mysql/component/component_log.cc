// SPDX-License-Identifier: MIT
#include "server/mysql/component/component_log.h"

#include <unistd.h>

#include <algorithm>

#include "server/mysql/component/acquired.h"

namespace openkeyring {
namespace {

constexpr char kBuiltins[] = "log_builtins";
constexpr char kToolBuiltins[] = "log_builtins.mysql_migrate_keyring";
constexpr char kKnownSymbol[] = "ER_KEYRING_COMPONENT_NOT_INITIALIZED";

template <typename Function>
Function Slot(LogBuiltins builtins, int number) {
  return reinterpret_cast<Function>(builtins[number]);
}

// In one of the layouts the slot has `const char *(int)` instead. The call is
// sound all the same in the calling conventions that we are built for: it reads
// a half of the register that has the symbol, knows no such number, and returns
// a string in the register of the result. clang's check of function types must
// not stop at what the probe is for.
#ifdef __clang__
__attribute__((no_sanitize("function")))
#endif
long long
CodeAt(LogBuiltins builtins, int slot) {
  return Slot<LogCodeBySymbol>(builtins, slot)(kKnownSymbol);
}

// Names of keys are whatever a client made them: a line stays one line.
std::string OneLine(std::string text) {
  std::ranges::replace_if(
      text,
      [](char c) { return (static_cast<unsigned char>(c) < ' ') || c == 0x7f; },
      '?');
  return text;
}

// The functions that write a line, wherever they are in this layout. False when
// the server has no memory for it.
bool WriteLine(LogBuiltins builtins, LogLayout layout, const char* component,
               int priority, int error_id, const char* text) {
  const int moved = layout == LogLayout::kNew ? 1 : 0;
  const auto set_int = Slot<LogItemSetInt>(builtins, kItemSetInt);
  const auto set_text = Slot<LogItemSetText>(builtins, kItemSetText);
  const auto item = Slot<LogLineItemSet>(builtins, kLineItemSet + moved);
  const Handle line = Slot<LogLineInit>(builtins, kLineInit + moved)();
  if (line == nullptr) return false;
  (void)set_int(item(line, kPriorityItem), priority);
  if (error_id != kPlainText) {
    (void)set_int(item(line, kErrorCodeItem), error_id);
  }
  (void)set_text(item(line, kSubsystemItem), component);
  (void)set_text(item(line, kMessageItem), text);
  (void)Slot<LogLineSubmit>(builtins, kLineSubmit + moved)(line);
  Slot<LogLineExit>(builtins, kLineExit + moved)(line);
  return true;
}

int PriorityOf(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return kErrorPriority;
    case LogLevel::kWarning:
      return kWarningPriority;
    default:
      return kNotePriority;
  }
}

}  // namespace

LogLayout FindLayout(LogBuiltins builtins) {
  if (CodeAt(builtins, kCodeBySymbol) == kNotInitialized) {
    return LogLayout::kOld;
  }
  if (CodeAt(builtins, kCodeBySymbol + 1) == kNotInitialized) {
    return LogLayout::kNew;
  }
  return LogLayout::kUnknown;
}

void ComponentLog::Write(LogLevel level, std::string_view line) {
  if (level > LogLevel::kNote) return;
  WriteAs(PriorityOf(level), OneLine(std::string(line)));
}

void ComponentLog::WriteInitialized(std::string_view details) {
  WriteServersMessage(kNotePriority, kInitialized,
                      "Keyring component initialized successfully. " +
                          OneLine(std::string(details)));
}

void ComponentLog::WriteNotInitialized(std::string_view reason) {
  WriteServersMessage(
      kErrorPriority, kNotInitialized,
      "The component is not initialized properly. Error: " +
          OneLine(std::string(reason)) +
          ". Make sure that configuration is proper and use ALTER INSTANCE "
          "RELOAD KEYRING to reinitialize the component.");
}

// Only log_builtins take a number and a string: mysql_simple_error_log takes
// the string's arguments, and which they are depends on the server.
void ComponentLog::WriteServersMessage(int priority, int error_id,
                                       const std::string& message) {
  if (!WriteBuiltins(priority, error_id, message)) WriteAs(priority, message);
}

void ComponentLog::WriteAs(int priority, const std::string& text) {
  if (WriteSimple(priority, text) ||
      WriteBuiltins(priority, kPlainText, text)) {
    return;
  }
  WriteStandardError(text);
}

void ComponentLog::WriteStandardError(const std::string& text) {
  const std::string line = std::string(component_) + ": " + text + "\n";
  [[maybe_unused]] const ssize_t n =
      write(STDERR_FILENO, line.data(), line.size());
}

bool ComponentLog::WriteSimple(int priority, const std::string& text) {
  const Acquired<SimpleErrorLog> log(registry_, "mysql_simple_error_log");
  return log && log->emit(component_, "", 0, priority, kPlainText,
                          text.c_str()) == kSuccess;
}

bool ComponentLog::WriteBuiltins(int priority, int error_id,
                                 const std::string& text) {
  // mysql_migrate_keyring has stand-ins for most functions, in the new layout.
  const Acquired<void (*const)()> tool(registry_, kToolBuiltins);
  const Acquired<void (*const)()> server(registry_, kBuiltins);
  if (!tool && !server) return false;
  const LogBuiltins builtins = tool ? tool.get() : server.get();
  const LogLayout layout = tool ? LogLayout::kNew : FindLayout(builtins);
  if (layout == LogLayout::kUnknown) return false;
  return WriteLine(builtins, layout, component_, priority, error_id,
                   text.c_str());
}

}  // namespace openkeyring
