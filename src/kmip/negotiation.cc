// SPDX-License-Identifier: MIT
#include "kmip/negotiation.h"

#include <algorithm>
#include <array>
#include <optional>
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
  std::string text;
  for (const KmipVersion& version : theirs) text += " " + version.Text();
  for (const KmipVersion& ours : kKmipVersions) {
    if (std::ranges::find(theirs, ours) != theirs.end()) return ours;
  }
  return Status(StatusCode::kMisconfigured,
                "the KMIP server speaks none of our versions, only" + text);
}

// What an answer in `asked_in` tells; nothing: ask in another version.
std::optional<Result<KmipVersion>> Judge(const KmipResponse& response,
                                         KmipVersion asked_in) {
  if (response.items.empty()) return std::nullopt;
  const KmipResponseItem& item = response.items.front();
  if (IsVersionRefusal(item)) return std::nullopt;
  const Status status = KmipItemStatus(KmipOperation::kDiscoverVersions, item);
  if (status.ok()) {
    const auto versions = ReadDiscoverVersions(item.payload);
    if (!versions) return versions.error();
    // It says nothing, but it spoke.
    if (versions->empty()) return asked_in;
    return Choose(*versions);
  }
  // 1.0 has no such operation; the version was taken all the same.
  if (item.reason == KmipResultReason::kOperationNotSupported) return asked_in;
  return status;
}

// Some servers refuse a version that way.
bool WasCut(const KmipExchange& exchange) {
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
    const Secret request = WriteKmipRequest({version, 0, {}}, {&call, 1});
    KmipExchange done = exchange(request);
    if (WasCut(done)) done = exchange(request);
    if (!done.status.ok()) {
      last = done.status;
      if (WasCut(done)) continue;
      return last;
    }
    const auto response = ReadKmipResponse(done.response.RevealBytes());
    if (!response) return response.error();
    if (const auto judged = Judge(*response, version)) return *judged;
  }
  return last;
}

}  // namespace openkeyring
