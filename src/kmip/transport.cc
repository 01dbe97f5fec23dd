// SPDX-License-Identifier: MIT
#include "kmip/transport.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

constexpr int kRounds = 2;
constexpr Millis kPauseBetweenRounds{100};

// One error of several servers' errors. An error that may pass wins: the others
// may be from servers that nobody uses any more.
Status Join(const Status& before, const Status& next) {
  if (before.ok()) return next;
  const StatusCode code = before.IsTransient() ? before.code() : next.code();
  if (before.message().find(next.message()) != std::string::npos) {
    return {code, before.message()};  // In an earlier round.
  }
  return {code, before.message() + "; " + next.message()};
}

// Appends to `into` until it has `size` bytes. Nothing is allocated because of
// a size that was announced, only as much as has come, doubled.
Status ReadUpTo(ByteStream& stream, size_t size, Secret& into,
                const Deadline& deadline) {
  constexpr size_t kStep = 65536;
  Secret buffer(std::min(size, kStep));
  while (into.size() < size) {
    const size_t wanted = std::min(size - into.size(), buffer.size());
    const Result<size_t> n =
        stream.Read(buffer.RevealMutable().first(wanted), deadline);
    if (!n) return n.error();
    if (*n == 0) {
      return {StatusCode::kUnavailable,
              into.empty() ? "the KMIP server closed the connection instead "
                             "of answering"
                           : "the KMIP server closed the connection in the "
                             "middle of an answer"};
    }
    into.Append(buffer.RevealBytes().first(*n));
  }
  return Status::Ok();
}

Status ReadMessage(ByteStream& stream, size_t max_size, Secret& response,
                   const Deadline& deadline) {
  Status status = ReadUpTo(stream, kTtlvHeadSize, response, deadline);
  if (!status.ok()) return status;
  const Result<size_t> size = TtlvMessageSize(
      response.RevealBytes(), KmipTag::kResponseMessage, max_size);
  // Like no answer: it says nothing about what is stored.
  if (!size) return {StatusCode::kUnavailable, size.error().message()};
  return ReadUpTo(stream, *size, response, deadline);
}

KmipClientOptions WithStatistics(KmipClientOptions options) {
  if (options.statistics == nullptr) {
    options.statistics = std::make_shared<CallStatisticsKeeper>();
  }
  return options;
}

}  // namespace

struct KmipTransport::Try {
  size_t server;
  std::span<const KmipCall> calls;
  Deadline deadline;
  StreamPool::Lease& lease;
  KmipDelivery result;
};

KmipTransport::KmipTransport(KmipClientOptions options,
                             StreamConnector& connector, Clock& clock, Log& log)
    : options_(WithStatistics(std::move(options))),
      clock_(clock),
      log_(log),
      servers_(options_.servers, clock, options_.max_batch),
      pool_(connector, clock, options_.pool) {}

KmipDelivery KmipTransport::Send(std::span<const KmipCall> calls,
                                 std::optional<size_t> server,
                                 const Deadline& deadline) {
  KmipDelivery delivery = Deliver(calls, server, deadline);
  options_.statistics->Outcome(delivery.status, clock_.Now());
  return delivery;
}

KmipDelivery KmipTransport::Deliver(std::span<const KmipCall> calls,
                                    std::optional<size_t> server,
                                    const Deadline& deadline) {
  const bool may_resend = std::ranges::all_of(calls, &KmipCall::idempotent);
  // Waited for once: that all connections are busy says nothing about a server.
  auto lease = pool_.Acquire(deadline);
  Status errors;
  if (!lease) {
    errors = {StatusCode::kTimeout,
              "no connection to a KMIP server came free in time (all " +
                  std::to_string(pool_.max_in_use()) + " busy)"};
  }
  for (int round = 0; lease && round < kRounds; ++round) {
    if (round > 0) {
      clock_.SleepFor(
          std::min(kPauseBetweenRounds, deadline.Remaining(clock_)));
    }
    const std::vector<size_t> order =
        server ? std::vector{*server} : servers_.Order();
    for (size_t i = 0; i < order.size() && !deadline.Passed(clock_); ++i) {
      if (!errors.ok()) options_.statistics->Retry();
      const Millis share = Share(deadline, order.size() - i);
      Try attempt{order[i], calls, deadline.Within(clock_, share), *lease, {}};
      SendTo(attempt, may_resend);
      KmipDelivery& result = attempt.result;
      Report(order[i], result.status, share);
      if (result.status.ok()) return std::move(result);
      errors = Join(errors, result.status);
      if (result.sent && !may_resend) {
        result.status = errors;
        return std::move(result);
      }
    }
    if (!errors.IsTransient()) break;
  }
  if (errors.ok()) {
    errors = {StatusCode::kTimeout, "no time left to ask a KMIP server"};
  }
  return {errors, false, std::nullopt, {}, {}, nullptr};
}

std::string KmipTransport::description() const {
  const std::lock_guard lock(mutex_);
  return description_;
}

// A server that hangs must leave time for the others.
Millis KmipTransport::Share(const Deadline& deadline, size_t servers) const {
  return std::min(deadline.Remaining(clock_) / static_cast<int>(servers),
                  options_.request_timeout);
}

void KmipTransport::SendTo(Try& attempt, bool may_resend) {
  SendOnce(attempt, false);
  const KmipDelivery& result = attempt.result;
  const bool is_other_version = result.status.ok() && !options_.version &&
                                result.response.items.size() == 1 &&
                                IsVersionRefusal(result.response.items[0]);
  if (is_other_version) {
    // The server, or another in its place, speaks another version than was
    // found out before. Nothing has been done.
    servers_.SetVersion(attempt.server, std::nullopt);
    options_.statistics->Retry();
    return SendOnce(attempt, false);
  }
  // A kept connection may have died unnoticed; that says nothing of the server.
  if (attempt.lease.was_kept() && !result.status.ok() &&
      result.status.code() != StatusCode::kTimeout &&
      (may_resend || !result.sent)) {
    pool_.Forget(servers_.endpoint(attempt.server));
    options_.statistics->Retry();
    SendOnce(attempt, true);
  }
}

void KmipTransport::SendOnce(Try& attempt, bool fresh) {
  const SteadyTime begin = clock_.Steady();
  options_.statistics->Request(servers_.endpoint(attempt.server).Text());
  SendOverConnection(attempt, fresh);
  options_.statistics->Waited(clock_.Steady() - begin);
}

void KmipTransport::SendOverConnection(Try& attempt, bool fresh) {
  KmipDelivery& result = attempt.result = {};
  const Result<KmipVersion> version = VersionOf(attempt);
  result.status = version.status();
  // Over the connection on which the version was negotiated, if it is open.
  if (version && !attempt.lease.is_connected()) {
    result.status = Connect(attempt, fresh);
  }
  if (result.status.ok()) {
    const KmipRequestOptions options = {
        *version, options_.max_response_size,
        next_item_.fetch_add(static_cast<uint32_t>(attempt.calls.size()))};
    KmipExchange exchange =
        Exchange(attempt, WriteKmipRequest(options, attempt.calls));
    result.sent = exchange.sent;
    if (exchange.sent) result.server = attempt.server;
    result.status = Receive(attempt, std::move(exchange), options);
  }
  attempt.lease.Close();  // Unless it was kept.
  if (!result.status.ok()) {
    result.status = WithName(attempt.server, result.status);
  }
}

// Reads the answer and decides about the connection.
Status KmipTransport::Receive(Try& attempt, KmipExchange exchange,
                              const KmipRequestOptions& request) {
  if (!exchange.status.ok()) return exchange.status;
  const StreamState state = attempt.lease.stream().State();
  if (state == StreamState::kUnread) {
    return {StatusCode::kUnavailable,
            "KMIP: there is more than one answer to what was asked"};
  }
  KmipDelivery& result = attempt.result;
  result.message = std::make_shared<const Secret>(std::move(exchange.response));
  Result<KmipResponse> response =
      ReadKmipResponse(result.message->RevealBytes());
  // Like no answer: it says nothing about what is stored.
  if (!response) return {StatusCode::kUnavailable, response.error().message()};
  result.response = std::move(*response);
  result.fit = MatchKmipResponse(request, attempt.calls, result.response);
  if (result.fit == KmipFit::kForeign ||
      (result.fit == KmipFit::kPartial && attempt.calls.size() == 1)) {
    return {StatusCode::kUnavailable,
            "KMIP: the answer is not one to what was asked"};
  }
  if (result.fit != KmipFit::kPartial && state == StreamState::kQuiet) {
    attempt.lease.Keep();
  }
  return Status::Ok();
}

Result<KmipVersion> KmipTransport::VersionOf(Try& attempt) {
  if (options_.version) return *options_.version;
  if (const auto known = servers_.Version(attempt.server)) return *known;
  // A new connection: that an old one is closed must not look like an answer.
  StreamPool::Lease& lease = attempt.lease;
  Result<KmipVersion> found =
      DiscoverKmipVersion([&](const Secret& request) -> KmipExchange {
        if (!lease.is_connected()) {
          Status connected = Connect(attempt, true);
          if (!connected.ok()) return {connected, false, {}};
        }
        KmipExchange done = Exchange(attempt, request);
        if (!done.status.ok() ||
            lease.stream().State() != StreamState::kQuiet) {
          lease.Close();
        }
        return done;
      });
  if (found) servers_.SetVersion(attempt.server, *found);
  return found;
}

Status KmipTransport::Connect(Try& attempt, bool fresh) {
  const Endpoint& endpoint = servers_.endpoint(attempt.server);
  Status status = attempt.lease.Connect(endpoint, fresh, attempt.deadline);
  if (status.ok() && !attempt.lease.was_kept()) {
    const std::lock_guard lock(mutex_);
    description_ = attempt.lease.stream().Description();
  }
  return status;
}

KmipExchange KmipTransport::Exchange(Try& attempt, const Secret& request) {
  KmipExchange exchange;
  ByteStream& stream = attempt.lease.stream();
  exchange.status = stream.Write(request.RevealBytes(), attempt.deadline);
  if (!exchange.status.ok()) return exchange;
  exchange.sent = true;
  exchange.status =
      ReadMessage(stream, static_cast<size_t>(options_.max_response_size),
                  exchange.response, attempt.deadline);
  return exchange;
}

Status KmipTransport::WithName(size_t server, const Status& status) const {
  const std::string name = servers_.endpoint(server).Text();
  const bool is_named = status.message().find(name) != std::string::npos;
  return status.WithContext(is_named ? "KMIP server" : "KMIP server " + name);
}

void KmipTransport::Report(size_t server, const Status& status, Millis share) {
  const std::string name = servers_.endpoint(server).Text();
  if (status.ok()) {
    if (servers_.RecordSuccess(server)) {
      log_.Write(LogLevel::kNote, "using KMIP server " + name);
    }
    return;
  }
  // That a caller had little time is not a verdict on the server.
  const bool had_time = share * 2 >= options_.request_timeout;
  if (status.code() == StatusCode::kTimeout && !had_time) {
    servers_.RecordNoVerdict(server, status);
    return;
  }
  const bool is_news = servers_.RecordFailure(server, status);
  pool_.Forget(servers_.endpoint(server));
  // With a single server the caller has the error, and reports it.
  log_.Write(
      is_news && servers_.size() > 1 ? LogLevel::kWarning : LogLevel::kDebug,
      "KMIP server " + name + " failed: " + status.message());
}

}  // namespace openkeyring
