// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_LIST_SEARCH_H_
#define OPENKEYRING_KMIP_LIST_SEARCH_H_

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "kmip/client.h"
#include "kmip/operations/locate.h"

namespace openkeyring {

// What pages say of a list.
enum class PageProof {
  kNone,
  kEmptyPage,  // After the only one: the end, or a bound before the offset.
  kMorePages,  // Then an empty one: the bound comes after the offset.
};

// One search for all objects with these attributes, and what was learned of the
// bound of the server's lists. LocateAll decides what that proves. Errors are
// those of KmipSession; kInvalidArgument for more than `most` objects.
class KmipListSearch {
 public:
  // Borrows the session and the deadline.
  KmipListSearch(KmipSession& session, const KmipAttributes& attributes,
                 size_t most, const Deadline& deadline);

  // From the first page on, page by page.
  Result<PageProof> Read();
  // The answer for all objects of the client may be longer than the list.
  Status AskForEverything();
  // As long as is needed: true when the list is not longer than it is known
  // and that for all objects is. A server may give more to those who name how
  // many they take, so both do.
  Result<bool> IsShorterThanOneMore();
  // The empty page again.
  Status AskForTheEnd();
  // All objects again, in parts that are shorter than the bound: true when that
  // proves the list. Adds what it finds.
  Result<bool> Split();
  // Makes the answer for all objects longer by one, for a moment.
  Status Probe();

  // Then the answer was not truncated.
  bool IsShorterThanAnother() const;
  // The server's own total says so.
  bool IsKnownToLack() const { return all_.size() < total_; }
  size_t total() const { return total_; }
  const std::vector<std::string>& all() const { return all_; }

 private:
  using Ids = std::vector<std::string>;
  using Dates = std::pair<KmipTime, KmipTime>;  // Both included.
  using Parts = std::vector<std::pair<KmipLocateRequest, Ids>>;

  Result<KmipLocateAnswer> Ask(const KmipLocateRequest& request);
  // In one message where the server takes it.
  std::vector<Result<KmipLocateAnswer>> AskAll(
      const std::vector<KmipLocateRequest>& requests);
  Status Add(const KmipLocateAnswer& answer);
  Result<Ids> Locate(const KmipLocateRequest& request);
  // Parts whose lists are shorter than the bound are complete; the others, with
  // what they gave.
  Result<Parts> ReadParts(const std::vector<KmipLocateRequest>& requests);
  // `ids` are some of the objects of these dates, as many as the bound.
  Result<bool> SplitDates(const Dates& dates, const Ids& ids);
  Result<bool> SplitStates(const Dates& dates);
  // Of some of them; the epoch when the server does not tell the dates.
  Result<KmipTime> MedianDate(const Ids& ids);

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

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_LIST_SEARCH_H_
