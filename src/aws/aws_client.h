// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_AWS_CLIENT_H_
#define OPENKEYRING_AWS_AWS_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "aws/aws_error.h"
#include "aws/credentials.h"
#include "aws/dependencies.h"
#include "aws/region_resolver.h"
#include "aws/retry.h"
#include "aws/settings.h"
#include "net/call_statistics.h"

namespace openkeyring {

// Which service a client calls.
struct AwsService {
  std::string name;              // "kms": in host names and signatures.
  std::string title;             // "AWS KMS": in messages.
  std::string endpoint_url;      // An explicit one, or empty: by region.
  Millis attempt_timeout{5000};  // Bounds one exchange.
};

// One operation. All of it is borrowed for the time of the call.
struct AwsCall {
  std::string operation;  // For messages: "Decrypt".
  std::string key_id;     // The KMS key whose region it goes to; "" for any.
  // Puts headers and body into the request of one attempt.
  std::function<Status(HttpRequest& request)> write;
  // Takes the body of a 2xx answer apart. An error means that it is not an
  // answer of the service, and counts as no answer at all: proxies answer too,
  // and that says nothing about what is stored.
  std::function<Status(Secret& body)> read;
  CredentialProvider* credentials = nullptr;  // Null: the call is not signed.
  bool resend = true;  // False for what must not reach the service twice.
  // Whether it works only with a KMS key that is usable, and so tells whether
  // it is.
  bool uses_key = false;
};

// The call loop of all AWS services: signs, sends, classifies the answer and
// retries.
//
// Until the deadline, and up to the settings' number of attempts, transient
// failures are retried in the SDKs' standard mode (see RetryQuota). A clock
// that differs from AWS's is corrected once a call, and credentials that AWS
// refuses are replaced once a call. What must not be sent twice is repeated
// only after an answer that proves that nothing was done. With a deadline that
// reports throttling (a batch's), throttling is an error at once: kThrottled.
//
// Errors: see AwsErrorStatus and HttpClient; never kNotFound.
// Threads: all methods may be called concurrently. No lock is held during I/O.
class AwsClient {
 public:
  // `dependencies` and `region` are borrowed. `statistics` may be another
  // client's, to continue its counts; null begins new ones.
  AwsClient(AwsDependencies dependencies, AwsService service,
            const AwsSettings& settings, RegionResolver& region,
            std::shared_ptr<CallStatisticsKeeper> statistics = nullptr);

  Status Call(const AwsCall& call, const Deadline& deadline);

  const std::shared_ptr<CallStatisticsKeeper>& statistics() const {
    return statistics_;
  }

 private:
  struct Attempt;  // The state of one call in progress.

  Status CallUntilFinal(const AwsCall& call, const Deadline& deadline);
  Result<HttpResponse> SendOnce(const AwsCall& call, Attempt& attempt,
                                const Deadline& deadline);
  Status Sign(const AwsCall& call, Attempt& attempt, const std::string& region,
              HttpRequest& request, const Deadline& deadline);
  bool MayRepeat(const AwsCall& call, Attempt& attempt,
                 const Result<HttpResponse>& answer, const Deadline& deadline);
  void RecordKeyState(const AwsCall& call,
                      std::optional<WrappingKeyState> state);
  bool RepeatsAtOnce(const AwsCall& call, Attempt& attempt,
                     const AwsError& error);
  bool WaitForRetry(Attempt& attempt, int attempts, bool after_timeout,
                    std::optional<Millis> wish, const Deadline& deadline);
  std::string EndpointUrl(const std::string& region) const;

  AwsDependencies dependencies_;
  const AwsService service_;
  const AwsSettings settings_;
  RegionResolver& region_;
  const std::shared_ptr<CallStatisticsKeeper> statistics_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_AWS_CLIENT_H_
