// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_RESPONSE_H_
#define OPENKEYRING_EMULATORS_KMIP_RESPONSE_H_

#include <string>
#include <vector>

#include "base/secret.h"
#include "emulators/kmip/faults.h"
#include "emulators/kmip/service.h"

namespace kmip_server {

// A failure of the message as a whole: one item, without operation.
openkeyring::Secret WholeFailure(KmipVersion version, KmipResultReason reason,
                                 const std::string& message);

// Builds a response item by item, distorted as behaviour and fault have it.
class ResponseWriter {
 public:
  ResponseWriter(KmipVersion version, const Behaviour& behaviour,
                 const Fault& fault, size_t asked);
  // False once a short batch has all that it will answer.
  bool WantsMore() const;
  // Adds an item, unless it is one that gets lost.
  void Add(const RequestItem& item, const Outcome& outcome);
  openkeyring::Secret Finish();

 private:
  void WriteIds(TtlvWriter& out, const RequestItem& item) const;

  const KmipVersion version_;
  const Behaviour& behaviour_;
  const Fault& fault_;
  const size_t asked_;
  size_t count_ = 0;
  TtlvWriter items_;
};

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_RESPONSE_H_
