// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_COMPONENT_LOG_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_COMPONENT_LOG_H_

#include <string>
#include <string_view>

#include "base/log.h"
#include "server/mysql/abi/component.h"
#include "server/mysql/abi/log_services.h"

namespace openkeyring {

// The error log of whatever program has loaded the component: by
// mysql_simple_error_log where there is one, else by log_builtins in the layout
// that it turns out to have, else standard error. Services are looked up at
// each line, since they come and go with the program.
//
// Errors, warnings and notes are written, details are not. Not to be used in a
// component's init and deinit, which run under the registry's lock.
// Threads: Write may be called from any thread at any time.
class ComponentLog : public Log {
 public:
  // `component` is borrowed permanently. `registry` is the component's slot,
  // which the server fills; a null in it means standard error.
  ComponentLog(const char* component, Registry* const& registry)
      : component_(component), registry_(registry) {}

  void Write(LogLevel level, std::string_view line) override;
  // The server's own messages for a keyring that was loaded, with `details`,
  // and for one that could not be loaded, with the reason and the cure: by
  // number and in the words of the newest server, since 8.0 has no place for a
  // reason.
  void WriteInitialized(std::string_view details);
  void WriteNotInitialized(std::string_view reason);

 private:
  void WriteAs(int priority, const std::string& message);
  void WriteServersMessage(int priority, int error_id,
                           const std::string& message);
  void WriteStandardError(const std::string& text);
  bool WriteSimple(int priority, const std::string& text);
  bool WriteBuiltins(int priority, int error_id, const std::string& text);

  const char* const component_;
  Registry* const& registry_;
};

// Which of the two layouts a server's log_builtins has. It has a function that
// gives the number of a message by its symbol; the other function that could be
// in its place takes anything and answers with something else.
LogLayout FindLayout(LogBuiltins builtins);

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_COMPONENT_LOG_H_
