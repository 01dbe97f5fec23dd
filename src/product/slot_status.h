// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_SLOT_STATUS_H_
#define OPENKEYRING_PRODUCT_SLOT_STATUS_H_

#include <string>
#include <utility>
#include <vector>

#include "storage/sealed/sealed_file_slots.h"

namespace openkeyring {

// What status rows and status variables say about the key slots of a file.
struct SlotSummary {
  size_t slots = 0;    // In the file.
  size_t opening = 0;  // Of them, those that this process has seen to open.
  bool opened_by_local_slot = false;
  size_t failed_count = 0;   // Of `failed`.
  size_t missing_count = 0;  // Of `missing`.
  std::string opened;        // Which slot opened the file.
  std::string failed;   // Those that did not, or that are not as configured,
                        // each with the reason.
  std::string untried;  // Those that were not needed.
  std::string missing;  // Configured keys without a slot, with the reasons.
  std::string foreign;  // Slots of keys that the configuration does not name.
};

SlotSummary SummaryOf(const SealedFileSlots& slots);

// As rows, under the names that docs/component_keyring_kms.md has.
std::vector<std::pair<std::string, std::string>> SlotRows(
    const SlotSummary& summary);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_SLOT_STATUS_H_
