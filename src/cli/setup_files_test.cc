// SPDX-License-Identifier: MIT
#include "cli/setup_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

}  // namespace
}  // namespace openkeyring
