// SPDX-License-Identifier: MIT
#include "kmip/negotiation.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "kmip/messages.h"
#include "kmip/operations/discover_versions.h"

namespace openkeyring {
namespace {

// 1.0 comes last: a server of 1.1 takes it too, and then has no answer.
constexpr std::array<KmipVersion, 7> kAskedIn = {
    KmipVersion{1, 4}, KmipVersion{1, 1}, KmipVersion{1, 2}, KmipVersion{1, 3},
    KmipVersion{2, 1}, KmipVersion{2, 0}, KmipVersion{1, 0}};

Result<KmipVersion> Choose(const std::vector<KmipVersion>& theirs) {
  for (const KmipVersion& ours : kKmipVersions) {
    if (std::ranges::find(theirs, ours) != theirs.end()) return ours;
  }
  constexpr size_t kShown = 10;
  std::string text;
  for (const KmipVersion& version :
       std::span(theirs).first(std::min(theirs.size(), kShown))) {
    text += " " + version.Text();
  }
  return Status(StatusCode::kMisconfigured,
                "the KMIP server speaks none of our versions, only" + text);
}

// What an answer in `asked_in` says; nothing: ask in another version.
std::optional<Result<KmipVersion>> VersionFrom(const KmipResponse& response,
                                               KmipVersion asked_in) {
  if (response.items.empty()) return std::nullopt;
  const KmipResponseItem& item = response.items.front();
  if (IsVersionRefusal(item)) return std::nullopt;
  // 1.0 has no such operation, and some servers do not permit it.
  if (item.status != KmipResultStatus::kSuccess) return asked_in;
  const auto versions = ReadDiscoverVersions(item.payload);
  if (!versions) {
    return Status(StatusCode::kUnavailable, versions.error().message());
  }
  if (versions->empty()) return asked_in;
  return Choose(*versions);
}

// Some servers refuse a version that way.
bool WasClosed(const KmipExchange& exchange) {
  return exchange.sent && exchange.status.code() == StatusCode::kUnavailable;
}

}  // namespace

Result<KmipVersion> DiscoverKmipVersion(
    const std::function<KmipExchange(const Secret& request)>& exchange) {
  Status last(StatusCode::kMisconfigured,
              "the KMIP server refuses every version from 1.0 to 2.1");
  const KmipCall call =
      MakeDiscoverVersions({kKmipVersions.begin(), kKmipVersions.end()});
  for (const KmipVersion& version : kAskedIn) {
    const Secret request =
        WriteKmipRequest({version, 0, std::nullopt}, {&call, 1});
    KmipExchange done = exchange(request);
    // Once it may be a coincidence.
    if (WasClosed(done) && version == kAskedIn.front()) {
      done = exchange(request);
    }
    if (!done.status.ok()) {
      last = done.status;
      if (WasClosed(done)) continue;
      return last;
    }
    const auto response = ReadKmipResponse(done.response.RevealBytes());
    // Like no answer.
    if (!response) {
      return Status(StatusCode::kUnavailable, response.error().message());
    }
    if (const auto found = VersionFrom(*response, version)) return *found;
  }
  return last;
}

}  // namespace openkeyring
