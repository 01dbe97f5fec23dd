// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_CONTEXT_H_
#define OPENKEYRING_EMULATORS_KMIP_CONTEXT_H_

#include <string>

#include "emulators/kmip/service.h"

namespace kmip_server {

// One operation. Private to the service's own files.
struct Service::Context {
  const Behaviour& behaviour;
  KmipVersion version;
  TtlvReader payload;
  const std::string& client;
  std::string& placeholder;

  TtlvFields fields{payload};
  // The identifier of the request, or the placeholder.
  std::string Id() {
    const auto id =
        fields.OptionalText(openkeyring::KmipTag::kUniqueIdentifier);
    if (id) placeholder = *id;
    return placeholder;
  }
};

// As PyKMIP has it: somebody else's object is denied, not hidden.
inline Outcome NotFound(const Store& store, const std::string& id) {
  if (store.Has(id)) {
    return Outcome::Fail(KmipResultReason::kPermissionDenied,
                         "Could not access object: " + id);
  }
  return Outcome::Fail(KmipResultReason::kItemNotFound,
                       "Could not locate object: " + id);
}

// The attributes that are shown to this client.
KmipAttributes Shown(const Behaviour& behaviour, KmipAttributes attributes);

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_CONTEXT_H_
