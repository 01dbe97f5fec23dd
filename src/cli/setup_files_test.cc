// SPDX-License-Identifier: MIT
#include "cli/setup_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Files that are there, whatever they say.
class PresentFiles : public MapFileSystem {
 public:
  Result<FileInfo> Stat(const std::string& path) override {
    if (contents.contains(path)) return FileInfo{};
    return Status(StatusCode::kNotFound, "cannot stat " + path);
  }
};

class AccessRulesTest : public testing::Test {
 protected:
  AccessRulesTest() {
    installation_.server.program = "/usr/sbin/mysqld";
    installation_.plugin_directory = "/usr/lib/mysql/plugin";
    options_.keyring_directory = "/srv/keys";
    files_.contents["/etc/apparmor.d/usr.sbin.mysqld"] = "";
  }

  std::vector<std::string> RulesFor(Product product) {
    installation_.product = product;
    return AccessRules(installation_, options_, files_);
  }

  Installation installation_;
  SetupOptions options_;
  PresentFiles files_;
};

TEST_F(AccessRulesTest, AComponentNeedsItsManifestAndItsConfiguration) {
  const std::string where =
      "AppArmor: add to /etc/apparmor.d/local/usr.sbin.mysqld, then "
      "apparmor_parser -r /etc/apparmor.d/usr.sbin.mysqld";
  EXPECT_THAT(
      RulesFor(Product::kComponentKeyringKms),
      ElementsAre(where, "  /usr/sbin/mysqld.my r,",
                  "  /usr/lib/mysql/plugin/component_keyring_kms.cnf r,",
                  "  /srv/keys/ r,", "  /srv/keys/** rwk,"));
  EXPECT_THAT(
      RulesFor(Product::kComponentKeyringKmip),
      ElementsAre(where, "  /usr/sbin/mysqld.my r,",
                  "  /usr/lib/mysql/plugin/component_keyring_kmip.cnf r,"));
  EXPECT_THAT(RulesFor(Product::kKeyringAws),
              ElementsAre(where, "  /srv/keys/ r,", "  /srv/keys/** rwk,"));
}

TEST_F(AccessRulesTest, NothingIsSaidWhereThereIsNoProfile) {
  files_.contents.clear();
  EXPECT_THAT(RulesFor(Product::kComponentKeyringKms), IsEmpty());
}

class DropInLinesTest : public AccessRulesTest {
 protected:
  DropInLinesTest() { installation_.data_directory = "/srv/data"; }

  std::vector<std::string> LinesFor(Product product) {
    installation_.product = product;
    return DropInLines(installation_, options_, files_);
  }
};

TEST_F(DropInLinesTest, WithoutAUnitTheNamesAreDebians) {
  EXPECT_THAT(
      LinesFor(Product::kComponentKeyringKms),
      ElementsAre("systemd: add to /etc/systemd/system/mysql.service.d/"
                  "openkeyring.conf, then systemctl daemon-reload",
                  "  [Unit]", "  Wants=network-online.target",
                  "  After=network-online.target",
                  "  RequiresMountsFor=/srv/keys", "  [Service]",
                  "  LimitMEMLOCK=8M", "  TimeoutStartSec=900",
                  "  #LoadCredential=aws:/etc/openkeyring/aws-credentials",
                  "  #Environment=AWS_SHARED_CREDENTIALS_FILE=%d/aws"));
  EXPECT_THAT(
      LinesFor(Product::kKmipKeyManagement),
      ElementsAre("systemd: add to /etc/systemd/system/mariadb.service.d/"
                  "openkeyring.conf, then systemctl daemon-reload",
                  "  [Unit]", "  Wants=network-online.target",
                  "  After=network-online.target", "  [Service]",
                  "  LimitMEMLOCK=8M", "  TimeoutStartSec=900",
                  "  #LoadCredential=kmip-client.key:/etc/openkeyring/"
                  "kmip-client.key"));
}

TEST_F(DropInLinesTest, TheUnitsOfTheRpmsHaveAnotherName) {
  files_.contents["/usr/lib/systemd/system/mysqld.service"] = "";
  EXPECT_THAT(LinesFor(Product::kKeyringAws)[0],
              HasSubstr("/mysqld.service.d/"));
}

TEST_F(DropInLinesTest, ATimeoutThatIsLongEnoughStays) {
  std::string& unit =
      files_.contents["/usr/lib/systemd/system/mariadb.service"];
  const std::string line = "  TimeoutStartSec=900";
  for (const char* enough : {"900", "15min", "infinity", "0"}) {
    unit = std::string("[Service]\nTimeoutStartSec=") + enough;
    EXPECT_THAT(LinesFor(Product::kAwsKeyManagement), Not(Contains(line)));
  }
  unit = "[Service]\nTimeoutStartSec=899";
  EXPECT_THAT(LinesFor(Product::kAwsKeyManagement), Contains(line));
}

TEST_F(DropInLinesTest, AKeyringBelowTheDataIsMountedWithIt) {
  const std::string line = "  RequiresMountsFor=";
  options_.keyring_directory = "/srv/data/keys";
  EXPECT_THAT(LinesFor(Product::kKeyringAws),
              Not(Contains(HasSubstr("RequiresMountsFor"))));
  options_.keyring_directory = "/srv/data-keys";
  EXPECT_THAT(LinesFor(Product::kKeyringAws),
              Contains(line + options_.keyring_directory));
  installation_.data_directory = "";
  EXPECT_THAT(LinesFor(Product::kKeyringAws),
              Contains(line + options_.keyring_directory));
}

}  // namespace
}  // namespace openkeyring
