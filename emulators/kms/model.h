// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_MODEL_H_
#define OPENKEYRING_EMULATORS_KMS_MODEL_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "emulators/kms/service_error.h"

// What the emulator remembers, as plain values. Key material and secret access
// keys are ordinary strings and bytes here, and lie readable in the state file:
// this program protects nothing and says so when it starts.
namespace kms_emulator {

using openkeyring::Bytes;
using openkeyring::ByteView;
using openkeyring::Result;
using openkeyring::Status;
using openkeyring::StatusCode;

// One generation of a KMS key. Rotation appends one; none is ever dropped, so
// that old ciphertext stays readable.
struct BackingKey {
  std::string id;             // 64 hex digits: AWS's KeyMaterialId.
  Bytes material;             // 32 bytes.
  double created = 0;         // Seconds since the epoch.
  std::string rotation_type;  // "ON_DEMAND", "AUTOMATIC"; "" for the first.
};

// A KMS key as one region sees it. Times are seconds since the epoch.
struct Key {
  std::string id;  // A UUID, or "mrk-" and 32 hex digits (multi-region).
  std::string region;
  std::string description;
  std::string state = "Enabled";  // AWS's KeyState names.
  std::string spec = "SYMMETRIC_DEFAULT";
  std::string usage = "ENCRYPT_DECRYPT";
  std::string primary_region;  // Of a multi-region key; else empty.
  double created = 0;
  double deletion = 0;       // When state is PendingDeletion.
  double rotation_next = 0;  // When automatic rotation is on; else 0.
  int rotation_days = 365;

  bool multi_region() const { return !primary_region.empty(); }
};

// What an identity may do. Operations are names like "Decrypt", or "*"; keys
// are key ids or "*". A missing allow list allows all; a deny always wins.
struct Policy {
  std::optional<std::vector<std::string>> allow_operations;
  std::optional<std::vector<std::string>> allow_keys;
  std::vector<std::string> deny_operations;
  std::vector<std::string> deny_keys;
};

// Credentials somebody may sign with.
struct AccessKey {
  std::string id;
  std::string secret;
  std::string session_token;  // Not empty: temporary, must be sent.
  double expires = 0;         // 0: never.
  std::string principal;      // ARN of the user or assumed role.
  Policy policy;
};

struct Role {
  std::string name;
  std::string external_id;  // Not empty: AssumeRole must name it.
  int max_seconds = 3600;
  Policy policy;  // Of the credentials issued for it.
};

// An accepted token of AssumeRoleWithWebIdentity.
struct WebIdentity {
  std::string token;
  std::string subject = "subject";
  double expires = 0;  // 0: never.
};

using RegionName = std::pair<std::string, std::string>;  // Region, then name.

struct State {
  std::string account;
  std::map<RegionName, Key> keys;  // By region and key id.
  // By key id: replicas of a multi-region key share their generations.
  std::map<std::string, std::vector<BackingKey>> material;
  std::map<RegionName, std::string> aliases;  // Region, "alias/x" -> key id.
  std::map<std::string, AccessKey> access_keys;
  std::map<std::string, Role> roles;
  std::map<std::string, WebIdentity> web_identities;
};

std::string KeyArn(const State& state, const Key& key);
std::string AliasArn(const State& state, const std::string& region,
                     const std::string& alias);

// The state file: one JSON object, documented in README.md.
Json ToJson(const State& state);
// kCorrupt when something is missing or of the wrong type.
Result<State> StateFromJson(const Json& json);

// Parts of it, in the form that the control API takes too. kInvalidArgument.
Result<Policy> PolicyFromJson(const Json& json);
Result<AccessKey> AccessKeyFromJson(const Json& json);
Result<Role> RoleFromJson(const Json& json);
Result<WebIdentity> WebIdentityFromJson(const Json& json);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_MODEL_H_
