// SPDX-License-Identifier: MIT
#include "cli/checks/check.h"

#include <algorithm>
#include <iterator>

namespace openkeyring {
namespace {

constexpr Millis kPatience{10000};

}  // namespace

const char* StateName(CheckState state) {
  switch (state) {
    case CheckState::kOk:
      return "ok";
    case CheckState::kSkipped:
      return "skipped";
    case CheckState::kWarning:
      return "warning";
    case CheckState::kFailed:
      return "failed";
  }
  return "";
}

CheckState CheckResult::state() const {
  if (findings.empty()) return CheckState::kSkipped;
  const auto worse = [](const Finding& a, const Finding& b) {
    return a.state < b.state;
  };
  const CheckState worst = std::ranges::max_element(findings, worse)->state;
  // What was looked at counts more than what was left out.
  const bool some_ok = std::ranges::any_of(
      findings,
      [](const Finding& finding) { return finding.state == CheckState::kOk; });
  return worst == CheckState::kSkipped && some_ok ? CheckState::kOk : worst;
}

const std::vector<CheckSpec>& AllChecks() {
  static const std::vector<CheckSpec> checks = {
      {"config", "configuration", true, CheckConfiguration},
      {"manifest", "the server loads the keyring", false, CheckLoading},
      {"library", "library", false, CheckLibrary},
      {"permissions", "owners and modes", false, CheckPermissions},
      {"confinement", "AppArmor and SELinux", true, CheckConfinement},
      {"memory-lock", "locked memory", true, CheckLockedMemory},
      {"start-timeout", "start timeout of systemd", true, CheckStartTimeout},
      {"credentials", "AWS credentials", true, CheckCredentials},
      {"dns", "name of the key server", true, CheckNames},
      {"tcp", "connection to the key server", true, CheckConnections},
      {"tls", "TLS of the key server", true, CheckTls},
      {"certificates", "client certificate", true, CheckCertificates},
      {"clock", "clock", true, CheckClock},
      {"kms-key", "KMS key", true, CheckKmsKey},
      {"kms-permissions", "permissions on the KMS key", true,
       CheckKmsPermissions},
      {"kmip-servers", "KMIP servers", true, CheckKmipServers},
      {"kmip-group", "object group and marker", false, CheckKmipGroup},
      {"files", "keyring files", false, CheckFiles},
      {"slots", "key slots", false, CheckSlots},
      {"keys", "keys", false, CheckKeys},
      {"server", "the running server", false, CheckServer},
      {"server-keys", "keys of the running server", false, CheckServerKeys},
      {"in-clear", "data in clear", false, CheckInClear},
      {"start", "would a start now find its keys?", false, CheckStart},
  };
  return checks;
}

std::string NameOf(const CheckRun& run) {
  return ProductName(run.installation.product);
}

std::optional<FileInfo> StatOf(FileSystem& files, const std::string& path) {
  const Result<FileInfo> info = files.Stat(path);
  if (!info) return std::nullopt;
  return *info;
}

std::string TextOf(FileSystem& files, const std::string& path) {
  constexpr size_t kMaxText = 1 << 20;
  const Result<Bytes> content = files.ReadStart(path, kMaxText);
  return content ? std::string(AsText(*content)) : "";
}

bool CheckRun::HasFailed() const {
  return std::ranges::any_of(findings, [](const Finding& finding) {
    return finding.state == CheckState::kFailed;
  });
}

void CheckRun::LeaveOut(std::string_view id) {
  // Those that call FailStart.
  constexpr std::string_view kStopStart[] = {"config", "manifest", "library",
                                             "permissions"};
  if (std::ranges::find(kStopStart, id) == std::end(kStopStart)) return;
  left_out += (left_out.empty() ? "" : ", ") + std::string(id);
}

bool CheckRun::uses_kms() const {
  return installation.product == Product::kComponentKeyringKms ||
         installation.product == Product::kKeyringAws ||
         installation.product == Product::kAwsKeyManagement;
}

std::vector<KmsAccess>& CheckRun::kms_keys() {
  if (uses_kms() && !kms_tried_) {
    kms_tried_ = true;
    auto opened = OpenEachKms(installation, files, out);
    kms_status_ = opened.status();
    if (opened) kms_ = std::move(*opened);
  }
  return kms_;
}

Status CheckRun::kms_status() {
  (void)kms_keys();
  return kms_status_;
}

void CheckRun::ForEachKmsKey(void (*check)(CheckRun& run, KmsAccess& kms)) {
  for (KmsAccess& kms : kms_keys()) {
    kms_key = kms.name;
    check(*this, kms);
  }
  kms_key.clear();
}

const std::vector<CheckedSlot>* CheckRun::slots() {
  if (!slots_tried_ && !pre && uses_kms()) {
    slots_tried_ = true;
    slots_ = OpenSlots(*this);
  }
  return slots_ ? &*slots_ : nullptr;
}

bool CheckRun::AnotherWorks(const std::string& failing,
                            const std::set<std::string>& failed) {
  if (const std::vector<CheckedSlot>* all = slots()) {
    return std::ranges::any_of(*all, [&](const CheckedSlot& slot) {
      return slot.opens && !slot.kms_key.empty() && slot.kms_key != failing;
    });
  }
  return std::ranges::any_of(kms_keys(), [&](const KmsAccess& kms) {
    return !failed.contains(kms.name);
  });
}

void CheckRun::JoinKmsKeys() {
  if (kms_keys().size() < 2) {
    for (Finding& finding : findings) finding.kms_key.clear();
    return;
  }
  std::set<std::string> failed;
  for (const Finding& finding : findings) {
    if (finding.state == CheckState::kFailed) failed.insert(finding.kms_key);
  }
  for (Finding& finding : findings) {
    if (finding.kms_key.empty()) continue;
    if (finding.state == CheckState::kFailed &&
        AnotherWorks(finding.kms_key, failed)) {
      finding.state = CheckState::kWarning;
    }
    if (!finding.text.starts_with(finding.kms_key + " ")) {
      finding.text = finding.kms_key + ": " + finding.text;
    }
  }
}

KmipServiceOptions* CheckRun::kmip() {
  if (uses_kms()) return nullptr;
  if (!kmip_tried_) {
    kmip_tried_ = true;
    if (installation.product == Product::kComponentKeyringKmip) {
      auto config = KmipComponentOptions(installation, files, out);
      if (config) kmip_ = std::move(config->kmip);
    } else {
      auto options = KmipVersionsOptionsOf(installation);
      if (options) kmip_ = std::move(options->kmip);
    }
  }
  return kmip_ ? &*kmip_ : nullptr;
}

KeyringReader* CheckRun::reader() {
  if (reader_ == nullptr) {
    auto opened = OpenForReading(installation, files, out);
    if (opened) reader_ = std::move(*opened);
  }
  return reader_.get();
}

const StoredKeyring* CheckRun::keyring() {
  if (!listed_ && reader() != nullptr) {
    listed_ = true;
    auto listed = reader()->List();
    if (listed) keyring_ = std::move(*listed);
  }
  return keyring_ ? &*keyring_ : nullptr;
}

Deadline CheckRun::Soon() const {
  return Deadline::After(SystemClock(), kPatience);
}

}  // namespace openkeyring
