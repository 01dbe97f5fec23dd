// SPDX-License-Identifier: MIT
#include "cli/systemd_unit.h"

#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

constexpr char kUnit[] = "/usr/lib/systemd/system/mysql.service";

// Files and directories of a map, and links of another one.
class UnitFiles : public MapFileSystem {
 public:
  Result<std::string> ResolveLink(const std::string& path) override {
    return links.contains(path) ? links[path] : path;
  }
  Result<std::vector<std::string>> List(const std::string& place) override {
    std::vector<std::string> names;
    for (const auto& [path, text] : contents) {
      if (DirectoryName(path) == place) names.push_back(BaseName(path));
    }
    return names;
  }

  std::map<std::string, std::string> links;
};

TEST(ParseStartTimeoutTest, SpansOfSystemd) {
  EXPECT_EQ(ParseStartTimeout("900"), Millis(900000));
  EXPECT_EQ(ParseStartTimeout(" 15min "), Millis(900000));
  EXPECT_EQ(ParseStartTimeout("1min 30s"), Millis(90000));
  EXPECT_EQ(ParseStartTimeout("1h2m3s4ms"), Millis(3723004));
  EXPECT_EQ(ParseStartTimeout("1.5 hours"), Millis(5400000));
  EXPECT_EQ(ParseStartTimeout("1d"), Millis(86400000));
}

TEST(ParseStartTimeoutTest, ZeroAndInfinityAreNoLimit) {
  EXPECT_EQ(ParseStartTimeout("infinity"), kNoTimeout);
  EXPECT_EQ(ParseStartTimeout("0"), kNoTimeout);
  EXPECT_EQ(ParseStartTimeout("99999999999999w"), kNoTimeout);
}

TEST(ParseStartTimeoutTest, OtherTextIsNoSpan) {
  for (const char* text : {"", " ", "long", "5 parsecs", "-1", "s", "1min x",
                           "nan", "inf", "1min nan"}) {
    EXPECT_EQ(ParseStartTimeout(text), std::nullopt) << text;
  }
}

TEST(ServerUnitTest, TheNameOfTheUnitThatIsInstalled) {
  UnitFiles files;
  EXPECT_EQ(ServerUnit(files, true), std::nullopt);
  EXPECT_EQ(ServerUnit(files, false), std::nullopt);
  files.contents["/usr/lib/systemd/system/mysqld.service"] = "";
  EXPECT_EQ(ServerUnit(files, false), "mysqld.service");
  EXPECT_EQ(ServerUnit(files, true), std::nullopt);
  files.contents["/lib/systemd/system/mysql.service"] = "";
  EXPECT_EQ(ServerUnit(files, false), "mysql.service");
  files.contents["/etc/systemd/system/mariadb.service"] = "";
  EXPECT_EQ(ServerUnit(files, true), "mariadb.service");
}

TEST(ServerUnitTest, AnAliasLeadsToTheUnit) {
  UnitFiles files;
  files.contents[kUnit] = "";
  files.links[kUnit] = "/usr/lib/systemd/system/mysqld.service";
  EXPECT_EQ(ServerUnit(files, false), "mysqld.service");
  files.links[kUnit] = "/opt/units/mine";
  EXPECT_EQ(ServerUnit(files, false), "mysql.service");
}

TEST(UnitOfProcessTest, ByTheCgroup) {
  UnitFiles files;
  const std::string cgroup = "/proc/42/cgroup";
  EXPECT_EQ(UnitOfProcess(files, 42), std::nullopt);
  files.contents[cgroup] = "0::/system.slice/mysql.service\n";
  EXPECT_EQ(UnitOfProcess(files, 42), "mysql.service");
  files.contents[cgroup] =
      "1:name=systemd:/system.slice/mariadb.service\n0::/\n";
  EXPECT_EQ(UnitOfProcess(files, 42), "mariadb.service");
  for (const char* other :
       {"0::/\n", "0::/user.slice/user@0.service/app.slice/run-1.scope\n"}) {
    files.contents[cgroup] = other;
    EXPECT_EQ(UnitOfProcess(files, 42), std::nullopt) << other;
  }
}

class StartTimeoutTest : public testing::Test {
 protected:
  std::optional<Millis> Timeout() {
    return StartTimeout(files_, "mysql.service");
  }
  void DropIn(const std::string& directory, const std::string& name,
              const std::string& value) {
    files_.contents[directory + "/mysql.service.d/" + name] =
        "[Service]\nTimeoutStartSec=" + value + "\n";
  }

  UnitFiles files_;
};

TEST_F(StartTimeoutTest, AUnitWithoutAFileHasNone) {
  EXPECT_EQ(Timeout(), std::nullopt);
}

TEST_F(StartTimeoutTest, SystemdsDefaultWhereNoneIsSet) {
  files_.contents[kUnit] = "[Unit]\nTimeoutStartSec=5\n[Service]\nType=notify";
  EXPECT_EQ(Timeout(), Millis(90000));
}

TEST_F(StartTimeoutTest, OfTheUnit) {
  files_.contents[kUnit] =
      "[Service]\n#TimeoutStartSec=1\n TimeoutStartSec = "
      "600\nTimeoutStopSec=7\n"
      "[Install]\nTimeoutStartSec=8\n";
  EXPECT_EQ(Timeout(), Millis(600000));
  files_.contents[kUnit] = "[Service]\nTimeoutSec=infinity";
  EXPECT_EQ(Timeout(), kNoTimeout);
}

TEST_F(StartTimeoutTest, TheLastDropInThatIsValidCounts) {
  files_.contents[kUnit] = "[Service]\nTimeoutStartSec=600\n";
  DropIn("/usr/lib/systemd/system", "20-b.conf", "200");
  EXPECT_EQ(Timeout(), Millis(200000));
  DropIn("/etc/systemd/system", "10-a.conf", "100");
  EXPECT_EQ(Timeout(), Millis(200000));
  DropIn("/etc/systemd/system", "20-b.conf", "250");  // Hides the other one.
  EXPECT_EQ(Timeout(), Millis(250000));
  DropIn("/run/systemd/system", "30-c.conf", "long");
  DropIn("/run/systemd/system", "40-d.conf.disabled", "1");
  EXPECT_EQ(Timeout(), Millis(250000));
}

TEST_F(StartTimeoutTest, TheFirstDirectoryHasTheUnit) {
  files_.contents[kUnit] = "[Service]\nTimeoutStartSec=600\n";
  files_.contents["/etc/systemd/system/mysql.service"] =
      "[Service]\nTimeoutStartSec=60\n";
  EXPECT_EQ(Timeout(), Millis(60000));
}

}  // namespace
}  // namespace openkeyring
