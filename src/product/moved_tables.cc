// SPDX-License-Identifier: MIT
#include "product/moved_tables.h"

#include <map>
#include <string_view>

namespace openkeyring {
namespace {

// How many files of a database's directory belong to each table ("t" of
// "t.frm", "t.ibd.delta").
std::map<std::string, int> CountFiles(const std::vector<std::string>& names) {
  std::map<std::string, int> counts;
  for (const std::string& name : names)
    ++counts[name.substr(0, name.find('.'))];
  return counts;
}

Status MoveBack(FileSystem& files, const std::string& full,
                const std::string& increment, const std::string& database,
                std::vector<std::string>& moved) {
  const std::string from = JoinPath(full, database);
  const std::string to = JoinPath(increment, database);
  const auto names = files.List(to);
  if (!names) return names.error();
  const std::map<std::string, int> counts = CountFiles(*names);
  for (const std::string& name : *names) {
    const std::string table = name.substr(0, name.find('.'));
    if (name != table + ".frm" || counts.at(table) != 1) continue;
    const std::string path = JoinPath(from, table + ".ibd");
    if (!files.Stat(path)) continue;
    Status status = files.RenameNoReplace(path, JoinPath(to, table + ".new"));
    if (!status.ok()) return status;
    moved.push_back(JoinPath(database, table));
  }
  return Status::Ok();
}

}  // namespace

Result<std::vector<std::string>> MoveNewTablesBack(
    FileSystem& files, const std::string& full, const std::string& increment) {
  std::vector<std::string> moved;
  const auto names = files.List(increment);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const Result<FileInfo> info = files.Stat(JoinPath(increment, name));
    if (!info || !info->is_directory) continue;
    Status status = MoveBack(files, full, increment, name, moved);
    if (!status.ok()) return status;
  }
  return moved;
}

Status UndoPreparation(const std::string& increment) {
  if (increment.empty()) return Status::Ok();
  return MoveNewTablesBack(PosixFileSystem(), ".", increment)
      .status()
      .WithContext("new tables of " + increment +
                   " were moved into the full backup and cannot be moved back, "
                   "without which mariadb-backup must not be repeated");
}

}  // namespace openkeyring
