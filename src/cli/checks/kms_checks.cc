// SPDX-License-Identifier: MIT
// What AWS KMS says of each key: credentials, its state, permissions.
#include <algorithm>

#include "base/encoding.h"
#include "cli/checks/check.h"
#include "os/environment.h"
#include "storage/sealed/sealed_header.h"

namespace openkeyring {
namespace {

constexpr char kGrant[] =
    "allow it in IAM and in the policy of the KMS key; the product's guide "
    "lists what is needed";

void Report(CheckRun& run, const std::string& what, const Status& status) {
  if (status.ok()) {
    run.Ok(what + " is allowed");
  } else if (status.code() == StatusCode::kDenied) {
    run.Fail(what + ": " + status.message(), kGrant, ExitCode::kUnreachable);
  } else {
    run.Fail(status, kGrant);
  }
}

// The variables of AWS tools that a process was started with. Values may be
// secret, and are compared only.
std::map<std::string, Secret> AwsVariablesOf(FileSystem& files,
                                             const std::string& process) {
  std::map<std::string, Secret> variables;
  const Result<Secret> all =
      files.ReadSecret("/proc/" + process + "/environ", 1 << 20);
  if (!all) return variables;
  std::string_view rest = all->RevealText();
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('\0'));
    const size_t equals = one.find('=');
    if (one.starts_with("AWS_") && equals != one.npos) {
      variables[std::string(one.substr(0, equals))] =
          Secret::CopyOf(one.substr(equals + 1));
    }
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
  }
  return variables;
}

void WarnOfOtherEnvironment(CheckRun& run) {
  const int pid = run.installation.server.pid;
  if (pid == 0 || !run.uses_kms()) return;
  std::string names;
  for (const auto& [name, value] :
       AwsVariablesOf(run.files, std::to_string(pid))) {
    const Secret ours =
        Secret::CopyOf(ProcessEnvironment().Get(name).value_or(""));
    if (!value.Equals(ours)) names += (names.empty() ? "" : ", ") + name;
  }
  if (names.empty()) return;
  run.Warn("the server was started with another value of " + names +
               " than this user has, so that it may use other credentials",
           "give keyringctl the variables of the server's systemd unit");
}

void CheckCredentialsOf(CheckRun& run, KmsAccess& kms) {
  bool found = false;
  for (const auto& answer : kms.service->credentials().AskEach(run.Soon())) {
    const bool has_none = answer.status.code() == StatusCode::kNotFound;
    found |= !has_none;
    if (answer.status.ok()) {
      run.Ok(answer.source + " gives credentials" +
             (answer.expiration
                  ? " until " + UtcText(*answer.expiration) + " UTC"
                  : ", which do not expire"));
    } else if (has_none) {
      run.Skip(answer.source + ": " + answer.status.message());
    } else {
      run.Fail(answer.source + ": " + answer.status.message(),
               "correct this source, or remove it so that the next one is "
               "asked",
               ExitCodeOf(answer.status));
    }
  }
  if (!found) {
    run.Fail("no source has AWS credentials for this user",
             "run keyringctl as the server's user with the server's AWS "
             "variables; docs/aws.md lists the sources",
             ExitCode::kUsage);
  }
}

void CheckStateOf(CheckRun& run, KmsAccess& kms) {
  if (kms.kms_key.empty()) {
    return run.Warn(
        "no KMS key is configured: stored keys can be read, and "
        "none made",
        "set the option for the KMS key");
  }
  const auto key = kms.service->client().DescribeKey(kms.kms_key, run.Soon());
  if (!key && key.error().code() == StatusCode::kDenied) {
    return run.Skip("kms:DescribeKey is not allowed: " + key.error().message());
  }
  if (!key) {
    return run.Fail(key.error(),
                    "compare region and KMS key with the key's ARN");
  }
  if (key->state == "PendingDeletion") {
    return run.Fail(key->arn +
                        " is pending deletion: every key that it wraps "
                        "will be lost",
                    "aws kms cancel-key-deletion --key-id " + key->arn +
                        " && aws kms enable-key --key-id " + key->arn);
  }
  if (!key->enabled) {
    return run.Fail(key->arn + " is " + key->state,
                    "aws kms enable-key --key-id " + key->arn);
  }
  // Servers other than AWS leave out what they have one kind of.
  const auto is_other = [](const std::string& said, const char* wanted) {
    return !said.empty() && said != wanted;
  };
  if (is_other(key->usage, "ENCRYPT_DECRYPT") ||
      is_other(key->spec, "SYMMETRIC_DEFAULT")) {
    return run.Fail(key->arn + " is not a symmetric encryption key (" +
                        key->spec + ", " + key->usage + ")",
                    "create a KMS key of the default kind");
  }
  run.Ok(key->arn + " is enabled");
}

// The slots that it opens, or should: those of this key. An only key that has
// none is tried by a start with those of other keys, of which one is enough.
std::vector<KeySlot> SlotsOf(CheckRun& run, const KmsAccess& kms) {
  std::vector<KeySlot> own, others, opening;
  if (run.slots() == nullptr) return own;
  for (const CheckedSlot& one : *run.slots()) {
    const KeySlot& slot = one.status.slot;
    if (slot.kind != SlotKind::kAwsKms || slot.number == 0) continue;
    (one.kms_key == kms.name ? own : others).push_back(slot);
    if (one.opens) opening.push_back(slot);
  }
  if (!own.empty() || run.kms_keys().size() > 1) return own;
  return opening.empty() ? others : opening;
}

void CheckMayUnwrap(CheckRun& run, KmsAccess& kms) {
  const auto header = run.pre ? std::nullopt : SealedHeaderOf(run);
  if (!header) return;
  for (const KeySlot& slot : SlotsOf(run, kms)) {
    const auto bound = ContextOf(slot, header->header.context);
    if (!bound) continue;
    Report(run, "kms:Decrypt with " + slot.maker,
           kms.service->client().MayUnwrap({slot.blob, slot.maker}, *bound,
                                           run.Soon()));
  }
}

void CheckPermissionsOf(CheckRun& run, KmsAccess& kms) {
  KmsClient& client = kms.service->client();
  const EncryptionContext context = {
      {"openkeyring:product", ProductName(run.installation.product)}};
  const StoredKeyring* keyring = run.pre ? nullptr : run.keyring();
  const bool json = keyring != nullptr && keyring->slots.empty() &&
                    run.installation.product == Product::kComponentKeyringKms;
  if (kms.kms_key.empty()) {
    run.Skip("no KMS key is configured");
  } else if (json) {
    Report(run, "kms:Encrypt", client.MayWrap({}, run.Soon()));
  } else {
    Report(run, "kms:GenerateDataKeyWithoutPlaintext",
           client.MayGenerate(context, run.Soon()));
  }
  CheckMayUnwrap(run, kms);
}

}  // namespace

void CheckCredentials(CheckRun& run) {
  WarnOfOtherEnvironment(run);
  if (!run.uses_kms()) return run.Skip("the key server is not AWS KMS");
  if (run.kms_keys().empty()) {
    return run.Skip("the configuration is not complete");
  }
  run.ForEachKmsKey(CheckCredentialsOf);
}

void CheckKmsKey(CheckRun& run) {
  if (run.kms_keys().empty()) return run.Skip("the key server is not AWS KMS");
  run.ForEachKmsKey(CheckStateOf);
}

void CheckKmsPermissions(CheckRun& run) {
  if (run.kms_keys().empty()) return run.Skip("the key server is not AWS KMS");
  run.ForEachKmsKey(CheckPermissionsOf);
}

}  // namespace openkeyring
