// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_SYSTEMD_UNIT_H_
#define OPENKEYRING_CLI_SYSTEMD_UNIT_H_

#include <optional>
#include <string>
#include <string_view>

#include "os/clock.h"
#include "os/file_system.h"

// The service of a server as systemd's files describe it. They are only read,
// and systemd is not asked: an image that is being built has none. Rules:
// systemd.unit(5), systemd.service(5), systemd.time(7).
namespace openkeyring {

// What guides, examples, `init` and `check` say of memory that may be locked.
constexpr char kLimitMemlock[] = "LimitMEMLOCK=8M";
// What the packaged drop-ins have; enough for the default startup deadlines.
constexpr std::chrono::seconds kRecommendedStartTimeout{900};
// A start that systemd does not end.
constexpr Millis kNoTimeout = Millis::max();

// The unit of MariaDB, or of MySQL, that is installed: its name without
// aliases, "mysqld.service". Nothing when there is none.
std::optional<std::string> ServerUnit(FileSystem& files, bool is_mariadb);
// Debian's name, for a machine without a unit.
std::string DefaultServerUnit(bool is_mariadb);

// The service that a process belongs to, by its cgroup; nothing for one that
// systemd did not start.
std::optional<std::string> UnitOfProcess(FileSystem& files, int pid);

// When systemd ends a start of the unit: TimeoutStartSec or TimeoutSec of the
// unit's file and its drop-ins, the last one that is valid; 90 s when none is.
// Nothing when the unit has no file.
std::optional<Millis> StartTimeout(FileSystem& files, const std::string& unit);

// A time span: "900", "15min", "1min 30s", "infinity", "0" (no limit, as in
// TimeoutStartSec). Nothing when it is none.
std::optional<Millis> ParseStartTimeout(std::string_view text);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_SYSTEMD_UNIT_H_
