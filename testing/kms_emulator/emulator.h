// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_KMS_EMULATOR_EMULATOR_H_
#define OPENKEYRING_TESTING_KMS_EMULATOR_EMULATOR_H_

#include <atomic>
#include <set>
#include <string>

#include "testing/kms_emulator/auth.h"
#include "testing/kms_emulator/counters.h"
#include "testing/kms_emulator/emulator_clock.h"
#include "testing/kms_emulator/faults.h"
#include "testing/kms_emulator/kms_service.h"
#include "testing/kms_emulator/metadata_service.h"
#include "testing/kms_emulator/stop_signal.h"
#include "testing/kms_emulator/sts_service.h"

namespace kms_emulator {

// Everything behind the public port: finds the service that a request is for,
// verifies the signature, applies faults and latency, and puts the answer into
// the service's form. Threads: Handle may be called at once.
class Emulator {
 public:
  // `regions` must not be empty; the first is the instance's own.
  Emulator(KeyStore& store, openkeyring::Random& random,
           openkeyring::Clock& clock, const std::vector<std::string>& regions,
           MetadataSettings metadata_settings);

  Reply Handle(const HttpMessage& request);

  // For the control API.
  KeyStore& store;
  openkeyring::Random& random;
  EmulatorClock clock;
  Counters counters;
  FaultQueue faults;
  StopSignal stop;
  CredentialIssuer issuer;
  KmsService kms;
  StsService sts;
  MetadataService metadata;
  std::atomic<int64_t> latency_ms{0};

 private:
  // What a request is for.
  struct Route {
    std::string service;    // "kms", "sts", "imds", "container" or "".
    std::string operation;  // "Decrypt"
    std::string name;       // For counters: "Decrypt", "sts:AssumeRole" ...
  };
  // One request on its way.
  struct Exchange {
    const HttpMessage& request;
    Route route;
    openkeyring::WallTime now;
    std::string request_id;
  };

  Route FindRoute(const HttpMessage& request) const;
  Reply Answer(const Exchange& exchange);
  Reply AnswerKms(const Exchange& exchange);
  Reply AnswerSts(const Exchange& exchange);
  Reply Render(const Exchange& exchange, const ServiceError& error);
  void Stamp(const Exchange& exchange, const std::optional<Fault>& fault,
             Reply& reply) const;

  Authenticator kms_auth_;
  Authenticator sts_auth_;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_TESTING_KMS_EMULATOR_EMULATOR_H_
