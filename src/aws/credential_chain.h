// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIAL_CHAIN_H_
#define OPENKEYRING_AWS_CREDENTIAL_CHAIN_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aws/credentials.h"
#include "aws/region_resolver.h"
#include "aws/settings.h"
#include "aws/world.h"

namespace openkeyring {

// Current credentials for the KMS client, kept fresh.
//
// The first source that does not say kNotFound wins; later refreshes ask the
// whole chain again, so that a changed file or token needs no restart. While
// credentials are valid, one caller refreshes them (from 15 minutes before
// their end on) and the others go on with the old ones; only from 10 minutes
// before their end does everybody wait for the refresh, and even then a failed
// refresh gives the old ones for as long as they are valid. A failed refresh is
// not repeated at once for every caller.
//
// Threads: all methods may be called at once. No lock is held during I/O.
class CredentialChain {
 public:
  CredentialChain(std::vector<std::unique_ptr<CredentialSource>> sources,
                  Clock& clock, Log& log);

  // Valid credentials. When there are none the error lists every source with
  // what it said: kMisconfigured when no source is configured, else the error
  // of the one that is.
  Result<std::shared_ptr<const Credentials>> Get(const Deadline& deadline);

  // AWS refused these credentials: unless they were already replaced, the next
  // Get asks the sources again.
  void Invalidate(const Credentials& refused);

  // The source in use, "" before the first success.
  std::string SourceName() const;

 private:
  enum class Age { kFresh, kAdvisory, kMandatory, kExpired };
  Age AgeOf(const Credentials& credentials) const;
  Result<std::shared_ptr<const Credentials>> AskSources(
      const Deadline& deadline);

  const std::vector<std::unique_ptr<CredentialSource>> sources_;
  Clock& clock_;
  Log& log_;
  mutable std::mutex mutex_;
  std::condition_variable refreshed_;
  bool refreshing_ = false;
  bool invalidated_ = false;
  std::shared_ptr<const Credentials> current_;
  Status last_error_;
  SteadyTime quiet_until_{};  // After a failed refresh.
  std::string source_name_;
};

// The chain of these options: explicit keys, else environment, profile (with
// assume role, web identity, process), web identity, container, IMDS; and the
// options' role on top. `region` is used for STS; borrowed like `world`.
std::unique_ptr<CredentialChain> MakeCredentialChain(
    AwsWorld world, const AwsOptions& options, const AwsSettings& settings,
    RegionResolver& region);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIAL_CHAIN_H_
