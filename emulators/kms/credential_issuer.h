// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_CREDENTIAL_ISSUER_H_
#define OPENKEYRING_EMULATORS_KMS_CREDENTIAL_ISSUER_H_

#include <mutex>
#include <optional>
#include <string>

#include "emulators/kms/key_store.h"
#include "os/clock.h"
#include "os/random.h"

namespace kms_emulator {

// "2026-11-22T00:00:00Z"
std::string IsoTime(double epoch_seconds);

// `size` random characters of AWS's access key alphabet (A-Z, 2-7).
std::string RandomKeyText(openkeyring::Random& random, size_t size);

// Makes temporary credentials for STS, IMDS and the container endpoint, and
// puts them into the store, where signatures with them verify until they
// expire. Threads: all methods may be called concurrently.
class CredentialIssuer {
 public:
  CredentialIssuer(KeyStore& store, openkeyring::Random& random,
                   const openkeyring::Clock& clock)
      : store_(store), random_(random), clock_(clock) {}

  Outcome<AccessKey> Issue(const Role& role, const std::string& session,
                           double seconds);
  // From now on all credentials live that long (may be negative: issued
  // expired); nothing restores what callers ask for.
  void OverrideLifetime(std::optional<double> seconds);

 private:
  KeyStore& store_;
  openkeyring::Random& random_;
  const openkeyring::Clock& clock_;
  std::mutex mutex_;
  std::optional<double> lifetime_;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_CREDENTIAL_ISSUER_H_
