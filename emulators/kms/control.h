// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_CONTROL_H_
#define OPENKEYRING_EMULATORS_KMS_CONTROL_H_

#include <string>
#include <vector>

#include "emulators/kms/emulator.h"

namespace kms_emulator {

// Adds the access keys, roles and web identities of {"access_keys": [...],
// "roles": [...], "web_identities": [...]}. "expires_in_s" instead of "expires"
// counts from now. kInvalidArgument, and nothing changed, when something is
// wrong.
Status AddIdentities(KeyStore& store, const Json& json, double now);

// The control API (README.md): how a test or a person makes the emulator
// misbehave, and looks into it. JSON in and out. Threads: Handle may be called
// at once.
class Control {
 public:
  explicit Control(Emulator& emulator) : emulator_(emulator) {}
  Reply Handle(const HttpMessage& request);

 private:
  struct Call {
    std::string method;
    std::vector<std::string> path;  // Without empty parts.
    Json body;                      // An empty object when none was sent.
  };
  Result<Json> Dispatch(const Call& call);
  Result<Json> Counters(const Call& call);
  Result<Json> Faults(const Call& call);
  Result<Json> Latency(const Call& call);
  Result<Json> Availability(const Call& call);
  Result<Json> Clock(const Call& call);
  Result<Json> Keys(const Call& call);
  Result<Json> ListKeys();
  Result<Json> CreateKey(const Call& call);
  Result<Json> SetKeyState(const std::string& id, const Json& body);
  Result<Json> ForgetKey(const std::string& id);
  Result<Json> Identities(const Call& call);
  Result<Json> Imds(const Call& call);
  Result<Json> Sts(const Call& call);

  Emulator& emulator_;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_CONTROL_H_
