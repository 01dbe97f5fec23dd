// SPDX-License-Identifier: MIT
// Locate and the attribute operations.
#include <algorithm>

#include "emulators/kmip/context.h"

namespace kmip_server {

using openkeyring::KmipAttributeRef;
using openkeyring::KmipTag;
using openkeyring::KmipTime;
using openkeyring::KmipUsage;
using openkeyring::Status;
using openkeyring::TtlvItem;
using openkeyring::TtlvType;

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

// What a Locate asks for.
struct Filter {
  KmipAttributes attributes;
  std::vector<KmipTime> created;  // One date, or a range that includes both.
};

// By which attributes this server searches.
bool IsSearchable(const KmipAttributeRef& attribute) {
  switch (attribute.tag) {
    case KmipTag::kName:
    case KmipTag::kObjectGroup:
    case KmipTag::kApplicationSpecificInformation:
    case KmipTag::kUniqueIdentifier:
    case KmipTag::kObjectType:
    case KmipTag::kState:
    case KmipTag::kCryptographicAlgorithm:
    case KmipTag::kCryptographicLength:
    case KmipTag::kCryptographicUsageMask:
    case KmipTag::kInitialDate:
      return true;
    default:
      return !attribute.vendor.empty();
  }
}

// Adds one item of a Locate; an unknown attribute must not find everything.
Status AddTo(Filter& filter, const TtlvItem& item, bool is_typed) {
  KmipAttributeRef attribute{item.tag, "", ""};
  std::optional<TtlvItem> value = item;
  if (item.tag == KmipTag::kAttribute) {
    TtlvFields fields(item.Structure().value_or(TtlvReader()));
    const std::string name = fields.Text(KmipTag::kAttributeName);
    attribute =
        is_typed ? KmipAttributeRef{item.tag,
                                    fields.Text(KmipTag::kVendorIdentification),
                                    name}
                 : openkeyring::KmipAttributeOfName(name);
    value = item.Structure()->Find(KmipTag::kAttributeValue);
    if (!fields.status().ok()) return fields.status();
  } else if (!is_typed) {
    return Status::Ok();  // Maximum Items and the like.
  }
  if (!IsSearchable(attribute) || !value) {
    return {openkeyring::StatusCode::kInvalidArgument,
            "Locate by " + openkeyring::KmipAttributeName(attribute) +
                " is not supported"};
  }
  if (attribute.tag != KmipTag::kInitialDate) return Status::Ok();
  const Result<KmipTime> date = value->DateTime();
  if (!date) return date.error();
  filter.created.push_back(*date);
  return Status::Ok();
}

Result<Filter> ReadFilter(TtlvReader items, bool is_typed) {
  Filter filter;
  Result<KmipAttributes> attributes = openkeyring::ReadKmipAttributes(items);
  if (!attributes) return attributes.error();
  filter.attributes = std::move(*attributes);
  while (!items.AtEnd()) {
    const Status status = AddTo(filter, *items.Take(), is_typed);
    if (!status.ok()) return status;
  }
  return filter;
}

bool WasCreated(const std::vector<KmipTime>& wanted,
                const std::optional<KmipTime>& date) {
  return wanted.empty() ||
         (date && wanted.front() <= *date && *date <= wanted.back());
}

bool Matches(const Filter& filter, const KmipAttributes& has) {
  const KmipAttributes& wanted = filter.attributes;
  return WasCreated(filter.created, has.initial_date) &&
         HasAll(wanted.names, has.names) &&
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

Status AddReference(std::vector<KmipAttributeRef>& out, const TtlvItem& item) {
  if (item.type == TtlvType::kEnumeration) {
    const KmipAttributeRef known{static_cast<KmipTag>(*item.Enumeration()), "",
                                 ""};
    if (!openkeyring::KmipAttributeName(known).empty() &&
        known.tag != KmipTag::kAttribute) {
      out.push_back(known);
    }
    return Status::Ok();
  }
  const Result<TtlvReader> content = item.Structure();
  if (!content) return content.error();
  TtlvFields fields(*content);
  out.push_back({KmipTag::kAttribute,
                 fields.Text(KmipTag::kVendorIdentification),
                 fields.Text(KmipTag::kAttributeName)});
  return fields.status();
}

Result<std::vector<KmipAttributeRef>> ReadReferences(TtlvReader payload) {
  std::vector<KmipAttributeRef> out;
  while (!payload.AtEnd()) {
    const Result<TtlvItem> item = payload.Take();
    if (!item) return item.error();
    if (item->tag == KmipTag::kAttributeName) {
      const Result<std::string> name = item->Text();
      if (!name) return name.error();
      out.push_back(openkeyring::KmipAttributeOfName(*name));
    } else if (item->tag == KmipTag::kAttributeReference) {
      Status status = AddReference(out, *item);
      if (!status.ok()) return status;
    }
  }
  return out;
}

// Which attributes a GetAttributes asks for; empty: all.
std::vector<KmipAttributeRef> Wanted(TtlvReader payload) {
  return ReadReferences(payload).value_or(std::vector<KmipAttributeRef>());
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
  if (asks(KmipTag::kDeactivationDate)) {
    some.deactivation_date = all.deactivation_date;
  }
  return some;
}

// The page of an answer, as this server pages.
std::vector<std::string> Page(const Behaviour& behaviour,
                              const std::vector<std::string>& all,
                              int32_t offset, int32_t maximum) {
  const bool is_capped = behaviour.locate_cap > 0 &&
                         (maximum == 0 || !behaviour.caps_unasked_only);
  const size_t cap =
      is_capped ? static_cast<size_t>(behaviour.locate_cap) : all.size();
  const size_t size =
      behaviour.caps_before_offset ? std::min(cap, all.size()) : all.size();
  size_t from = static_cast<size_t>(std::max(0, offset));
  if (behaviour.ignores_offset) from = 0;
  if (behaviour.overlapping_pages && from > 0) --from;
  from = std::min(from, size);
  size_t count = std::min(size - from, cap);
  if (maximum > 0) count = std::min(count, static_cast<size_t>(maximum));
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
  add(KmipTag::kDeactivationDate, of.deactivation_date.has_value());
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

// All that a search looks at on a server with caps_before_match.
std::vector<std::string> Service::SeenObjects(const Behaviour& behaviour,
                                              const std::string& client) {
  auto seen = store_.Find(client, [](const StoredObject&) { return true; });
  if (behaviour.newest_first) std::ranges::reverse(seen);
  const auto cap = static_cast<size_t>(std::max(0, behaviour.locate_cap));
  seen.resize(std::min(seen.size(), cap));
  return seen;
}

Outcome Service::Locate(Context& context) {
  TtlvReader attributes = context.payload;
  if (context.version.HasTypedAttributes()) {
    attributes = context.fields.OptionalStructure(KmipTag::kAttributes)
                     .value_or(TtlvReader());
  }
  const auto wanted =
      ReadFilter(attributes, context.version.HasTypedAttributes());
  const int32_t maximum =
      context.fields.OptionalInteger(KmipTag::kMaximumItems).value_or(0);
  const int32_t offset =
      context.fields.OptionalInteger(KmipTag::kOffsetItems).value_or(0);
  if (!wanted || !context.fields.status().ok()) {
    return Outcome::Fail(KmipResultReason::kInvalidField,
                         wanted ? "bad Locate" : wanted.error().message());
  }
  const Behaviour& behaviour = context.behaviour;
  auto all = store_.Find(context.client, [&](const StoredObject& stored) {
    return Matches(*wanted, stored.attributes) &&
           (wanted->created.empty() || !behaviour.finds_no_dates) &&
           (!behaviour.finds_active_only ||
            stored.attributes.state != openkeyring::KmipState::kPreActive);
  });
  if (behaviour.newest_first) std::ranges::reverse(all);
  if (behaviour.caps_before_match) {
    const auto seen = SeenObjects(behaviour, context.client);
    std::erase_if(all, [&](const std::string& id) {
      return std::ranges::find(seen, id) == seen.end();
    });
  }
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
  if (context.behaviour.drops_application_info) {
    added->application_info.clear();
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
    if (added->deactivation_date) {
      has.deactivation_date = added->deactivation_date;
    }
    return {};
  });
}

}  // namespace kmip_server
