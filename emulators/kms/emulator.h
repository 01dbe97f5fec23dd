// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_EMULATOR_H_
#define OPENKEYRING_EMULATORS_KMS_EMULATOR_H_

#include <atomic>
#include <set>
#include <string>

#include "emulators/kms/auth.h"
#include "emulators/kms/emulator_clock.h"
#include "emulators/kms/faults.h"
#include "emulators/kms/kms_service.h"
#include "emulators/kms/metadata_service.h"
#include "emulators/kms/stop_signal.h"
#include "emulators/kms/sts_service.h"
#include "emulators/shared/counters.h"

namespace kms_emulator {

using emulators::Counters;
using emulators::Delivery;
using emulators::Header;
using emulators::HttpMessage;
using emulators::Reply;

// Everything behind the public port: finds the service that a request is for,
// verifies the signature, applies faults and latency, and puts the answer into
// the service's form. Threads: Handle may be called concurrently.
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

  EarlierAnswers earlier_;
  Authenticator kms_auth_;
  Authenticator sts_auth_;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_EMULATOR_H_
