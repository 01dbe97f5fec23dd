// SPDX-License-Identifier: MIT
#include "kmip/locate_all.h"

#include <algorithm>

#include "kmip/list_search.h"

namespace openkeyring {
namespace {

Status NotProven(size_t found) {
  return {StatusCode::kUnavailable,
          "the KMIP server gave " + std::to_string(found) +
              " such objects, and it is not certain that these are all: it "
              "may truncate its lists, and it does not page (KMIP 1.3 or later "
              "with Offset Items); raise the server's limit of Locate"};
}

// Searches for what a bound before the offset would hide: whether they prove
// that there is nothing. Not all servers answer them: then they say nothing.
Result<bool> LookBehindTheEnd(KmipListSearch& search) {
  const Result<bool> is_shorter = search.IsShorterThanOneMore();
  if (is_shorter && *is_shorter) return true;
  const Result<bool> is_split = search.Split();
  if (is_shorter && is_split) return *is_split;
  const Status end = search.AskForTheEnd();
  if (!end.ok()) return end;
  return false;
}

// Of a list that nothing proves but the empty page. No server has a bound of
// less than ten; for more, an object of ours must make a longer answer, where
// one can be made.
Result<bool> IsTheEnd(KmipListSearch& search, KmipProbe probe) {
  constexpr size_t kLeastBound = 10;
  if (probe == KmipProbe::kForbidden || search.all().size() < kLeastBound) {
    return true;
  }
  const Status probed = search.Probe();
  if (search.IsShorterThanAnother()) return true;
  if (probed.ok()) return false;
  const Status end = search.AskForTheEnd();
  if (!end.ok()) return end;
  return true;
}

// What other clients destroy between two pages moves the next page up, and the
// object that was at its beginning is on neither. What was destroyed had been
// seen, and is not there when the pages are read again.
Result<bool> IsAllThereAgain(KmipListSearch& search) {
  std::vector<std::string> before = search.all();
  const Result<PageProof> pages = search.Read();
  if (!pages) return pages.error();
  std::vector<std::string> now = search.all();
  std::ranges::sort(before);
  std::ranges::sort(now);
  return std::ranges::includes(now, before);
}

Result<bool> IsProvenByPages(KmipListSearch& search, KmipProbe probe) {
  // Again when there is more, or less: another client may be at work.
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    const Result<PageProof> pages = search.Read();
    if (!pages) return pages.error();
    if (*pages == PageProof::kNone) return false;
    if (*pages == PageProof::kMorePages) {
      const Result<bool> is_there = IsAllThereAgain(search);
      if (!is_there || *is_there) return is_there;
      continue;
    }
    const size_t listed = search.all().size();
    const Result<bool> is_proven = LookBehindTheEnd(search);
    if (!is_proven) return is_proven;
    if (search.all().size() != listed) continue;
    const Result<bool> is_end =
        *is_proven ? is_proven : IsTheEnd(search, probe);
    if (!is_end || *is_end) return is_end;
  }
  return false;
}

Result<bool> IsProven(KmipListSearch& search, KmipProbe probe) {
  Result<bool> is_proven = IsProvenByPages(search, probe);
  if (!is_proven || *is_proven) return is_proven;
  const Status asked = search.AskForEverything();
  if (!asked.ok()) return asked;
  if (search.IsShorterThanAnother()) return true;
  is_proven = search.Split();
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
  KmipListSearch search(session, attributes, most, deadline);
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
