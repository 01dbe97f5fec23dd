// SPDX-License-Identifier: MIT
#include "cli/readers/wrapped_keys.h"

#include <algorithm>

#include "os/parallel.h"

namespace openkeyring {

bool LeavesKeyUnknown(const Status& status) {
  return status.IsTransient() || ExitCodeOf(status) == ExitCode::kUnreachable;
}

tl::expected<Verification, Failure> UnwrapAll(
    const KmsAccess& kms, const std::string& place,
    const std::vector<WrappedEntry>& entries,
    const KeyringReader::Progress& progress,
    const KeyringReader::Watcher& watcher) {
  Verification found;
  found.place = place;
  const size_t step = std::max<size_t>(kms.parallelism, 1);
  for (size_t start = 0; start < entries.size(); start += step) {
    const size_t count = std::min(step, entries.size() - start);
    std::vector<Status> outcomes(count);
    std::vector<Secret> opened(count);
    const Deadline deadline = Deadline::After(SystemClock(), kms.deadline);
    RunParallel(count, step, [&](size_t i) {
      const WrappedEntry& entry = entries[start + i];
      Result<UnwrappedKey> key =
          kms.service->wrapper().Unwrap(entry.wrapped, entry.binding, deadline);
      outcomes[i] = key.status();
      if (key && watcher) opened[i] = std::move(key->key);
    });
    for (size_t i = 0; i < count; ++i) {
      if (outcomes[i].ok()) {
        ++found.keys;
        if (watcher) watcher(entries[start + i].name, opened[i]);
      } else if (LeavesKeyUnknown(outcomes[i])) {
        return Failed(outcomes[i].WithContext(entries[start + i].what));
      } else {
        found.problems.push_back({entries[start + i].what, outcomes[i]});
      }
    }
    if (!progress(start + count, entries.size())) return Interrupted();
  }
  return found;
}

}  // namespace openkeyring
