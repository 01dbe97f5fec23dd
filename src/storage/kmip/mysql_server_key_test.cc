// SPDX-License-Identifier: MIT
#include "storage/kmip/mysql_server_key.h"

#include <gtest/gtest.h>

namespace openkeyring {
namespace {

const std::string kUuid = "ca43a29e-e8a9-11f1-b637-02fc00000001";
const std::string kOther = "ca43a29e-e8a9-11f1-b637-02fc00000002";

TEST(MysqlServerKey, TheServersOwnNamesAreKnown) {
  for (const std::string& id :
       {"INNODBKey-" + kUuid + "-1", "MySQLReplicationKey_" + kUuid,
        "MySQLReplicationKey_" + kUuid + "_12",
        "MySQLReplicationKey_" + kUuid + "_new",
        "MySQLReplicationKey_" + kUuid + "_old",
        "MySQLReplicationKey_" + kUuid + "_last_purged"}) {
    EXPECT_TRUE(IsKeyOfServer({id, ""}, kUuid)) << id;
    EXPECT_FALSE(IsKeyOfServer({id, "a@b"}, kUuid)) << id;
    EXPECT_FALSE(IsKeyOfServer({id, ""}, kOther)) << id;
    EXPECT_FALSE(IsKeyOfServer({id, ""}, "")) << id;
  }
}

TEST(MysqlServerKey, AnyOtherNameWithAUuidIsNot) {
  for (const std::string& id :
       {std::string(kUuid), "k-" + kUuid, "INNODBKey-" + kUuid,
        "INNODBKey-" + kUuid + "-", "INNODBKey-" + kUuid + "-1x",
        "xINNODBKey-" + kUuid + "-1", "MySQLReplicationKey_" + kUuid + "_",
        std::string("INNODBKey--1"), "MySQLReplicationKey_" + kUuid + "_newer",
        std::string()}) {
    EXPECT_FALSE(IsKeyOfServer({id, ""}, kUuid)) << id;
  }
}

}  // namespace
}  // namespace openkeyring
