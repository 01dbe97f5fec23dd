// SPDX-License-Identifier: MIT
#include "emulators/kms/credential_issuer.h"

#include "aws/sigv4.h"
#include "base/encoding.h"
#include "emulators/kms/kms_service.h"

namespace kms_emulator {
namespace {

constexpr size_t kTokenBytes = 336;
constexpr double kKeepExpired = 3600;  // They are told apart from unknown ones.

void DropLongExpired(State& state, double now) {
  std::erase_if(state.access_keys, [&](const auto& item) {
    const AccessKey& key = item.second;
    return key.expires > 0 && key.expires + kKeepExpired < now;
  });
}

}  // namespace

std::string IsoTime(double epoch_seconds) {
  const openkeyring::WallTime time{
      std::chrono::seconds(static_cast<int64_t>(epoch_seconds))};
  std::string text = openkeyring::AmzDate(time);  // yyyymmddThhmmssZ
  text.insert(4, "-").insert(7, "-").insert(13, ":").insert(16, ":");
  return text;
}

std::string RandomKeyText(openkeyring::Random& random, size_t size) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  Bytes bytes(size);
  (void)random.Fill(bytes);
  std::string text;
  for (const uint8_t byte : bytes) text += kAlphabet[byte % kAlphabet.size()];
  return text;
}

Outcome<AccessKey> CredentialIssuer::Issue(const Role& role,
                                           const std::string& session,
                                           double seconds) {
  {
    std::lock_guard lock(mutex_);
    seconds = lifetime_.value_or(seconds);
  }
  Bytes token(kTokenBytes);
  Bytes secret(30);
  for (Bytes* bytes : {&token, &secret}) {
    const Status status = random_.Fill(*bytes);
    if (!status.ok()) return Fail("InternalFailure", status.ToString(), 500);
  }
  AccessKey key;
  key.id = "ASIA" + RandomKeyText(random_, 16);
  key.secret = openkeyring::Base64Encode(secret);
  key.session_token = openkeyring::Base64Encode(token);
  const double now = EpochSeconds(clock_.Now());
  key.expires = now + seconds;
  key.policy = role.policy;
  return store_.Update([&](State& state) -> Outcome<AccessKey> {
    DropLongExpired(state, now);
    key.principal = "arn:aws:sts::" + state.account + ":assumed-role/" +
                    role.name + "/" + session;
    state.access_keys[key.id] = key;
    return key;
  });
}

void CredentialIssuer::OverrideLifetime(std::optional<double> seconds) {
  std::lock_guard lock(mutex_);
  lifetime_ = seconds;
}

}  // namespace kms_emulator
