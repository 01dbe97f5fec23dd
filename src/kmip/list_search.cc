// SPDX-License-Identifier: MIT
#include "kmip/list_search.h"

#include <algorithm>

#include "kmip/operations/destroy.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/register.h"

namespace openkeyring {
namespace {

// The last second of the year 9999.
constexpr KmipTime kEndOfTime{std::chrono::seconds(253402300799)};
constexpr std::chrono::seconds kSecond{1};
constexpr char kProbeNamespace[] = "openkeyring-probe";
constexpr KmipState kStates[] = {
    KmipState::kPreActive,   KmipState::kActive,
    KmipState::kDeactivated, KmipState::kCompromised,
    KmipState::kDestroyed,   KmipState::kDestroyedCompromised};

}  // namespace

KmipListSearch::KmipListSearch(KmipSession& session,
                               const KmipAttributes& attributes, size_t most,
                               const Deadline& deadline)
    : session_(session), most_(most), deadline_(deadline) {
  request_.attributes = attributes;
}

Result<PageProof> KmipListSearch::Read() {
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

Status KmipListSearch::AskForEverything() { return Ask({}).status(); }

Result<bool> KmipListSearch::IsShorterThanOneMore() {
  const size_t known = all_.size();
  KmipLocateRequest listed = request_;
  listed.maximum_items = static_cast<int32_t>(known) + 1;
  KmipLocateRequest everything = listed;
  everything.attributes = {};
  const auto answers = AskAll({listed, everything});
  if (!answers[0]) return answers[0].error();
  const Status status = Add(*answers[0]);
  if (!status.ok()) return status;
  if (!answers[1]) return answers[1].error();
  return all_.size() == known && answers[1]->ids.size() > known;
}

Status KmipListSearch::AskForTheEnd() {
  KmipLocateRequest end = request_;
  end.offset_items = static_cast<int32_t>(all_.size());
  return Ask(end).status();
}

Result<bool> KmipListSearch::Split() {
  parts_.clear();
  const Result<bool> is_complete = SplitDates({{}, kEndOfTime}, all_);
  if (!is_complete || !*is_complete) return is_complete;
  // Else the server does not search by date as it should.
  return std::ranges::all_of(
      all_, [&](const std::string& id) { return parts_.contains(id); });
}

Status KmipListSearch::Probe() {
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

Result<KmipLocateAnswer> KmipListSearch::Ask(const KmipLocateRequest& request) {
  return std::move(AskAll({request}).front());
}

std::vector<Result<KmipLocateAnswer>> KmipListSearch::AskAll(
    const std::vector<KmipLocateRequest>& requests) {
  std::vector<KmipCall> calls;
  for (const auto& request : requests) calls.push_back(MakeLocate(request));
  const std::vector<KmipReply> replies = session_.Call(calls, deadline_);
  std::vector<Result<KmipLocateAnswer>> answers;
  for (size_t i = 0; i < requests.size(); ++i) {
    answers.push_back(replies[i].status.ok()
                          ? ReadLocate(replies[i].payload)
                          : Result<KmipLocateAnswer>(replies[i].status));
    if (answers[i] && requests[i].maximum_items == 0) {
      longest_ = std::max(longest_, answers[i]->ids.size());
    }
  }
  return answers;
}

Status KmipListSearch::Add(const KmipLocateAnswer& answer) {
  for (const std::string& id : answer.ids) {
    if (known_.insert(id).second) all_.push_back(id);
  }
  total_ = std::max(total_, static_cast<size_t>(
                                std::max(0, answer.located_items.value_or(0))));
  if (all_.size() <= most_) return Status::Ok();
  return {StatusCode::kInvalidArgument, "the KMIP server has more than " +
                                            std::to_string(most_) +
                                            " such objects"};
}

Result<std::vector<std::string>> KmipListSearch::Locate(
    const KmipLocateRequest& request) {
  Result<KmipLocateAnswer> answer = Ask(request);
  if (!answer) return answer.error();
  const Status added = Add(*answer);
  if (!added.ok()) return added;
  return std::move(answer->ids);
}

Result<KmipListSearch::Parts> KmipListSearch::ReadParts(
    const std::vector<KmipLocateRequest>& requests) {
  Parts others;
  auto answers = AskAll(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    if (!answers[i]) return answers[i].error();
    const Status added = Add(*answers[i]);
    if (!added.ok()) return added;
    Ids& ids = answers[i]->ids;
    if (ids.size() < longest_) {
      parts_.insert(ids.begin(), ids.end());
    } else {
      others.emplace_back(requests[i], std::move(ids));
    }
  }
  return others;
}

Result<bool> KmipListSearch::SplitDates(const Dates& dates, const Ids& ids) {
  const Result<KmipTime> middle = MedianDate(ids);
  if (!middle) return middle.error();
  const bool is_one_second = dates.first == dates.second;
  if (is_one_second || *middle < dates.first || *middle > dates.second) {
    return SplitStates(dates);
  }
  std::vector<KmipLocateRequest> requests;
  for (const Dates& part :
       {Dates{dates.first, *middle - kSecond}, Dates{*middle, *middle},
        Dates{*middle + kSecond, dates.second}}) {
    if (part.first > part.second) continue;
    requests.push_back(request_);
    requests.back().created = part;
  }
  const Result<Parts> others = ReadParts(requests);
  if (!others) return others.error();
  for (const auto& [part, found] : *others) {
    const Result<bool> is_complete = SplitDates(*part.created, found);
    if (!is_complete || !*is_complete) return is_complete;
  }
  return true;
}

Result<bool> KmipListSearch::SplitStates(const Dates& dates) {
  if (request_.attributes.state) return false;
  std::vector<KmipLocateRequest> requests;
  for (const KmipState state : kStates) {
    requests.push_back(request_);
    requests.back().created = dates;
    requests.back().attributes.state = state;
  }
  const Result<Parts> others = ReadParts(requests);
  if (!others) return others.error();
  return others->empty();
}

Result<KmipTime> KmipListSearch::MedianDate(const Ids& ids) {
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
  const auto middle = dates.begin() + static_cast<ptrdiff_t>(dates.size() / 2);
  std::ranges::nth_element(dates, middle);
  return *middle;
}

bool KmipListSearch::IsShorterThanAnother() const {
  return !IsKnownToLack() && all_.size() < longest_;
}

}  // namespace openkeyring
