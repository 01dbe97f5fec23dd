// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_METADATA_SERVICE_H_
#define OPENKEYRING_EMULATORS_KMS_METADATA_SERVICE_H_

#include <map>
#include <mutex>
#include <string>

#include "emulators/kms/credential_issuer.h"
#include "emulators/shared/http_message.h"

namespace kms_emulator {

using emulators::Delivery;
using emulators::HttpMessage;
using emulators::Reply;

// How the instance metadata and container endpoints behave; changed through
// the control API.
struct MetadataSettings {
  std::string region;
  std::string role;           // Whose credentials are handed out.
  bool v1 = false;            // GET without a token is answered.
  int token_status = 200;     // Else the PUT is refused so (403, 404, 503 ...).
  bool token_hangs = false;   // As with a hop limit that is too low.
  int get_status = 200;       // Else every GET is refused so.
  double lifetime_s = 21600;  // Of the credentials handed out.
  std::string container_path = "/container/creds";
  std::string container_authorization;  // Not empty: must be sent exactly.
};

// The EC2 instance metadata service, version 2 (and 1 when allowed), and the
// container credential endpoint of ECS and EKS Pod Identity.
//
// Threads: all methods may be called concurrently.
class MetadataService {
 public:
  MetadataService(const KeyStore& store, CredentialIssuer& issuer,
                  openkeyring::Random& random, const openkeyring::Clock& clock,
                  MetadataSettings settings)
      : store_(store),
        issuer_(issuer),
        random_(random),
        clock_(clock),
        settings_(std::move(settings)) {}

  // The name of what is asked ("imds:PutToken", "imds:GetCredentials",
  // "container:GetCredentials" ...), or "" when the path is not one of ours.
  std::string Classify(const HttpMessage& request) const;
  Reply Handle(const HttpMessage& request);

  // Sets what `json` names; kInvalidArgument for a wrong type. Tokens and
  // credentials handed out before are forgotten (not revoked).
  Status Configure(const Json& json);

 private:
  Reply PutToken(const HttpMessage& request, const MetadataSettings& settings);
  Reply Get(const HttpMessage& request, const MetadataSettings& settings);
  Reply Container(const HttpMessage& request, const MetadataSettings& settings);
  bool KnowsToken(const std::string& token);
  Outcome<AccessKey> CurrentCredentials(const MetadataSettings& settings);

  const KeyStore& store_;
  CredentialIssuer& issuer_;
  openkeyring::Random& random_;
  const openkeyring::Clock& clock_;
  mutable std::mutex mutex_;  // Guards all below.
  MetadataSettings settings_;
  std::map<std::string, double> tokens_;  // With their ends.
  AccessKey current_;  // Handed out again until half of its life has gone.
  double renew_at_ = 0;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_METADATA_SERVICE_H_
