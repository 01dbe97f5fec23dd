// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_DEPENDENCIES_H_
#define OPENKEYRING_AWS_DEPENDENCIES_H_

#include "aws/aws_clock.h"
#include "aws/retry.h"
#include "base/log.h"
#include "net/http.h"
#include "os/environment.h"
#include "os/file_system.h"
#include "os/process.h"
#include "os/random.h"

namespace openkeyring {

// Everything outside that the AWS side touches, of the calls under one KMS key.
// Borrowed: all of it outlives what is built on it.
struct AwsDependencies {
  HttpClient& http;
  AwsClock& clock;
  Environment& environment;
  FileSystem& files;
  ProcessRunner& processes;
  Random& random;
  Log& log;
  RetryQuota& retry_quota;  // One for KMS and STS.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_DEPENDENCIES_H_
