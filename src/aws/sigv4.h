// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_SIGV4_H_
#define OPENKEYRING_AWS_SIGV4_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/credentials.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/http.h"
#include "os/clock.h"

// AWS Signature Version 4, stage by stage (AWS General Reference, "Signing AWS
// API requests"). Pure functions: time and credentials are arguments. Where
// OpenSSL refuses a digest (see crypto/digest.h) there is an error and never a
// signature made of zeros.
namespace openkeyring {

// What is signed of a request. Names and values as sent; order does not matter.
struct SignableRequest {
  std::string method;
  std::string path = "/";  // As sent, still percent-encoded once.
  // Decoded names and values.
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<Header> headers;  // All of these are signed.
  std::string payload_sha256;   // Lower-case hex.
};

// Where a signature holds.
struct SigningScope {
  std::string region;
  std::string service;
};

// Lower-case hex of SHA-256.
Result<std::string> Sha256Hex(ByteView bytes);

// "yyyymmddThhmmssZ", UTC, whole seconds.
std::string AmzDate(WallTime time);

// "host;x-amz-date;...": lower case, sorted.
std::string SignedHeaderNames(const SignableRequest& request);

// Stage 1. Headers of one name are joined by commas in the order given; inner
// runs of spaces become one. Every path segment is percent-encoded once more,
// and "." and ".." segments are resolved, as for all services but S3.
std::string CanonicalRequest(const SignableRequest& request);

// "yyyymmdd/region/service/aws4_request"
std::string CredentialScope(std::string_view amz_date,
                            const SigningScope& scope);

// Stage 2.
Result<std::string> StringToSign(std::string_view amz_date,
                                 const SigningScope& scope,
                                 std::string_view canonical_request);

// Stage 3: the key for one day, region and service (32 bytes).
Result<Secret> SigningKey(const Secret& secret_access_key,
                          std::string_view amz_date, const SigningScope& scope);

// Stage 4: lower-case hex.
Result<std::string> Signature(const Secret& signing_key,
                              std::string_view string_to_sign);

// All stages: adds Host (what the URL says, which is what libcurl sends),
// X-Amz-Date, X-Amz-Security-Token (when there is one) and Authorization to
// the headers. Everything in `headers` is signed. `url` must parse.
Status SignRequest(HttpRequest& request, const Credentials& credentials,
                   const SigningScope& scope, WallTime now);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_SIGV4_H_
