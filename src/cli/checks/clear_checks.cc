// SPDX-License-Identifier: MIT
// A server that runs, asked by SQL: what does it keep in clear? The queries are
// those of docs/encrypt_everything.md.
#include <algorithm>
#include <map>

#include "base/encoding.h"
#include "cli/checks/check.h"
#include "os/process.h"

namespace openkeyring {
namespace {

constexpr char kSpace[] = "clear", kTable[] = "engine", kSetting[] = "setting",
               kEnd[] = "end";
constexpr char kPage[] = "docs/encrypt_everything.md has the statements";

constexpr char kOtherEngines[] =
    "SELECT 'engine', HEX(CONCAT(table_schema, '.', table_name, ' (', engine, "
    "')')) FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND "
    "CONCAT(table_schema, '.', table_name) NOT IN ('mysql.general_log', "
    "'mysql.slow_log') AND engine NOT IN ('InnoDB', 'MEMORY', "
    "'PERFORMANCE_SCHEMA'";

std::string MySqlStatements() {
  return "SELECT 'clear', HEX(name) FROM "
         "information_schema.innodb_tablespaces WHERE encryption = 'N' AND "
         "name NOT IN ('innodb_system', 'innodb_temporary');" +
         std::string(kOtherEngines) +
         ");SELECT 'setting', HEX(VARIABLE_NAME), HEX(VARIABLE_VALUE) FROM "
         "performance_schema.global_variables WHERE VARIABLE_NAME IN "
         "('default_table_encryption', 'innodb_redo_log_encrypt', "
         "'innodb_undo_log_encrypt', 'binlog_encryption', "
         "'persist_sensitive_variables_in_plaintext', 'log_bin');"
         "SELECT 'end'";
}

std::string MariaDbStatements() {
  return "SELECT 'clear', HEX(s.name) FROM "
         "information_schema.innodb_sys_tablespaces s LEFT JOIN "
         "information_schema.innodb_tablespaces_encryption e ON e.space = "
         "s.space WHERE (e.space IS NULL OR e.min_key_version = 0) AND s.name "
         "<> 'innodb_temporary';" +
         std::string(kOtherEngines) +
         ", 'Aria');SELECT 'setting', HEX(VARIABLE_NAME), HEX(VARIABLE_VALUE) "
         "FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME IN "
         "('innodb_encrypt_tables', 'innodb_encrypt_temporary_tables', "
         "'innodb_encrypt_log', 'aria_encrypt_tables', "
         "'encrypt_tmp_disk_tables', 'encrypt_tmp_files', 'encrypt_binlog', "
         "'innodb_encryption_threads', 'log_bin');"
         "SELECT 'end'";
}

struct InClear {
  std::vector<std::string> spaces, tables;
  std::map<std::string, std::string> settings;  // Names in lower case.
};

Result<InClear> Ask(CheckRun& run) {
  const auto rows = AskServer(
      run.installation.server, run.login, {kSpace, kTable, kSetting, kEnd},
      IsForMariaDb(run.installation.product) ? MariaDbStatements()
                                             : MySqlStatements(),
      run.files, SystemProcessRunner());
  if (!rows) return rows.error();
  if (rows->empty() || rows->back().front() != kEnd) {
    return Status(StatusCode::kCorrupt, "the answer is not complete");
  }
  InClear found;
  for (const SqlRow& row : *rows) {
    std::vector<std::string> texts;
    for (size_t i = 1; i < row.size(); ++i) {
      const Result<std::string> text = TextOfHex(row[i]);
      if (!text) return text.error();
      texts.push_back(*text);
    }
    if (row.front() == kSpace && texts.size() == 1) {
      found.spaces.push_back(texts[0]);
    } else if (row.front() == kTable && texts.size() == 1) {
      found.tables.push_back(texts[0]);
    } else if (row.front() == kSetting && texts.size() == 2) {
      found.settings[AsciiLower(texts[0])] = texts[1];
    }
  }
  return found;
}

// What leaves new data in clear, as "name=value".
std::vector<std::string> WrongSettings(const InClear& found) {
  std::vector<std::string> wrong;
  const auto log = found.settings.find("log_bin");
  const bool has_log = log != found.settings.end() && log->second == "ON";
  for (const auto& [name, value] : found.settings) {
    if (name == "log_bin") continue;
    if (!has_log && name.find("binlog") != name.npos) continue;
    const bool is_safe = name.starts_with("persist_sensitive")
                             ? value == "OFF"
                             : value != "OFF" && value != "0";
    if (!is_safe) wrong.push_back(name + "=" + value);
  }
  return wrong;
}

void Tell(CheckRun& run, const std::vector<std::string>& names,
          const std::string& what, const char* hint) {
  if (names.empty()) return;
  run.Warn(what + ": " + FirstNames(names), hint);
}

}  // namespace

void CheckInClear(CheckRun& run) {
  if (!run.login.given()) return run.Skip("no login is given: --login-file");
  if (!run.running) return run.Skip("the running server was not asked");
  const Result<InClear> found = Ask(run);
  if (!found) {
    return run.Skip("the server does not say what it keeps in clear: " +
                    found.error().message());
  }
  if (found->settings.empty()) {
    return run.Skip("the server does not show its settings");
  }
  const bool is_mariadb = IsForMariaDb(run.installation.product);
  Tell(run, found->spaces,
       Counted(found->spaces.size(), "tablespace") + " in clear", kPage);
  Tell(run, found->tables,
       Counted(found->tables.size(), "table") +
           " in clear, since the engine cannot encrypt",
       "ALTER TABLE ... ENGINE=InnoDB");
  Tell(run, WrongSettings(*found), "new data stays in clear by the settings",
       kPage);
  if (run.findings.empty()) {
    run.Ok(is_mariadb ? "every InnoDB tablespace is encrypted, and so is what "
                        "is written from now on; Aria tables do not say "
                        "whether they are"
                      : "every tablespace but innodb_system and "
                        "innodb_temporary is encrypted, and so is what is "
                        "written from now on");
  }
}

}  // namespace openkeyring
