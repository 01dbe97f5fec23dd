// SPDX-License-Identifier: MIT
#include "emulators/kmip/service.h"

#include <algorithm>

#include "emulators/kmip/context.h"
#include "kmip/operations/discover_versions.h"

namespace kmip_server {

using openkeyring::KmipObjectType;
using openkeyring::KmipTag;

namespace {

constexpr KmipOperation kOperations[] = {
    KmipOperation::kCreate,        KmipOperation::kRegister,
    KmipOperation::kLocate,        KmipOperation::kGet,
    KmipOperation::kGetAttributes, KmipOperation::kGetAttributeList,
    KmipOperation::kAddAttribute,  KmipOperation::kActivate,
    KmipOperation::kRevoke,        KmipOperation::kDestroy,
    KmipOperation::kQuery,         KmipOperation::kDiscoverVersions,
};

bool Changes(KmipOperation operation) {
  constexpr KmipOperation kChanging[] = {
      KmipOperation::kCreate,   KmipOperation::kRegister,
      KmipOperation::kActivate, KmipOperation::kAddAttribute,
      KmipOperation::kRevoke,   KmipOperation::kSetAttribute,
      KmipOperation::kDestroy};
  return std::ranges::find(kChanging, operation) != std::end(kChanging);
}

Outcome NotSupported(KmipOperation operation) {
  return Outcome::Fail(
      KmipResultReason::kOperationNotSupported,
      openkeyring::KmipName(operation) + " is not supported here.");
}

}  // namespace

Outcome Service::Do(const Behaviour& behaviour, KmipVersion version,
                    const RequestItem& item, const std::string& client,
                    std::string& placeholder) {
  Context context{behaviour, version, item.payload, client, placeholder};
  if (behaviour.reads_only && Changes(item.operation)) {
    return NotSupported(item.operation);
  }
  switch (item.operation) {
    case KmipOperation::kDiscoverVersions:
      if (version < KmipVersion{1, 1}) return NotSupported(item.operation);
      return DiscoverVersions(context);
    case KmipOperation::kQuery:
      return Query(context);
    case KmipOperation::kCreate:
      return Create(context);
    case KmipOperation::kRegister:
      return Register(context);
    case KmipOperation::kLocate:
      return Locate(context);
    case KmipOperation::kGet:
      return Get(context);
    case KmipOperation::kGetAttributes:
      return GetAttributes(context);
    case KmipOperation::kGetAttributeList:
      return GetAttributeList(context);
    case KmipOperation::kSetAttribute:
      if (!version.HasTypedAttributes()) return NotSupported(item.operation);
      return AddAttribute(context);
    case KmipOperation::kAddAttribute:
      return AddAttribute(context);
    case KmipOperation::kActivate:
      return Activate(context);
    case KmipOperation::kRevoke:
      return Revoke(context);
    case KmipOperation::kDestroy:
      return Destroy(context);
  }
  return NotSupported(item.operation);
}

Outcome Service::DiscoverVersions(Context& context) {
  const auto asked = openkeyring::ReadDiscoverVersions(context.payload);
  if (!asked) {
    return Outcome::Fail(KmipResultReason::kInvalidField, "bad version list");
  }
  std::vector<KmipVersion> both;
  for (const KmipVersion& version : context.behaviour.versions) {
    if (asked->empty() || std::ranges::find(*asked, version) != asked->end()) {
      both.push_back(version);
    }
  }
  return {std::nullopt, "", [both, version = context.version](TtlvWriter& out) {
            openkeyring::MakeDiscoverVersions(both).write(out, version);
          }};
}

Outcome Service::Query(Context& context) {
  const bool reads_only = context.behaviour.reads_only;
  return {std::nullopt, "", [reads_only](TtlvWriter& out) {
            for (const KmipOperation operation : kOperations) {
              if (reads_only && Changes(operation)) continue;
              out.Enumeration(KmipTag::kOperation, operation);
            }
            for (const auto type :
                 {KmipObjectType::kSymmetricKey, KmipObjectType::kSecretData,
                  KmipObjectType::kOpaqueObject}) {
              out.Enumeration(KmipTag::kObjectType, type);
            }
            out.Text(KmipTag::kVendorIdentification,
                     "OpenKeyring KMIP emulator, for tests only");
          }};
}

}  // namespace kmip_server
