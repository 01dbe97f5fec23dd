// SPDX-License-Identifier: MIT
#include "kmip/locate_all.h"

#include <unordered_set>
#include <utility>

#include "kmip/operations/locate.h"

namespace openkeyring {
namespace {

// Adds those that are not there yet; how many these were.
size_t AddNew(std::vector<std::string> found, std::vector<std::string>& all,
              std::unordered_set<std::string>& known) {
  const size_t before = all.size();
  for (std::string& id : found) {
    if (known.insert(id).second) all.push_back(std::move(id));
  }
  return all.size() - before;
}

}  // namespace

Result<std::vector<std::string>> LocateAll(KmipClient& client,
                                           const KmipAttributes& attributes,
                                           size_t most,
                                           const Deadline& deadline) {
  std::vector<std::string> all;
  std::unordered_set<std::string> known;
  KmipLocateRequest request;
  request.attributes = attributes;
  int32_t total = 0;  // As the server says; 0: it does not.
  for (;;) {
    Result<KmipLocateAnswer> page =
        client.Ask(MakeLocate(request), ReadLocate, deadline);
    if (!page) return page.error();
    total = std::max(total, page->located_items.value_or(0));
    const auto size = static_cast<int32_t>(page->ids.size());
    const size_t added = AddNew(std::move(page->ids), all, known);
    if (all.size() > most) {
      return Status(StatusCode::kInvalidArgument,
                    "the KMIP server has more than " + std::to_string(most) +
                        " such objects");
    }
    if (added == 0) break;
    request.offset_items += size;
  }
  if (all.size() < static_cast<size_t>(total)) {
    return Status(StatusCode::kUnavailable,
                  "the KMIP server says that it has " + std::to_string(total) +
                      " such objects, and gave only " +
                      std::to_string(all.size()));
  }
  return all;
}

}  // namespace openkeyring
