// SPDX-License-Identifier: MIT
// Locate and the attribute operations.
#include <algorithm>

#include "emulators/kmip/context.h"
#include "kmip/operations/get_attribute_list.h"

namespace kmip_server {

using openkeyring::KmipAttributeRef;
using openkeyring::KmipTag;
using openkeyring::KmipUsage;
using openkeyring::TtlvItem;

namespace {

template <typename T>
bool HasAll(const std::vector<T>& wanted, const std::vector<T>& has) {
  return std::ranges::all_of(wanted, [&](const T& one) {
    return std::ranges::find(has, one) != has.end();
  });
}

template <typename T>
bool Fits(const std::optional<T>& wanted, const std::optional<T>& has) {
  return !wanted || wanted == has;
}

bool Matches(const KmipAttributes& wanted, const KmipAttributes& has) {
  return HasAll(wanted.names, has.names) &&
         HasAll(wanted.object_groups, has.object_groups) &&
         HasAll(wanted.application_info, has.application_info) &&
         HasAll(wanted.vendor_attributes, has.vendor_attributes) &&
         Fits(wanted.unique_identifier, has.unique_identifier) &&
         Fits(wanted.object_type, has.object_type) &&
         Fits(wanted.state, has.state) &&
         Fits(wanted.algorithm, has.algorithm) &&
         Fits(wanted.length, has.length) &&
         (!wanted.usage_mask || (has.usage_mask.value_or(0) &
                                 *wanted.usage_mask) == *wanted.usage_mask);
}

// Which attributes a GetAttributes asks for; empty: all.
std::vector<KmipAttributeRef> Wanted(TtlvReader payload) {
  return openkeyring::ReadGetAttributeList(payload).value_or(
      std::vector<KmipAttributeRef>());
}

// Everything of `all` that is not asked for goes: written one by one, an
// attribute is kept when its own reference is wanted.
KmipAttributes Only(const KmipAttributes& all,
                    const std::vector<KmipAttributeRef>& wanted) {
  const auto asks = [&](KmipTag tag) {
    return std::ranges::any_of(wanted,
                               [&](const auto& ref) { return ref.tag == tag; });
  };
  KmipAttributes some;
  if (asks(KmipTag::kName)) some.names = all.names;
  if (asks(KmipTag::kObjectGroup)) some.object_groups = all.object_groups;
  if (asks(KmipTag::kApplicationSpecificInformation)) {
    some.application_info = all.application_info;
  }
  for (const auto& custom : all.vendor_attributes) {
    const KmipAttributeRef ref{KmipTag::kAttribute, custom.vendor, custom.name};
    if (std::ranges::find(wanted, ref) != wanted.end()) {
      some.vendor_attributes.push_back(custom);
    }
  }
  if (asks(KmipTag::kUniqueIdentifier)) {
    some.unique_identifier = all.unique_identifier;
  }
  if (asks(KmipTag::kObjectType)) some.object_type = all.object_type;
  if (asks(KmipTag::kState)) some.state = all.state;
  if (asks(KmipTag::kCryptographicAlgorithm)) some.algorithm = all.algorithm;
  if (asks(KmipTag::kCryptographicLength)) some.length = all.length;
  if (asks(KmipTag::kCryptographicUsageMask)) some.usage_mask = all.usage_mask;
  if (asks(KmipTag::kInitialDate)) some.initial_date = all.initial_date;
  if (asks(KmipTag::kActivationDate)) {
    some.activation_date = all.activation_date;
  }
  return some;
}

// The page of an answer, as this server pages.
std::vector<std::string> Page(const Behaviour& behaviour,
                              const std::vector<std::string>& all,
                              int32_t offset, int32_t maximum) {
  size_t from = static_cast<size_t>(std::max(0, offset));
  if (behaviour.ignores_offset) from = 0;
  if (behaviour.overlapping_pages && from > 0) --from;
  from = std::min(from, all.size());
  size_t count = all.size() - from;
  if (maximum > 0) count = std::min(count, static_cast<size_t>(maximum));
  if (behaviour.locate_cap > 0) {
    count = std::min(count, static_cast<size_t>(behaviour.locate_cap));
  }
  const auto begin = all.begin() + static_cast<ptrdiff_t>(from);
  return {begin, begin + static_cast<ptrdiff_t>(count)};
}

std::vector<KmipAttributeRef> ListOf(const KmipAttributes& of) {
  std::vector<KmipAttributeRef> list;
  const auto add = [&](KmipTag tag, bool is_there) {
    if (is_there) list.push_back({tag, "", ""});
  };
  add(KmipTag::kUniqueIdentifier, true);
  add(KmipTag::kObjectType, true);
  add(KmipTag::kState, of.state.has_value());
  add(KmipTag::kInitialDate, true);
  add(KmipTag::kActivationDate, of.activation_date.has_value());
  add(KmipTag::kName, !of.names.empty());
  add(KmipTag::kObjectGroup, !of.object_groups.empty());
  add(KmipTag::kApplicationSpecificInformation, !of.application_info.empty());
  add(KmipTag::kCryptographicAlgorithm, of.algorithm.has_value());
  add(KmipTag::kCryptographicLength, of.length.has_value());
  add(KmipTag::kCryptographicUsageMask, of.usage_mask.has_value());
  for (const auto& custom : of.vendor_attributes) {
    list.push_back({KmipTag::kAttribute, custom.vendor, custom.name});
  }
  return list;
}

}  // namespace

KmipAttributes Shown(const Behaviour& behaviour, KmipAttributes attributes) {
  if (behaviour.adds_usage_bits && attributes.usage_mask) {
    *attributes.usage_mask |= KmipUsage::kUsageExport;
  }
  if (behaviour.fewer_attributes) {
    attributes.object_groups.clear();
    attributes.initial_date.reset();
    attributes.activation_date.reset();
  }
  return attributes;
}

Outcome Service::Locate(Context& context) {
  TtlvReader attributes = context.payload;
  if (context.version.HasTypedAttributes()) {
    attributes = context.fields.OptionalStructure(KmipTag::kAttributes)
                     .value_or(TtlvReader());
  }
  const auto wanted = openkeyring::ReadKmipAttributes(attributes);
  const int32_t maximum =
      context.fields.OptionalInteger(KmipTag::kMaximumItems).value_or(0);
  const int32_t offset =
      context.fields.OptionalInteger(KmipTag::kOffsetItems).value_or(0);
  if (!wanted || !context.fields.status().ok()) {
    return Outcome::Fail(KmipResultReason::kInvalidField, "bad Locate");
  }
  const auto all = store_.Find(context.client, [&](const StoredObject& stored) {
    return Matches(*wanted, stored.attributes);
  });
  const Behaviour& behaviour = context.behaviour;
  const auto page = Page(behaviour, all, offset, maximum);
  const bool counts =
      context.version.HasOffset() &&
      (behaviour.exact_located_items || behaviour.zero_located_items);
  const auto total =
      behaviour.zero_located_items ? 0 : static_cast<int32_t>(all.size());
  return {std::nullopt, "", [page, counts, total](TtlvWriter& out) {
            if (counts) out.Integer(KmipTag::kLocatedItems, total);
            for (const auto& id : page) {
              out.Text(KmipTag::kUniqueIdentifier, id);
            }
          }};
}

Outcome Service::GetAttributes(Context& context) {
  const std::string id = context.Id();
  KmipAttributes attributes;
  if (!store_.With(id, context.client, [&](StoredObject& stored) {
        attributes = stored.attributes;
      })) {
    return NotFound(store_, id);
  }
  attributes = Shown(context.behaviour, std::move(attributes));
  const auto wanted = Wanted(context.payload);
  if (!wanted.empty()) attributes = Only(attributes, wanted);
  return {std::nullopt, "",
          [id, attributes, version = context.version](TtlvWriter& out) {
            out.Text(KmipTag::kUniqueIdentifier, id);
            if (version.HasTypedAttributes()) {
              WriteKmipTemplate(out, version, attributes);
            } else {
              WriteKmipAttributes(out, version, attributes);
            }
          }};
}

Outcome Service::GetAttributeList(Context& context) {
  const std::string id = context.Id();
  std::vector<KmipAttributeRef> list;
  const bool found = store_.With(id, context.client, [&](StoredObject& stored) {
    list = ListOf(stored.attributes);
  });
  if (!found) return NotFound(store_, id);
  return {std::nullopt, "",
          [id, list, version = context.version](TtlvWriter& out) {
            out.Text(KmipTag::kUniqueIdentifier, id);
            WriteKmipAttributeRefs(out, version, list);
          }};
}

Outcome Service::AddAttribute(Context& context) {
  TtlvReader items = context.payload;
  if (context.version.HasTypedAttributes()) {
    items = context.fields.Structure(KmipTag::kNewAttribute);
  }
  auto added = openkeyring::ReadKmipAttributes(items);
  if (!added || !context.fields.status().ok()) {
    return Outcome::Fail(KmipResultReason::kInvalidField, "bad attribute");
  }
  if (context.behaviour.no_vendor_attributes &&
      !added->vendor_attributes.empty()) {
    return Outcome::Fail(KmipResultReason::kInvalidField,
                         "custom attributes are not supported");
  }
  return Change(context, [&](StoredObject& stored) -> Outcome {
    KmipAttributes& has = stored.attributes;
    const auto append = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(has.names, added->names);
    append(has.object_groups, added->object_groups);
    append(has.application_info, added->application_info);
    append(has.vendor_attributes, added->vendor_attributes);
    if (added->activation_date) has.activation_date = added->activation_date;
    return {};
  });
}

}  // namespace kmip_server
