// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_CHECKS_CHECK_H_
#define OPENKEYRING_CLI_CHECKS_CHECK_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/installation.h"
#include "cli/interruption.h"
#include "cli/output.h"
#include "cli/product_options.h"
#include "cli/running_server.h"
#include "cli/server_login.h"
#include "cli/stored_keyring.h"
#include "storage/sealed/sealed_file_slots.h"

// The doctor: checks as data, apart from how they are printed. Each has an id
// that never changes and is an anchor in docs/errors.md.
namespace openkeyring {

// In rising order: the worst of several is what counts.
enum class CheckState { kOk, kSkipped, kWarning, kFailed };
const char* StateName(CheckState state);

// One thing that a check found.
struct Finding {
  CheckState state = CheckState::kOk;
  std::string text;
  std::string hint;  // What to do; "" when nothing is.
  ExitCode code = ExitCode::kProblems;
  std::string kms_key;  // Of several configured ones; "" when of none.
};

// One key slot of a sealed file, or a configured key without one.
struct CheckedSlot {
  SlotStatus status;    // kStale also for one that opens.
  bool opens = false;   // The file, just now.
  std::string kms_key;  // The configured one that it belongs to; "" for none.
};

class CheckRun;

struct CheckSpec {
  const char* id;
  const char* title;
  bool before_install;  // Also makes sense with --pre.
  void (*run)(CheckRun& run);
};

// In the order in which they run; later ones use what earlier ones found.
const std::vector<CheckSpec>& AllChecks();

struct CheckResult {
  const CheckSpec* spec;
  std::vector<Finding> findings;
  // Of the check that compares a running server with what is stored.
  std::optional<ServerComparison> comparison = std::nullopt;
  CheckState state() const;  // The worst one; kSkipped when there is none.
};

// What checks work with and what they leave for others. Reads only. Threads:
// one object is not synchronized.
class CheckRun {
 public:
  // All but the login borrowed.
  CheckRun(const Installation& on, FileSystem& file_system, Output& output,
           Interruption& interrupt, bool before_install,
           ServerLogin server_login = {})
      : installation(on),
        files(file_system),
        out(output),
        interruption(interrupt),
        pre(before_install),
        login(std::move(server_login)) {}

  void Ok(std::string text) { Add(CheckState::kOk, std::move(text), ""); }
  void Skip(std::string why) { Add(CheckState::kSkipped, std::move(why), ""); }
  void Warn(std::string text, std::string hint,
            ExitCode code = ExitCode::kProblems) {
    Add(CheckState::kWarning, std::move(text), std::move(hint), code);
  }
  void Fail(std::string text, std::string hint,
            ExitCode code = ExitCode::kProblems) {
    Add(CheckState::kFailed, std::move(text), std::move(hint), code);
  }
  void Fail(const Status& status, std::string hint) {
    Fail(status.message(), std::move(hint), ExitCodeOf(status));
  }
  // Of what no other key or server makes up for: a start has no keyring.
  void FailStart(std::string text, std::string hint,
                 ExitCode code = ExitCode::kProblems) {
    start_fails = true;
    Fail(std::move(text), std::move(hint), code);
  }

  // Whether the check that runs has found a failure.
  bool HasFailed() const;

  // A check that is not made.
  void LeaveOut(std::string_view id);

  bool uses_kms() const;
  // One for each configured KMS key, opened at the first use; none when the
  // configuration does not allow it, or when AWS KMS is not used.
  std::vector<KmsAccess>& kms_keys();
  // Why there is none, where there should be one.
  Status kms_status();
  // Runs it for each of them; what it finds is of that key.
  void ForEachKmsKey(void (*check)(CheckRun& run, KmsAccess& kms));
  // After a check: of several KMS keys each finding gets the name of its own,
  // and a failure is a warning where another KMS key makes up for it. It does
  // when it opens the sealed file; where there is none, when this check has
  // nothing against it.
  void JoinKmsKeys();
  // Of the sealed file that is configured, each opened, once; null for other
  // files, before the installation, and when it cannot be read.
  const std::vector<CheckedSlot>* slots();
  KmipServiceOptions* kmip();
  // What is stored, listed once; null when it cannot be listed.
  const StoredKeyring* keyring();
  KeyringReader* reader();
  // How long one question to a key server may take.
  Deadline Soon() const;

  const Installation& installation;
  FileSystem& files;
  Output& out;
  Interruption& interruption;
  const bool pre;
  const ServerLogin login;  // To a server that runs; mostly not given.

  std::vector<Finding> findings;  // Of the check that runs.
  std::string kms_key;            // What is found now is of this one.
  // What the check of the keys found, for the last line.
  std::optional<size_t> readable_keys;
  bool keys_failed = false, by_local_file = false;
  bool start_fails = false;     // Whatever the keys are.
  bool no_keyring_yet = false;  // The first start makes it.
  std::string left_out;         // Of the checks that stop a start: "a, b".
  // What the server that runs said; nothing when it was not asked.
  std::optional<RunningServer> running;
  std::optional<ServerComparison> comparison;

 private:
  void Add(CheckState state, std::string text, std::string hint,
           ExitCode code = ExitCode::kProblems) {
    findings.push_back(
        {state, std::move(text), std::move(hint), code, kms_key});
  }
  bool AnotherWorks(const std::string& failing,
                    const std::set<std::string>& failed);

  bool kms_tried_ = false, kmip_tried_ = false, listed_ = false;
  bool slots_tried_ = false;
  Status kms_status_;
  std::vector<KmsAccess> kms_;
  std::optional<std::vector<CheckedSlot>> slots_;
  std::optional<KmipServiceOptions> kmip_;
  std::unique_ptr<KeyringReader> reader_;
  std::optional<StoredKeyring> keyring_;
};

// The checks, by what they look at.
void CheckConfiguration(CheckRun& run);
void CheckLoading(CheckRun& run);      // Manifest, or options.
void CheckLibrary(CheckRun& run);      // The .so in the plugin directory.
void CheckPermissions(CheckRun& run);  // Owners and modes.
// Its first part: of what a start reads, what the server's user may not read.
void CheckServerAccess(CheckRun& run);
void CheckConfinement(CheckRun& run);  // AppArmor, SELinux.
void CheckLockedMemory(CheckRun& run);
void CheckStartTimeout(CheckRun& run);  // Of the systemd unit.
void CheckCredentials(CheckRun& run);
void CheckNames(CheckRun& run);  // DNS.
void CheckConnections(CheckRun& run);
void CheckTls(CheckRun& run);
void CheckClock(CheckRun& run);
void CheckKmsKey(CheckRun& run);
void CheckKmsPermissions(CheckRun& run);
void CheckSlots(CheckRun& run);
void CheckCertificates(CheckRun& run);
// Its two halves. Nothing where AWS KMS is used.
void CheckCertificateFiles(CheckRun& run);
void CheckPrivateKey(CheckRun& run);
void CheckKmipServers(CheckRun& run);
void CheckKmipGroup(CheckRun& run);
void CheckFiles(CheckRun& run);
// A part of it, for a keyring file or a directory that is not there.
void CheckMissingFile(CheckRun& run, const std::string& path);
void CheckKeys(CheckRun& run);
void CheckStart(CheckRun& run);
void CheckServer(CheckRun& run);      // One that runs, with a login.
void CheckServerKeys(CheckRun& run);  // Its keys against what is stored.
void CheckInClear(CheckRun& run);     // What it keeps in clear.

// The hosts that the key server is asked at.
struct CheckedEndpoint {
  Endpoint endpoint;
  bool tls = true;
  std::string url, ca_file;  // Of KMS.
  std::string kms_key;       // Which is asked for there.
};

std::vector<CheckedEndpoint> EndpointsOf(CheckRun& run);

// Of the product that is checked.
std::string NameOf(const CheckRun& run);
// Nothing when it is not there, or may not be looked at.
std::optional<FileInfo> StatOf(FileSystem& files, const std::string& path);
// Its first MiB; "" when it cannot be read.
std::string TextOf(FileSystem& files, const std::string& path);

// Whether the user who owns the data directory may read a file. No only where
// it is certain: that user may be a member of the file's group, or an access
// control list may name it. Root's group has no servers in it, unless the data
// directory is of that group, too. Where the directory is not known, or is
// root's, whether somebody else may.
bool MayRead(const FileInfo& info, const std::optional<FileInfo>& data);

// Where the keys are kept, "" when that is not a file.
std::string StoragePath(CheckRun& run);

// The header of the configured sealed file; nothing for other files.
std::optional<ReadHeader> SealedHeaderOf(CheckRun& run);
// Opens each of its slots; nothing without such a file.
std::optional<std::vector<CheckedSlot>> OpenSlots(CheckRun& run);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_CHECKS_CHECK_H_
