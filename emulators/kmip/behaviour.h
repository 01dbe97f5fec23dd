// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_BEHAVIOUR_H_
#define OPENKEYRING_EMULATORS_KMIP_BEHAVIOUR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "kmip/version.h"

namespace kmip_server {

using openkeyring::KmipVersion;

// How KMIP servers differ, as lasting properties. The defaults are those of a
// server that does everything as the specification has it.
struct Behaviour {
  std::vector<KmipVersion> versions = {openkeyring::kKmipVersions.begin(),
                                       openkeyring::kKmipVersions.end()};
  bool cuts_unknown_versions = false;  // Instead of refusing them.
  bool unique_names = false;           // Vault, Fortanix: of one client.
  // Vault: the batch count says more than comes.
  bool exaggerates_batch_count = false;
  bool omits_batch_ids = false;  // PyKMIP in errors; operations too.
  // PyKMIP: Activate without identifier is refused, and the message with it.
  bool no_placeholder = false;
  int max_batch = 0;                // More items are refused; 0: no bound.
  int max_response = 0;             // Bytes; 0: as the client says.
  int locate_cap = 0;               // Cosmian: 1000; 0: none.
  bool caps_before_offset = false;  // Pages end there.
  bool caps_before_match = false;   // Sees only so many objects of a client.
  bool newest_first = false;        // Lists, and what caps_before_match sees.
  bool caps_unasked_only = false;   // Not where Maximum Items asks for more.
  bool ignores_offset = false;
  bool overlapping_pages = false;  // Each begins one object too early.
  bool finds_no_dates = false;     // Locate by Initial Date finds nothing.
  bool finds_active_only = false;  // Locate shows nothing that is Pre-Active.
  bool zero_located_items = false;
  bool exact_located_items = true;    // Else it is left out.
  bool raw_secrets = false;           // Fortanix gives secret data as Raw.
  bool strict_lengths = false;        // AES of 128, 192 and 256 bits only.
  bool needs_usage_mask = false;      // Vault, Fortanix.
  bool adds_usage_bits = false;       // To what is asked for.
  bool fewer_attributes = false;      // Gives no groups and no dates.
  bool no_vendor_attributes = false;  // PyKMIP refuses them.
  bool spoils_values = false;  // Keeps what is registered with a wrong byte.
  bool drops_application_info = false;    // Says nothing, and forgets it.
  bool refuses_application_info = false;  // An invalid field.
  // Destroyed objects stay, without value, with their names and the state.
  bool keeps_destroyed = false;
  // Does not offer operations that change something, and refuses them.
  bool reads_only = false;
  bool extensions = false;  // Fields of its own in every answer.
  int latency_ms = 0;
};

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_BEHAVIOUR_H_
