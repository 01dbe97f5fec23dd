// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_MYSQL_COMPONENT_FAKE_SERVER_H_
#define OPENKEYRING_TESTING_MYSQL_COMPONENT_FAKE_SERVER_H_

#include <string>
#include <utility>
#include <vector>

#include "server/mysql/abi/component.h"
#include "server/mysql/abi/log_services.h"
#include "server/mysql/abi/status_variables.h"

namespace openkeyring {

// The registry and the log services of a MySQL server. It offers nothing until
// it is told to. Services have no context, so there is one at a time.
// Threads: the services may be called concurrently.
class FakeServer {
 public:
  FakeServer();
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  Registry* registry();

  // mysql_simple_error_log, which fails when told to.
  void OfferSimpleLog(bool fails = false);
  // log_builtins with 38 or 39 functions. A call of one that a component has no
  // business with is remembered. kUnknown knows no symbol.
  void OfferBuiltins(LogLayout layout);
  // log_builtins.mysql_migrate_keyring, where the functions that only the
  // server has are null.
  void OfferToolBuiltins();
  // status_variable_registration, which fails when told to, and the registry
  // for use while the registry is locked.
  void OfferStatusVariables(bool fails = false);
  void OfferLockedRegistry();
  // As a session sees them: names and values, in the order of the arrays.
  std::vector<std::pair<std::string, std::string>> StatusVariables() const;
  // From now on the registry itself may not be used, as during a deinit.
  void LockRegistry();
  void UnlockRegistry();
  int uses_of_locked_registry() const;
  // No line can be made: line_init gives null.
  void RunOutOfLines();

  struct Line {
    std::string way;  // "simple" or "builtins".
    std::string component;
    int priority;
    int error_id;  // kPlainText also when builtins were given none.
    std::string text;
  };
  std::vector<Line> lines() const;
  std::string Text() const;  // The texts, a line each.

  int handles_held() const;        // Acquired and not released.
  int lines_held() const;          // Made and not given back.
  int released_strangers() const;  // Releases of what was not acquired.
  std::vector<int> wrong_slots() const;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_MYSQL_COMPONENT_FAKE_SERVER_H_
