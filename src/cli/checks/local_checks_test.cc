// SPDX-License-Identifier: MIT
// Confinement and locked memory, on machines that the test makes up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/checks/check.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kProfiles[] = "/sys/kernel/security/apparmor/profiles";
constexpr char kProfile[] = "/etc/apparmor.d/usr.sbin.mysqld";
constexpr char kLocal[] = "/etc/apparmor.d/local/usr.sbin.mysqld";
constexpr char kEnforce[] = "/sys/fs/selinux/enforce";
constexpr char kBoolean[] = "/sys/fs/selinux/booleans/mysql_connect_any";
constexpr char kLimits[] = "/proc/42/limits";

std::string Limits(const std::string& soft) {
  return "Limit                     Soft Limit           Hard Limit           "
         "Units     \n"
         "Max open files            1024                 1048576              "
         "files     \n"
         "Max locked memory         " +
         soft +
         "              unlimited            bytes     \n"
         "Max address space         unlimited            unlimited            "
         "bytes     \n";
}

class LocalChecksTest : public testing::Test {
 protected:
  LocalChecksTest() {
    installation_.product = Product::kComponentKeyringKms;
    installation_.path = "/srv/keys/keyring";
    installation_.data_directory = "/var/lib/mysql";
  }

  // "warning: text | hint" of each finding.
  std::vector<std::string> Run(void (*check)(CheckRun& run)) {
    Output out(data_, people_, in_, clock_, {});
    Interruption interruption;
    CheckRun run(installation_, files_, out, interruption, false);
    check(run);
    std::vector<std::string> found;
    for (const Finding& one : run.findings) {
      found.push_back(std::string(StateName(one.state)) + ": " + one.text +
                      " | " + one.hint);
    }
    return found;
  }

  std::ostringstream data_, people_;
  std::istringstream in_;
  ManualClock clock_;
  Installation installation_;
  MapFileSystem files_;
};

using ConfinementTest = LocalChecksTest;

TEST_F(ConfinementTest, NothingIsEnforcedWhereNeitherIsThere) {
  EXPECT_THAT(
      Run(CheckConfinement),
      ElementsAre("ok: no rule of AppArmor or SELinux is enforced here | "));
}

TEST_F(ConfinementTest, ProfilesThatOnlyRootMayReadAreNotGuessed) {
  files_.errors[kProfiles] = {StatusCode::kDenied, "not permitted"};
  EXPECT_THAT(
      Run(CheckConfinement),
      ElementsAre(HasSubstr("skipped: AppArmor: " + std::string(kProfiles) +
                            " cannot be read by this user")));
}

TEST_F(ConfinementTest, AProfileThatOnlyComplainsIsNotEnforced) {
  files_.contents[kProfiles] = "/usr/sbin/mysqld (complain)\n";
  EXPECT_THAT(Run(CheckConfinement), ElementsAre(HasSubstr("ok: no rule")));
}

TEST_F(ConfinementTest, AProfileWithoutRulesNamesBothLines) {
  files_.contents[kProfiles] = "/usr/sbin/mysqld (enforce)\n";
  files_.contents[kProfile] = "/usr/sbin/mysqld { /var/lib/mysql/** rwk, }";
  EXPECT_THAT(
      Run(CheckConfinement),
      ElementsAre(
          "warning: the AppArmor profile of /usr/sbin/mysqld has no rule for "
          "/srv/keys | add to /etc/apparmor.d/local/usr.sbin.mysqld: "
          "/srv/keys/ r, /srv/keys/** rwk, and reload it with "
          "apparmor_parser -r",
          "warning: the AppArmor profile of /usr/sbin/mysqld may not allow "
          "connections to the key server | add to "
          "/etc/apparmor.d/local/usr.sbin.mysqld: network inet stream, "
          "network inet6 stream,"));
}

TEST_F(ConfinementTest, RulesOfTheProfileAndOfItsLocalPartCount) {
  files_.contents[kProfiles] = "/usr/sbin/mysqld (enforce)\n";
  files_.contents[kProfile] = "network inet stream,";
  EXPECT_THAT(Run(CheckConfinement),
              ElementsAre(HasSubstr("no rule for /srv/keys")));
  files_.contents[kLocal] = "/srv/keys/ r,\n/srv/keys/** rwk,";
  EXPECT_THAT(Run(CheckConfinement),
              ElementsAre("ok: the rules allow what the keyring needs | "));
}

TEST_F(ConfinementTest, AProfileMustAllowManifestAndConfigurationOfAComponent) {
  installation_.plugin_directory = "/usr/lib/mysql/plugin";
  installation_.server.program = "/usr/sbin/mysqld";
  files_.contents[kProfiles] = "/usr/sbin/mysqld (enforce)\n";
  files_.contents[kProfile] =
      "network inet stream,\n/srv/keys/** rwk,\n/usr/sbin/mysqld mr,\n"
      "/usr/lib/mysql/plugin/*.so* mr,";
  EXPECT_THAT(
      Run(CheckConfinement),
      ElementsAre("warning: the AppArmor profile of /usr/sbin/mysqld has no "
                  "rule for /usr/sbin/mysqld.my | add to "
                  "/etc/apparmor.d/local/usr.sbin.mysqld: /usr/sbin/mysqld.my "
                  "r, and reload it with apparmor_parser -r",
                  HasSubstr("component_keyring_kms.cnf r, and reload")));
  files_.contents[kLocal] = "/usr/sbin/mysqld.my r,\n";
  EXPECT_THAT(Run(CheckConfinement),
              ElementsAre(HasSubstr("no rule for /usr/lib/mysql/plugin/"
                                    "component_keyring_kms.cnf")));
  files_.contents[kLocal] += "/usr/lib/mysql/plugin/*.cnf r,\n";
  EXPECT_THAT(Run(CheckConfinement), ElementsAre(HasSubstr("ok: the rules")));
  files_.contents[kLocal] =
      "/usr/sbin/mysqld.my r,\n"
      "/usr/lib/mysql/plugin/component_keyring_kms.cnf r,\n";
  EXPECT_THAT(Run(CheckConfinement), ElementsAre(HasSubstr("ok: the rules")));
}

TEST_F(ConfinementTest, APluginHasNoManifest) {
  installation_.product = Product::kKeyringAws;
  installation_.plugin_directory = "/usr/lib/mysql/plugin";
  installation_.server.program = "/usr/sbin/mysqld";
  files_.contents[kProfiles] = "/usr/sbin/mysqld (enforce)\n";
  files_.contents[kProfile] = "network inet stream,\n/srv/keys/** rwk,";
  EXPECT_THAT(Run(CheckConfinement), ElementsAre(HasSubstr("ok: the rules")));
}

TEST_F(ConfinementTest, TheNameServiceOfAProfileAllowsConnections) {
  files_.contents[kProfiles] = "/usr/sbin/mysqld (enforce)\n";
  files_.contents[kProfile] =
      "#include <abstractions/nameservice>\n/srv/keys/** rwk,";
  EXPECT_THAT(Run(CheckConfinement), ElementsAre(HasSubstr("ok: the rules")));
}

TEST_F(ConfinementTest, TheDataDirectoryNeedsNoRuleOfItsOwn) {
  files_.contents[kProfiles] = "/usr/sbin/mysqld (enforce)\n";
  files_.contents[kProfile] = "network inet stream,";
  installation_.path = "/var/lib/mysql/keyring";
  EXPECT_THAT(Run(CheckConfinement), ElementsAre(HasSubstr("ok: the rules")));
}

TEST_F(ConfinementTest, MariaDbHasAProfileOfItsOwn) {
  files_.contents[kProfiles] =
      "/usr/bin/man (enforce)\n/usr/sbin/mariadbd (enforce)\n";
  EXPECT_THAT(
      Run(CheckConfinement),
      ElementsAre(HasSubstr("profile of /usr/sbin/mariadbd has no rule"),
                  HasSubstr("profile of /usr/sbin/mariadbd may not allow")));
}

TEST_F(ConfinementTest, SelinuxNeedsALabelOutsideOfTheDataDirectory) {
  files_.contents[kEnforce] = "1";
  EXPECT_THAT(
      Run(CheckConfinement),
      ElementsAre("warning: SELinux is enforcing, and /srv/keys/keyring is not "
                  "below /var/lib/mysql | semanage fcontext -a -t mysqld_db_t "
                  "'/srv/keys(/.*)?' && restorecon -R /srv/keys"));
  installation_.path = "/var/lib/mysql-keyring/keyring";
  EXPECT_THAT(Run(CheckConfinement), ElementsAre(HasSubstr("ok: the rules")));
}

TEST_F(ConfinementTest, SelinuxNeedsASwitchForConnections) {
  installation_.path = "/var/lib/mysql-keyring/keyring";
  files_.contents[kEnforce] = "1";
  files_.contents[kBoolean] = "0 0";
  EXPECT_THAT(
      Run(CheckConfinement),
      ElementsAre("warning: SELinux is enforcing, and mysql_connect_any is "
                  "off: the server may not connect to the key server | "
                  "setsebool -P mysql_connect_any 1"));
  files_.contents[kBoolean] = "1 1";
  EXPECT_THAT(Run(CheckConfinement), ElementsAre(HasSubstr("ok: the rules")));
}

TEST_F(ConfinementTest, PermissiveSelinuxIsNotEnforced) {
  files_.contents[kEnforce] = "0";
  files_.contents[kBoolean] = "0 0";
  EXPECT_THAT(Run(CheckConfinement), ElementsAre(HasSubstr("ok: no rule")));
}

using LockedMemoryTest = LocalChecksTest;

TEST_F(LockedMemoryTest, AServerThatDoesNotRunHasNoLimit) {
  files_.contents[kLimits] = Limits("0");
  EXPECT_THAT(Run(CheckLockedMemory),
              ElementsAre("skipped: the server does not run | "));
}

TEST_F(LockedMemoryTest, LimitsThatCannotBeReadAreNotGuessed) {
  installation_.server.pid = 42;
  EXPECT_THAT(Run(CheckLockedMemory),
              ElementsAre("skipped: its limits cannot be read | "));
  files_.contents[kLimits] = "Max open files 1024 1024 files\n";
  EXPECT_THAT(Run(CheckLockedMemory), ElementsAre(HasSubstr("skipped: ")));
}

TEST_F(LockedMemoryTest, ALowLimitIsAWarningAndAHighOneIsNot) {
  installation_.server.pid = 42;
  files_.contents[kLimits] = Limits("65535");
  EXPECT_THAT(
      Run(CheckLockedMemory),
      ElementsAre("warning: the server may lock 65535 bytes of memory, so that "
                  "keys can reach the swap space | LimitMEMLOCK=8M in its "
                  "systemd unit"));
  files_.contents[kLimits] = Limits("0");
  EXPECT_THAT(Run(CheckLockedMemory), ElementsAre(HasSubstr("may lock 0 ")));
  files_.contents[kLimits] = Limits("65536");
  EXPECT_THAT(Run(CheckLockedMemory), ElementsAre("ok: 65536 bytes | "));
  files_.contents[kLimits] = Limits("unlimited");
  EXPECT_THAT(Run(CheckLockedMemory), ElementsAre("ok: unlimited | "));
}

class StartTimeoutCheckTest : public LocalChecksTest {
 protected:
  StartTimeoutCheckTest() {
    installation_.product = Product::kKmipKeyManagement;
    installation_.server.is_mariadb = true;
    installation_.is_configured = true;
    installation_.server.variables = {
        {"kmip_key_management_servers", "kmip.example.com"},
        {"kmip_key_management_server_ca", "/ca.pem"},
        {"kmip_key_management_client_cert", "/client.pem"},
        {"kmip_key_management_client_key", "/client.key"}};
  }
  void SetUnit(const std::string& line) {
    files_.contents[kMariaDbUnit] = "[Service]\n" + line + "\n";
  }
  void SetDeadline(const std::string& seconds) {
    installation_.server.variables["kmip_key_management_startup_deadline"] =
        seconds;
  }

  static constexpr char kMariaDbUnit[] =
      "/usr/lib/systemd/system/mariadb.service";
};

TEST_F(StartTimeoutCheckTest, WithoutAUnitNothingIsKnown) {
  EXPECT_THAT(Run(CheckStartTimeout),
              ElementsAre("skipped: no systemd unit of the server was found "
                          "| "));
  SetUnit("");
  installation_.server.pid = 42;
  EXPECT_THAT(Run(CheckStartTimeout),
              ElementsAre(HasSubstr("skipped: no systemd unit")));
  installation_.server.variables.clear();
  EXPECT_THAT(Run(CheckStartTimeout),
              ElementsAre("skipped: the startup deadline is not known | "));
}

TEST_F(StartTimeoutCheckTest, SystemdsDefaultIsEnoughForTheDefaultDeadline) {
  SetUnit("");
  EXPECT_THAT(Run(CheckStartTimeout),
              ElementsAre("ok: systemd lets a start of mariadb.service take 90 "
                          "s, and it waits up to 60 s for its keys | "));
  SetUnit("TimeoutStartSec=89");
  EXPECT_THAT(
      Run(CheckStartTimeout),
      ElementsAre("warning: systemd ends a start of mariadb.service after 89 "
                  "s, and it waits up to 60 s for its keys | "
                  "TimeoutStartSec=900 under [Service] in /etc/systemd/system/"
                  "mariadb.service.d/openkeyring.conf, then systemctl "
                  "daemon-reload"));
}

TEST_F(StartTimeoutCheckTest, ALongDeadlineNeedsAUnitWithoutALimit) {
  SetUnit("TimeoutStartSec=900");
  SetDeadline("870");
  EXPECT_THAT(Run(CheckStartTimeout), ElementsAre(HasSubstr("ok: systemd")));
  SetDeadline("871");
  EXPECT_THAT(Run(CheckStartTimeout),
              ElementsAre(HasSubstr("| TimeoutStartSec=infinity under")));
  SetUnit("TimeoutSec=infinity");
  EXPECT_THAT(Run(CheckStartTimeout),
              ElementsAre("ok: systemd does not limit a start of "
                          "mariadb.service | "));
}

TEST_F(StartTimeoutCheckTest, OfAServerThatRunsTheUnitThatStartedItCounts) {
  SetUnit("TimeoutStartSec=10");
  installation_.server.pid = 42;
  files_.contents["/proc/42/cgroup"] = "0::/system.slice/shop.service\n";
  files_.contents["/etc/systemd/system/shop.service"] = "[Service]";
  EXPECT_THAT(Run(CheckStartTimeout),
              ElementsAre(HasSubstr("ok: systemd lets a start of "
                                    "shop.service take 90 s")));
}

TEST_F(LockedMemoryTest, BothAreAmongTheChecks) {
  std::vector<std::string> ids;
  for (const CheckSpec& spec : AllChecks()) {
    if (spec.run == CheckConfinement || spec.run == CheckLockedMemory) {
      ids.emplace_back(spec.id);
    }
  }
  EXPECT_THAT(ids, ElementsAre("confinement", "memory-lock"));
}

}  // namespace
}  // namespace openkeyring
