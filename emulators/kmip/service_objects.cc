// SPDX-License-Identifier: MIT
// Create, Register, Get, and the life of an object.
#include <algorithm>
#include <memory>

#include "emulators/kmip/context.h"

namespace kmip_server {

using openkeyring::KmipAlgorithm;
using openkeyring::KmipKeyFormat;
using openkeyring::KmipObjectType;
using openkeyring::KmipRevocationReason;
using openkeyring::KmipState;
using openkeyring::KmipTag;
using openkeyring::KmipTime;
using openkeyring::Secret;

namespace {

// The attributes of TemplateAttribute (1.x) or Attributes (2.x).
Result<KmipAttributes> ReadTemplate(TtlvFields& fields, KmipVersion version) {
  const TtlvReader content =
      fields
          .OptionalStructure(version.HasTypedAttributes()
                                 ? KmipTag::kAttributes
                                 : KmipTag::kTemplateAttribute)
          .value_or(TtlvReader());
  if (!fields.status().ok()) return fields.status();
  return openkeyring::ReadKmipAttributes(content);
}

Outcome Invalid(std::string message) {
  return Outcome::Fail(KmipResultReason::kInvalidField, std::move(message));
}

bool IsStandardAesLength(int32_t bits) {
  return bits == 128 || bits == 192 || bits == 256;
}

bool IsDestroyed(const StoredObject& stored) {
  return stored.attributes.state == KmipState::kDestroyed ||
         stored.attributes.state == KmipState::kDestroyedCompromised;
}

Outcome Destroyed(KmipVersion version) {
  return Outcome::Fail(version.HasTypedAttributes()
                           ? KmipResultReason::kObjectDestroyed
                           : KmipResultReason::kItemNotFound,
                       "The object is destroyed.");
}

Outcome WrongState(KmipVersion version, const char* what) {
  return Outcome::Fail(version.HasTypedAttributes()
                           ? KmipResultReason::kWrongKeyLifecycleState
                           : KmipResultReason::kPermissionDenied,
                       what);
}

}  // namespace

Outcome Service::Create(Context& context) {
  auto attributes = ReadTemplate(context.fields, context.version);
  if (!attributes) return Invalid(attributes.error().message());
  if (!attributes->algorithm || !attributes->length ||
      !attributes->usage_mask) {
    return Invalid("algorithm, length and usage mask are needed");
  }
  StoredObject made;
  made.object.value = Secret(static_cast<size_t>(*attributes->length) / 8);
  (void)random_.Fill(made.object.value.RevealMutable());
  made.object.algorithm = attributes->algorithm;
  made.object.length = attributes->length;
  made.attributes = std::move(*attributes);
  Outcome outcome = Add(context, std::move(made));
  if (outcome.failure) return outcome;
  // Register's answer has no type (KMIP 1.4 sections 4.1 and 4.3).
  return {std::nullopt, "", [add = outcome.payload](TtlvWriter& out) {
            out.Enumeration(KmipTag::kObjectType,
                            KmipObjectType::kSymmetricKey);
            add(out);
          }};
}

Outcome Service::Register(Context& context) {
  const auto type =
      context.fields.Enumeration<KmipObjectType>(KmipTag::kObjectType);
  auto attributes = ReadTemplate(context.fields, context.version);
  if (!attributes) return Invalid(attributes.error().message());
  auto object = openkeyring::ReadKmipObject(context.payload, type);
  if (!object) return Invalid(object.error().message());
  if (type == KmipObjectType::kSymmetricKey && attributes->length &&
      static_cast<size_t>(*attributes->length) != 8 * object->value.size()) {
    return Invalid("key length and key value length do not match");
  }
  StoredObject made;
  made.attributes = std::move(*attributes);
  if (!made.attributes.algorithm) made.attributes.algorithm = object->algorithm;
  if (!made.attributes.length) made.attributes.length = object->length;
  made.object = std::move(*object);
  if (context.behaviour.spoils_values && !made.object.value.empty()) {
    made.object.value.RevealMutable()[0] ^= 1;
  }
  return Add(context, std::move(made));
}

Outcome Service::Add(Context& context, StoredObject made) {
  const Behaviour& behaviour = context.behaviour;
  KmipAttributes& attributes = made.attributes;
  if (behaviour.strict_lengths &&
      made.object.algorithm == KmipAlgorithm::kAes &&
      !IsStandardAesLength(made.object.length.value_or(0))) {
    return Invalid("AES keys have 128, 192 or 256 bits");
  }
  if (behaviour.needs_usage_mask && !attributes.usage_mask &&
      made.object.type != KmipObjectType::kOpaqueObject) {
    return Invalid("a Cryptographic Usage Mask is needed");
  }
  if (behaviour.no_vendor_attributes && !attributes.vendor_attributes.empty()) {
    return Invalid("custom attributes are not supported");
  }
  if (behaviour.refuses_application_info &&
      !attributes.application_info.empty()) {
    return Invalid("Application Specific Information is not supported");
  }
  if (behaviour.drops_application_info) attributes.application_info.clear();
  const auto has_name = [&](const StoredObject& other) {
    return std::ranges::any_of(attributes.names, [&](const auto& name) {
      return std::ranges::count(other.attributes.names, name) > 0;
    });
  };
  if (behaviour.unique_names &&
      !store_.Find(context.client, has_name).empty()) {
    return Outcome::Fail(KmipResultReason::kInvalidField,
                         "an object of that name exists already");
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.Now());
  made.owner = context.client;
  attributes.object_type = made.object.type;
  attributes.initial_date = now;
  attributes.state =
      attributes.activation_date && *attributes.activation_date <= now
          ? KmipState::kActive
          : KmipState::kPreActive;
  const std::string id = store_.Add(std::move(made));
  context.placeholder = id;
  return {std::nullopt, "",
          [id](TtlvWriter& out) { out.Text(KmipTag::kUniqueIdentifier, id); }};
}

Outcome Service::Get(Context& context) {
  const std::string id = context.Id();
  auto copy = std::make_shared<KmipObject>();
  bool is_destroyed = false;
  const bool found = store_.With(id, context.client, [&](StoredObject& stored) {
    is_destroyed = IsDestroyed(stored);
    copy->type = stored.object.type;
    copy->value = stored.object.value.Clone();
    copy->format = stored.object.format;
    copy->algorithm = stored.object.algorithm;
    copy->length = stored.object.length;
    copy->secret_type = stored.object.secret_type;
    copy->opaque_type = stored.object.opaque_type;
  });
  if (!found) return NotFound(store_, id);
  if (is_destroyed) return Destroyed(context.version);
  if (context.behaviour.raw_secrets) copy->format = KmipKeyFormat::kRaw;
  return {std::nullopt, "", [id, copy](TtlvWriter& out) {
            out.Enumeration(KmipTag::kObjectType, copy->type);
            out.Text(KmipTag::kUniqueIdentifier, id);
            openkeyring::WriteKmipObject(out, *copy);
          }};
}

Outcome Service::Change(Context& context,
                        const std::function<Outcome(StoredObject&)>& call) {
  const std::string id = context.Id();
  Outcome outcome;
  const bool found = store_.With(id, context.client, [&](StoredObject& stored) {
    outcome = call(stored);
  });
  if (!found) return NotFound(store_, id);
  if (outcome.failure) return outcome;
  return {std::nullopt, "",
          [id](TtlvWriter& out) { out.Text(KmipTag::kUniqueIdentifier, id); }};
}

Outcome Service::Activate(Context& context) {
  return Change(context, [&](StoredObject& stored) -> Outcome {
    if (stored.attributes.state != KmipState::kPreActive) {
      return WrongState(context.version, "The object is not pre-active.");
    }
    stored.attributes.state = KmipState::kActive;
    stored.attributes.activation_date =
        std::chrono::floor<std::chrono::seconds>(clock_.Now());
    return {};
  });
}

Outcome Service::Revoke(Context& context) {
  const auto reason =
      context.fields.OptionalStructure(KmipTag::kRevocationReason);
  if (!reason) return Invalid("a revocation reason is needed");
  TtlvFields inside(*reason);
  const auto code =
      inside.Enumeration<KmipRevocationReason>(KmipTag::kRevocationReasonCode);
  return Change(context, [&](StoredObject& stored) -> Outcome {
    if (code == KmipRevocationReason::kKeyCompromise) {
      stored.attributes.state = KmipState::kCompromised;
      stored.attributes.compromise_date =
          std::chrono::floor<std::chrono::seconds>(clock_.Now());
      return {};
    }
    if (stored.attributes.state != KmipState::kActive) {
      return WrongState(context.version, "The object is not active.");
    }
    stored.attributes.state = KmipState::kDeactivated;
    stored.attributes.deactivation_date =
        std::chrono::floor<std::chrono::seconds>(clock_.Now());
    return {};
  });
}

Outcome Service::Destroy(Context& context) {
  return Change(context, [&](StoredObject& stored) -> Outcome {
    if (stored.attributes.state == KmipState::kActive) {
      return WrongState(context.version,
                        "The object is active and cannot be destroyed.");
    }
    if (IsDestroyed(stored)) return Destroyed(context.version);
    if (!context.behaviour.keeps_destroyed) {
      stored.removed = true;
      return {};
    }
    stored.attributes.state = stored.attributes.state == KmipState::kCompromised
                                  ? KmipState::kDestroyedCompromised
                                  : KmipState::kDestroyed;
    stored.attributes.destroy_date =
        std::chrono::floor<std::chrono::seconds>(clock_.Now());
    stored.object.value = Secret();
    return {};
  });
}

}  // namespace kmip_server
