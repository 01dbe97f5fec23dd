// SPDX-License-Identifier: MIT
#include "kmip/locate_all.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "kmip/operations/destroy.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/locate.h"
#include "kmip/operations/register.h"

namespace openkeyring {
namespace {

using Ids = std::vector<std::string>;

// What pages say of a list.
enum class PageProof {
  kNone,
  kEmptyPage,  // After the only one: the end, or a bound before the offset.
  kMorePages,  // Then an empty one: the bound comes after the offset.
};

// The last second of the year 9999.
constexpr KmipTime kEndOfTime{std::chrono::seconds(253402300799)};
constexpr std::chrono::seconds kSecond{1};
constexpr char kProbeNamespace[] = "openkeyring-probe";
constexpr KmipState kStates[] = {
    KmipState::kPreActive,   KmipState::kActive,
    KmipState::kDeactivated, KmipState::kCompromised,
    KmipState::kDestroyed,   KmipState::kDestroyedCompromised};

Status NotProven(size_t found) {
  return {StatusCode::kUnavailable,
          "the KMIP server gave " + std::to_string(found) +
              " such objects, and it is not certain that these are all: it "
              "may truncate its lists, and it does not page (KMIP 1.3 or later "
              "with Offset Items); raise the server's limit of Locate"};
}

// One search and what was learned of the server's bound.
class Search {
 public:
  Search(KmipSession& session, const KmipAttributes& attributes, size_t most,
         const Deadline& deadline)
      : session_(session), most_(most), deadline_(deadline) {
    request_.attributes = attributes;
  }

  // From the first page on, page by page.
  Result<PageProof> Read() {
    constexpr int kPagesWithoutNews = 2;
    all_.clear();
    known_.clear();
    total_ = 0;
    KmipLocateRequest page = request_;
    Ids first;
    int news = 0;
    for (int without_news = 0; without_news < kPagesWithoutNews;) {
      const size_t before = all_.size();
      Result<Ids> ids = Locate(page);
      if (!ids) return ids.error();
      if (ids->empty()) {
        return news == 1 ? PageProof::kEmptyPage : PageProof::kMorePages;
      }
      if (*ids == first) return PageProof::kNone;  // It ignores the offset.
      ++(all_.size() == before ? without_news : news);
      page.offset_items += static_cast<int32_t>(ids->size());
      if (first.empty()) first = std::move(*ids);
    }
    return PageProof::kNone;
  }

  // The answer for all objects may be longer.
  Status AskForEverything() { return Ask({}).status(); }

  // As long as is needed: true when the list is not longer than it is known
  // and that for all objects is. A server may give more to those who name how
  // many they take, so both do.
  Result<bool> IsShorterThanOneMore() {
    KmipLocateRequest one_more = request_;
    const size_t known = all_.size();
    one_more.maximum_items = static_cast<int32_t>(known) + 1;
    const Result<Ids> listed = Locate(one_more);
    if (!listed) return listed.error();
    one_more.attributes = {};
    const Result<KmipLocateAnswer> everything = Ask(one_more);
    if (!everything) return everything.error();
    return all_.size() == known && everything->ids.size() > known;
  }

  // The empty page again.
  Status AskForTheEnd() {
    KmipLocateRequest end = request_;
    end.offset_items = static_cast<int32_t>(all_.size());
    return Ask(end).status();
  }

  // Then the answer was not truncated.
  bool IsShorterThanAnother() const {
    return !IsKnownToLack() && all_.size() < longest_;
  }

  // All objects again, in parts that are shorter than the bound.
  Result<bool> Split(const Ids& ids) {
    parts_.clear();
    const Result<bool> is_complete = SplitDates({{}, kEndOfTime}, ids);
    if (!is_complete || !*is_complete) return is_complete;
    // Else the server does not search by date as it should.
    return std::ranges::all_of(
        all_, [&](const std::string& id) { return parts_.contains(id); });
  }

  // Makes the answer for all objects longer by one, for a moment.
  Status Probe() {
    KmipObject object;
    object.type = KmipObjectType::kOpaqueObject;
    object.value = Secret::CopyOf(kProbeNamespace);
    KmipAttributes attributes;
    attributes.application_info = {{kProbeNamespace, "1"}};
    const KmipChange made =
        session_.Change(MakeRegister(object, attributes), deadline_);
    if (!made.status.ok()) return made.status;
    const Status asked = AskForEverything();
    const Status destroyed =
        session_.Change(MakeDestroy(made.id), deadline_).status;
    return asked.ok() ? destroyed : asked;
  }

  // The server's own total says so.
  bool IsKnownToLack() const { return all_.size() < total_; }
  size_t total() const { return total_; }
  const Ids& all() const { return all_; }

 private:
  using Dates = std::pair<KmipTime, KmipTime>;  // Both included.

  Result<KmipLocateAnswer> Ask(const KmipLocateRequest& request) {
    auto answer = session_.Ask(MakeLocate(request), ReadLocate, deadline_);
    if (answer && request.maximum_items == 0) {
      longest_ = std::max(longest_, answer->ids.size());
    }
    return answer;
  }

  Result<Ids> Locate(const KmipLocateRequest& request) {
    Result<KmipLocateAnswer> answer = Ask(request);
    if (!answer) return answer.error();
    for (const std::string& id : answer->ids) {
      if (known_.insert(id).second) all_.push_back(id);
    }
    total_ = std::max(total_, static_cast<size_t>(std::max(
                                  0, answer->located_items.value_or(0))));
    if (all_.size() > most_) {
      return Status(StatusCode::kInvalidArgument,
                    "the KMIP server has more than " + std::to_string(most_) +
                        " such objects");
    }
    return std::move(answer->ids);
  }

  // One part; true when it is proven to be complete.
  Result<bool> ReadPart(const KmipLocateRequest& part, Ids& ids) {
    Result<Ids> found = Locate(part);
    if (!found) return found.error();
    ids = std::move(*found);
    if (ids.size() >= longest_) return false;
    parts_.insert(ids.begin(), ids.end());
    return true;
  }

  // `ids` are some of the objects of these dates, as many as the bound.
  Result<bool> SplitDates(const Dates& dates, const Ids& ids) {
    const Result<KmipTime> middle = MedianDate(ids);
    if (!middle) return middle.error();
    const bool is_one_second = dates.first == dates.second;
    if (is_one_second || *middle < dates.first || *middle > dates.second) {
      return SplitStates(dates);
    }
    const Dates parts[] = {{dates.first, *middle - kSecond},
                           {*middle, *middle},
                           {*middle + kSecond, dates.second}};
    for (const Dates& part : parts) {
      if (part.first > part.second) continue;
      KmipLocateRequest request = request_;
      request.created = part;
      Ids found;
      Result<bool> is_complete = ReadPart(request, found);
      if (is_complete && !*is_complete) is_complete = SplitDates(part, found);
      if (!is_complete || !*is_complete) return is_complete;
    }
    return true;
  }

  Result<bool> SplitStates(const Dates& dates) {
    if (request_.attributes.state) return false;
    for (const KmipState state : kStates) {
      KmipLocateRequest request = request_;
      request.created = dates;
      request.attributes.state = state;
      Ids found;
      const Result<bool> is_complete = ReadPart(request, found);
      if (!is_complete || !*is_complete) return is_complete;
    }
    return true;
  }

  // Of some of them; the epoch when the server does not tell the dates.
  Result<KmipTime> MedianDate(const Ids& ids) {
    constexpr size_t kSample = 16;
    const size_t step = std::max<size_t>(1, ids.size() / kSample);
    std::vector<KmipCall> calls;
    for (size_t i = 0; i < ids.size(); i += step) {
      calls.push_back(
          MakeGetAttributes(ids[i], {{KmipTag::kInitialDate, "", ""}}));
    }
    std::vector<KmipTime> dates;
    for (const KmipReply& reply : session_.Call(calls, deadline_)) {
      if (reply.status.code() == StatusCode::kNotFound) continue;
      if (!reply.status.ok()) return reply.status;
      const auto attributes = ReadGetAttributes(reply.payload);
      if (attributes && attributes->initial_date) {
        dates.push_back(*attributes->initial_date);
      }
    }
    if (dates.empty()) return KmipTime();
    const auto middle =
        dates.begin() + static_cast<ptrdiff_t>(dates.size() / 2);
    std::ranges::nth_element(dates, middle);
    return *middle;
  }

  KmipSession& session_;
  const size_t most_;
  const Deadline& deadline_;
  KmipLocateRequest request_;
  Ids all_;                                // In the server's order.
  std::unordered_set<std::string> known_;  // What is in all_.
  std::unordered_set<std::string> parts_;  // Seen by Split.
  size_t longest_ = 0;  // Answer to a search without Maximum Items.
  size_t total_ = 0;    // As the server says; 0: it does not.
};

// Searches for what a bound before the offset would hide. Not all servers
// answer these searches: then they say nothing.
Status LookBehindTheEnd(Search& search) {
  Result<bool> is_all = search.IsShorterThanOneMore();
  if (is_all && !*is_all) is_all = search.Split(search.all());
  return is_all ? Status::Ok() : search.AskForTheEnd();
}

Result<bool> IsProvenByPages(Search& search) {
  // Again when there is more: another client may just have made it.
  constexpr int kTries = 4;
  for (int i = 0; i < kTries; ++i) {
    const Result<PageProof> pages = search.Read();
    if (!pages) return pages.error();
    if (*pages != PageProof::kEmptyPage) {
      return *pages == PageProof::kMorePages;
    }
    const size_t listed = search.all().size();
    const Status looked = LookBehindTheEnd(search);
    if (!looked.ok()) return looked;
    if (search.all().size() == listed) return true;
  }
  return false;
}

Result<bool> IsProven(Search& search, KmipProbe probe) {
  Result<bool> is_proven = IsProvenByPages(search);
  if (!is_proven || *is_proven) return is_proven;
  const Status asked = search.AskForEverything();
  if (!asked.ok()) return asked;
  if (search.IsShorterThanAnother()) return true;
  is_proven = search.Split(search.all());
  if (!is_proven || *is_proven || probe == KmipProbe::kForbidden) {
    return is_proven;
  }
  const Status probed = search.Probe();
  if (!probed.ok()) {
    return NotProven(search.all().size()).WithContext(probed.message());
  }
  return search.IsShorterThanAnother();
}

}  // namespace

Result<std::vector<std::string>> LocateAll(KmipSession& session,
                                           const KmipAttributes& attributes,
                                           size_t most,
                                           const Deadline& deadline,
                                           KmipProbe probe) {
  Search search(session, attributes, most, deadline);
  const Result<bool> is_proven = IsProven(search, probe);
  if (!is_proven) return is_proven.error();
  if (search.IsKnownToLack()) {
    return Status(StatusCode::kUnavailable,
                  "the KMIP server says that it has " +
                      std::to_string(search.total()) +
                      " such objects, and gave only " +
                      std::to_string(search.all().size()));
  }
  if (!*is_proven) return NotProven(search.all().size());
  return search.all();
}

Result<std::vector<std::string>> LocateAll(KmipClient& client,
                                           const KmipAttributes& attributes,
                                           size_t most,
                                           const Deadline& deadline) {
  KmipSession session(client);
  return LocateAll(session, attributes, most, deadline);
}

}  // namespace openkeyring
