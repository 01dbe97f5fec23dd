// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_CREDENTIAL_CHAIN_H_
#define OPENKEYRING_AWS_CREDENTIALS_CREDENTIAL_CHAIN_H_

#include <memory>
#include <mutex>
#include <string>

#include "aws/credentials.h"
#include "aws/credentials/order.h"
#include "aws/dependencies.h"
#include "aws/region_resolver.h"
#include "aws/settings.h"
#include "os/single_flight.h"

namespace openkeyring {

// Current credentials for the KMS client, kept fresh.
//
// The first source that does not say kNotFound wins; later refreshes ask the
// whole chain again, so that a changed file or token needs no restart. While
// credentials are valid, one caller refreshes them (from 15 minutes before
// their end on) and the others go on with the old ones; only from 10 minutes
// before their end does everybody wait for the refresh, and even then a failed
// refresh gives the old ones for as long as they are valid. A failed refresh is
// not repeated at once for every caller: for 30 seconds the old ones do, or,
// when there are none, for 2 seconds the error. Credentials that are given out
// close to their end (a role of 15 minutes) are asked for again after half of
// what is left of them, at most 5 minutes. While
// credentials are valid, a refresh takes half of its caller's time at most.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class CredentialChain : public CredentialProvider {
 public:
  CredentialChain(CredentialSources sources, Clock& clock, Log& log);

  // Valid credentials. When there are none the error lists every source with
  // what it said: kMisconfigured when no source is configured, else the error
  // of the one that is.
  Result<std::shared_ptr<const Credentials>> Get(
      const Deadline& deadline) override;

  // Unless they were already replaced, the next Get asks the sources again.
  bool Replace(const Credentials& refused) override;

  // Asks the sources in their order, up to the first that is configured, as a
  // refresh does, and tells what each said. Changes nothing here.
  struct Answer {
    std::string source;
    Status status;
    std::optional<WallTime> expiration;
  };
  std::vector<Answer> AskEach(const Deadline& deadline) const;

  // The source in use, "" before the first success.
  std::string SourceName() const;
  // When the credentials in use end; nothing when they do not, or there are
  // none. Asks no source.
  std::optional<WallTime> Expiration() const;

 private:
  using Held = std::shared_ptr<const Credentials>;
  enum class Age { kFresh, kAdvisory, kMandatory, kExpired };

  // These expect mutex_ to be held.
  Age AgeOfCurrent() const;
  bool MustAsk(const Deadline& deadline) const;
  // The time that a refresh may take of a caller's.
  Deadline RefreshDeadline(const Deadline& deadline) const;
  Result<Held> WithoutAsking() const;
  // Both give a line for the log, which is not written under the lock.
  std::string Accept(FoundCredentials found, LogLevel& level);
  std::string RememberFailure(const Status& error, const Deadline& deadline,
                              LogLevel& level);

  // These expect it not to be held.
  Result<FoundCredentials> AskSources(const Deadline& deadline);
  Result<Held> Refresh(const Deadline& deadline);

  const CredentialSources sources_;
  Clock& clock_;
  Log& log_;
  SingleFlight<int, bool> refreshes_;  // Of one key; the outcome lies below.
  mutable std::mutex mutex_;
  Held current_;              // Null before the first success.
  bool invalidated_ = false;  // AWS refused current_.
  Status last_error_;
  SteadyTime quiet_until_{};  // No refresh before, unless AWS refused.
  std::string source_name_;
};

// The chain of these options: explicit keys, else environment, profile (with
// assume role, web identity, process), web identity, container, IMDS; and the
// options' role on top. `region` is used for STS; borrowed like `dependencies`.
std::unique_ptr<CredentialChain> MakeCredentialChain(
    AwsDependencies dependencies, const AwsOptions& options,
    const AwsSettings& settings, RegionResolver& region);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_CREDENTIAL_CHAIN_H_
