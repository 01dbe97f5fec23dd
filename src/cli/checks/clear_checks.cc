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

constexpr char kSpace[] = "clear", kTable[] = "engine", kFormat[] = "format",
               kDatabase[] = "database", kSees[] = "sees",
               kChannel[] = "channel", kSetting[] = "setting", kEnd[] = "end";
constexpr char kPage[] = "docs/encrypt_everything.md has the statements";

constexpr char kOtherEngines[] =
    "SELECT 'engine', HEX(CONCAT(table_schema, '.', table_name, ' (', engine, "
    "')')) FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND "
    "CONCAT(table_schema, '.', table_name) NOT IN ('mysql.general_log', "
    "'mysql.slow_log') AND engine NOT IN ('InnoDB', 'MEMORY', "
    "'PERFORMANCE_SCHEMA'";

// Other tables and databases are not listed for a login without one of these.
// What a role grants is not in this table.
constexpr char kOwnPrivileges[] =
    "SELECT 'sees', HEX(privilege_type) FROM "
    "information_schema.user_privileges "
    "WHERE privilege_type IN ('SELECT', 'REFERENCES') AND REPLACE(grantee, "
    "'''', '') = CURRENT_USER();";

std::string MySqlStatements() {
  return "SELECT 'clear', HEX(name) FROM "
         "information_schema.innodb_tablespaces WHERE encryption = 'N' AND "
         "name NOT IN ('innodb_system', 'innodb_temporary');" +
         std::string(kOtherEngines) + ");" + kOwnPrivileges +
         "SELECT 'database', HEX(schema_name) FROM information_schema.schemata "
         "WHERE default_encryption = 'NO' AND schema_name NOT IN "
         "('information_schema', 'performance_schema', 'mysql', 'sys');"
         "SELECT 'channel', HEX(CHANNEL_NAME) FROM "
         "performance_schema.replication_connection_configuration;"
         "SELECT 'setting', HEX(VARIABLE_NAME), HEX(VARIABLE_VALUE) FROM "
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
         std::string(kOtherEngines) + ", 'Aria');" + kOwnPrivileges +
         "SELECT 'format', HEX(CONCAT(table_schema, '.', table_name, ' (', "
         "row_format, ')')) FROM information_schema.tables WHERE engine = "
         "'Aria' AND row_format <> 'Page' AND table_type = 'BASE TABLE';"
         "SELECT 'setting', HEX(VARIABLE_NAME), HEX(VARIABLE_VALUE) "
         "FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME IN "
         "('innodb_encrypt_tables', 'innodb_encrypt_temporary_tables', "
         "'innodb_encrypt_log', 'aria_encrypt_tables', "
         "'encrypt_tmp_disk_tables', 'encrypt_tmp_files', 'encrypt_binlog', "
         "'innodb_encryption_threads', 'log_bin');"
         "SELECT 'end'";
}

struct InClear {
  std::map<std::string, std::vector<std::string>> names;  // By the row's tag.
  std::map<std::string, std::string> settings;  // Names in lower case.

  bool HasBinaryLog() const {
    const auto log = settings.find("log_bin");
    return log != settings.end() && log->second == "ON";
  }
};

Status AddRow(const SqlRow& row, InClear& found) {
  std::vector<std::string> texts;
  for (size_t i = 1; i < row.size(); ++i) {
    const Result<std::string> text = TextOfHex(row[i]);
    if (!text) return text.error();
    texts.push_back(*text);
  }
  if (row.front() == kSetting && texts.size() == 2) {
    found.settings[AsciiLower(texts[0])] = texts[1];
  } else if (row.front() != kSetting && texts.size() == 1) {
    found.names[row.front()].push_back(texts[0]);
  }
  return Status::Ok();
}

Result<InClear> Ask(CheckRun& run) {
  const auto rows = AskServer(
      run.installation.server, run.login,
      {kSpace, kTable, kFormat, kDatabase, kSees, kChannel, kSetting, kEnd},
      IsForMariaDb(run.installation.product) ? MariaDbStatements()
                                             : MySqlStatements(),
      run.files, SystemProcessRunner());
  if (!rows) return rows.error();
  if (rows->empty() || rows->back().front() != kEnd) {
    return Status(StatusCode::kCorrupt, "the answer is not complete");
  }
  InClear found;
  for (const SqlRow& row : *rows) {
    const Status status = AddRow(row, found);
    if (!status.ok()) return status;
  }
  return found;
}

// The names of MySQL's binary logs that are in clear: name, size, Encrypted.
Result<std::vector<std::string>> ClearBinaryLogs(CheckRun& run) {
  const auto rows =
      AskServer(run.installation.server, run.login, {}, "SHOW BINARY LOGS",
                run.files, SystemProcessRunner());
  if (!rows) return rows.error();
  std::vector<std::string> names;
  size_t judged = 0;
  for (const SqlRow& row : *rows) {
    if (row.size() == 1) continue;  // The client's own words.
    const std::string& encrypted = row.back();
    if (row.size() != 3 || (encrypted != "Yes" && encrypted != "No")) {
      judged = 0;
      break;
    }
    ++judged;
    if (encrypted == "No") names.push_back(row.front());
  }
  if (judged > 0) return names;
  return Status(StatusCode::kCorrupt,
                "SHOW BINARY LOGS does not tell which of them are encrypted");
}

// What leaves new data in clear, as "name=value".
std::vector<std::string> WrongSettings(const InClear& found) {
  std::vector<std::string> wrong;
  const bool has_log = found.HasBinaryLog();
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

void TellBinaryLogs(CheckRun& run) {
  const auto names = ClearBinaryLogs(run);
  if (!names) {
    return run.Skip("binary logs were not judged: " + names.error().message());
  }
  Tell(run, *names, Counted(names->size(), "binary log") + " in clear",
       "PURGE BINARY LOGS, when no replica and no backup needs them any more");
}

void TellNames(CheckRun& run, InClear& found) {
  const auto count = [&](const char* tag, const char* noun) {
    return Counted(found.names[tag].size(), noun);
  };
  Tell(run, found.names[kSpace], count(kSpace, "tablespace") + " in clear",
       kPage);
  Tell(run, found.names[kTable],
       count(kTable, "table") + " in clear, since the engine cannot encrypt",
       "ALTER TABLE ... ENGINE=InnoDB");
  Tell(run, found.names[kFormat],
       count(kFormat, "Aria table") +
           " in clear, since only ROW_FORMAT=PAGE is encrypted",
       "ALTER TABLE ... ROW_FORMAT=PAGE");
  Tell(run, found.names[kDatabase],
       count(kDatabase, "database") +
           " with DEFAULT ENCRYPTION='N', where new tables are in clear",
       "ALTER DATABASE ... DEFAULT ENCRYPTION='Y'");
  if (found.names[kSees].empty()) {
    run.Skip(
        "tables and databases that the login does not see were not judged: it "
        "needs SELECT or REFERENCES on *.*");
  }
}

std::string AllEncrypted(const InClear& found, bool is_mariadb) {
  if (is_mariadb) {
    return "every InnoDB tablespace is encrypted, and so is what is written "
           "from now on; not judged, since MariaDB does not say whether they "
           "are: Aria tables, and binary and relay logs of the time before";
  }
  std::string text =
      "every tablespace but innodb_system and innodb_temporary is encrypted, "
      "and so is what is written from now on";
  if (found.names.contains(kChannel)) {
    text +=
        "; relay logs of the time before were not judged, since MySQL "
        "does not say whether they are";
  }
  return text;
}

}  // namespace

void CheckInClear(CheckRun& run) {
  if (!run.login.given()) return run.Skip("no login is given: --login-file");
  if (!run.running) return run.Skip("the running server was not asked");
  Result<InClear> found = Ask(run);
  if (!found) {
    return run.Skip("the server does not say what it keeps in clear: " +
                    found.error().message());
  }
  if (found->settings.empty()) {
    return run.Skip("the server does not show its settings");
  }
  const bool is_mariadb = IsForMariaDb(run.installation.product);
  TellNames(run, *found);
  if (!is_mariadb && found->HasBinaryLog()) TellBinaryLogs(run);
  Tell(run, WrongSettings(*found), "new data stays in clear by the settings",
       kPage);
  if (run.findings.empty()) run.Ok(AllEncrypted(*found, is_mariadb));
}

}  // namespace openkeyring
