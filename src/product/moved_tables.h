// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_MOVED_TABLES_H_
#define OPENKEYRING_PRODUCT_MOVED_TABLES_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "os/file_system.h"

namespace openkeyring {

// mariadb-backup --prepare --incremental-dir moves the new tables of the
// increment, "db/t.new", into the full backup as "db/t.ibd" before it loads the
// plugin. When it is then stopped and repeated, it takes them for tables that
// were dropped and removes them. This moves them back: every "db/t.ibd" of
// `full` for which the increment has "db/t.frm" and nothing else of that table
// (a table that is not new has "db/t.ibd.delta" as well). Returns what was
// moved; nothing is replaced.
Result<std::vector<std::string>> MoveNewTablesBack(
    FileSystem& files, const std::string& full, const std::string& increment);

// Does that for the backup that is being prepared in the current directory; an
// error says what a person has to move. Nothing is done for "".
Status UndoPreparation(const std::string& increment);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_MOVED_TABLES_H_
