// SPDX-License-Identifier: MIT
// What AppArmor and SELinux keep the server from.
#include "cli/checks/check.h"
#include "cli/setup_files.h"

namespace openkeyring {
namespace {

constexpr char kProfiles[] = "/sys/kernel/security/apparmor/profiles";
constexpr size_t kMaxText = 1 << 20;

// The AppArmor profile of a server's program, with local additions.
void CheckProfile(CheckRun& run, const std::string& name,
                  const std::string& path) {
  const std::string profile = "usr.sbin." + name;
  const std::string rules =
      TextOf(run.files, "/etc/apparmor.d/" + profile) +
      TextOf(run.files, "/etc/apparmor.d/local/" + profile);
  const std::string what = "the AppArmor profile of /usr/sbin/" + name;
  const std::string cure = "add to /etc/apparmor.d/local/" + profile + ": ";
  const std::string directory = DirectoryName(path);
  for (const std::string& rule : MissingRules(run.installation, rules)) {
    run.Warn(what + " has no rule for " + rule.substr(0, rule.find(' ')),
             cure + rule + " and reload it with apparmor_parser -r");
  }
  if (!path.empty() && directory != run.installation.data_directory &&
      rules.find(directory + "/") == std::string::npos) {
    run.Warn(what + " has no rule for " + directory,
             cure + directory + "/ r, " + directory +
                 "/** rwk, and reload it with apparmor_parser -r");
  }
  if (rules.find("network inet stream") == std::string::npos &&
      rules.find("abstractions/nameservice") == std::string::npos) {
    run.Warn(what + " may not allow connections to the key server",
             cure + "network inet stream, network inet6 stream,");
  }
}

// `path` may be "": no file.
void CheckSelinux(CheckRun& run, const std::string& path) {
  if (!path.empty() && !path.starts_with("/var/lib/mysql")) {
    run.Warn(
        "SELinux is enforcing, and " + path + " is not below /var/lib/mysql",
        "semanage fcontext -a -t mysqld_db_t '" + DirectoryName(path) +
            "(/.*)?' && restorecon -R " + DirectoryName(path));
  }
  if (TextOf(run.files, "/sys/fs/selinux/booleans/mysql_connect_any")
          .starts_with("0")) {
    run.Warn(
        "SELinux is enforcing, and mysql_connect_any is off: the server may "
        "not connect to the key server",
        "setsebool -P mysql_connect_any 1");
  }
}

}  // namespace

void CheckConfinement(CheckRun& run) {
  const std::string path = StoragePath(run);
  const Result<Bytes> profiles = run.files.ReadStart(kProfiles, kMaxText);
  const std::string loaded =
      profiles ? std::string(AsText(*profiles)) : std::string();
  bool confined = false;
  for (const char* name : {"mysqld", "mariadbd"}) {
    if (loaded.find("/usr/sbin/" + std::string(name) + " (enforce)") ==
        std::string::npos) {
      continue;
    }
    confined = true;
    CheckProfile(run, name, path);
  }
  if (TextOf(run.files, "/sys/fs/selinux/enforce").starts_with("1")) {
    confined = true;
    CheckSelinux(run, path);
  }
  if (!profiles && profiles.error().code() != StatusCode::kNotFound) {
    run.Skip("AppArmor: " + std::string(kProfiles) +
             " cannot be read by this user; as root, this check says whether a "
             "rule is missing");
  }
  if (!run.findings.empty()) return;
  run.Ok(confined ? "the rules allow what the keyring needs"
                  : "no rule of AppArmor or SELinux is enforced here");
}

}  // namespace openkeyring
