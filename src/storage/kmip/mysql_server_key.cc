// SPDX-License-Identifier: MIT
#include "storage/kmip/mysql_server_key.h"

#include <string_view>

namespace openkeyring {
namespace {

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

bool RemovePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

bool IsKeyOfServer(const KeyName& name, const std::string& server_uuid) {
  if (server_uuid.empty() || !name.auth_id.empty()) return false;
  std::string_view rest = name.data_id;
  if (RemovePrefix(rest, "INNODBKey-")) {
    return RemovePrefix(rest, server_uuid) && RemovePrefix(rest, "-") &&
           IsNumber(rest);
  }
  if (!RemovePrefix(rest, "MySQLReplicationKey_") ||
      !RemovePrefix(rest, server_uuid)) {
    return false;
  }
  if (rest.empty()) return true;
  return RemovePrefix(rest, "_") && (rest == "new" || rest == "old" ||
                                     rest == "last_purged" || IsNumber(rest));
}

}  // namespace openkeyring
