// SPDX-License-Identifier: MIT
// What AWS KMS says of the age of KMS keys, where that may be asked.
#include <algorithm>

#include "aws/arn.h"
#include "cli/commands/due_list.h"
#include "cli/commands/keyring_command.h"
#include "cli/product_options.h"

namespace openkeyring {
namespace {

constexpr char kKind[] = "kms-key";
constexpr std::chrono::hours kExpiresSoon{24 * 30};

std::string DateText(WallTime time) { return UtcText(time, "%Y-%m-%d"); }

class KmsKeys {
 public:
  KmsKeys(const DueAge& age, DueList& list) : age_(age), list_(list) {}

  void Add(KmsAccess& kms, const std::string& key_id) {
    KmsClient& client = kms.service->client();
    asked_.push_back(key_id);
    const auto key = client.DescribeKey(key_id, Soon(kms));
    if (!key) return Unknown(key_id, key.error());
    if (key->created) dates_[key->arn] = *key->created;
    asked_.push_back(key->arn);
    if (key->state.starts_with("Pending") && key->deletion) {
      Due(key->arn, "is pending deletion, on " + DateText(*key->deletion) +
                        ": every key that it wraps will be lost");
    }
    if (key->valid_to && *key->valid_to - age_.now < kExpiresSoon) {
      Due(key->arn,
          "its imported key material expires on " + DateText(*key->valid_to));
    }
    if (!key->created) {
      return Unknown(key->arn, {StatusCode::kCorrupt,
                                "AWS KMS did not say when it was created"});
    }
    if (age_.IsOver(*key->created)) AddMaterial(kms, *key);
  }

  bool WasAsked(const std::string& arn) const {
    return std::ranges::any_of(asked_, [&](const std::string& one) {
      return SameKmsKey(one, arn).value_or(false);
    });
  }

  void Unknown(const std::string& key, const Status& why) {
    list_.unknown.push_back({kKind, key, why.message()});
    if (why.IsTransient() && list_.no_answer.ok()) {
      list_.no_answer = why.WithContext("KMS key " + key);
    }
  }

  KmsKeyDates dates() && { return std::move(dates_); }

 private:
  Deadline Soon(const KmsAccess& kms) const {
    return Deadline::After(SystemClock(), kms.deadline);
  }

  void Due(const std::string& arn, std::string text) {
    list_.due.push_back({kKind, arn, std::move(text)});
  }

  // The key is old; is what it wraps with?
  void AddMaterial(KmsAccess& kms, const KmsKeyDescription& key) {
    KmsClient& client = kms.service->client();
    const auto rotated = client.LastRotation(key.arn, Soon(kms));
    if (!rotated) {
      return Unknown(key.arn, rotated.error().WithContext(
                                  "created on " + DateText(*key.created) +
                                  "; when it was rotated is unknown"));
    }
    const WallTime made = rotated->date.value_or(*key.created);
    if (!age_.IsOver(made)) return;
    Due(key.arn, "key material made " + AgeText(made, age_.now) + " ago, on " +
                     DateText(made) +
                     RotationText(client.RotationStatus(key.arn, Soon(kms))));
  }

  static std::string RotationText(const Result<KmsRotationStatus>& status) {
    if (!status) return "";
    if (!status->automatic) return "; automatic rotation is off";
    return "; automatic rotation is on" +
           (status->next ? ", next on " + DateText(*status->next) : "");
  }

  const DueAge& age_;
  DueList& list_;
  KmsKeyDates dates_;
  std::vector<std::string> asked_;
};

// The client that may ask for a KMS key that is not configured.
KmsAccess* AccessFor(std::vector<KmsAccess>& all, const std::string& arn) {
  for (KmsAccess& kms : all) {
    const std::string own = RegionOfKeyArn(kms.kms_key);
    if (RegionOfKeyArn(arn) == (own.empty() ? kms.settings.region : own)) {
      return &kms;
    }
  }
  return nullptr;
}

}  // namespace

KmsKeyDates AddKmsKeys(const Installation& installation,
                       const StoredKeyring& keyring, const DueAge& age,
                       Log& log, DueList& list) {
  KmsKeys keys(age, list);
  std::vector<KmsAccess> all;
  if (installation.is_configured) {
    auto opened = OpenEachKms(installation, PosixFileSystem(), log);
    if (!opened) {
      keys.Unknown("of the configuration", opened.error());
    } else {
      all = std::move(*opened);
    }
  }
  for (KmsAccess& kms : all) {
    if (!kms.kms_key.empty()) keys.Add(kms, kms.kms_key);
  }
  for (const std::string& arn : keyring.wrapping_keys) {
    if (keys.WasAsked(arn)) continue;
    if (KmsAccess* const kms = AccessFor(all, arn)) {
      keys.Add(*kms, arn);
    } else {
      keys.Unknown(arn, {StatusCode::kMisconfigured,
                         "it is not configured, and so not asked for"});
    }
  }
  return std::move(keys).dates();
}

}  // namespace openkeyring
