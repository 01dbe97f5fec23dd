// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_SERVICE_ERROR_H_
#define OPENKEYRING_EMULATORS_KMS_SERVICE_ERROR_H_

#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace kms_emulator {

using Json = nlohmann::json;

// What a service answers instead of a result. Not a Status: the closed set of
// kinds there is ours, while here AWS's own names are the product.
struct ServiceError {
  std::string code;     // "DisabledException", as on the wire.
  std::string message;  // May be empty: then the answer has no message member.
  int http_status = 400;
};

template <typename T>
using Outcome = tl::expected<T, ServiceError>;
using Failure = tl::unexpected<ServiceError>;

inline Failure Fail(std::string code, std::string message = "",
                    int http_status = 400) {
  return Failure(
      ServiceError{std::move(code), std::move(message), http_status});
}

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_SERVICE_ERROR_H_
