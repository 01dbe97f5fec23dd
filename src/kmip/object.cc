// SPDX-License-Identifier: MIT
#include "kmip/object.h"

#include "kmip/ttlv_fields.h"

namespace openkeyring {
namespace {

void WriteKeyBlock(TtlvWriter& writer, const KmipObject& object) {
  const TtlvStructure block(writer, KmipTag::kKeyBlock);
  writer.Enumeration(KmipTag::kKeyFormatType, object.format);
  {
    const TtlvStructure value(writer, KmipTag::kKeyValue);
    writer.ByteString(KmipTag::kKeyMaterial, object.value.RevealBytes());
  }
  if (object.algorithm) {
    writer.Enumeration(KmipTag::kCryptographicAlgorithm, *object.algorithm);
  }
  if (object.length) {
    writer.Integer(KmipTag::kCryptographicLength, *object.length);
  }
}

// The bytes of the key: as they are, or inside a transparent key.
Result<Secret> ReadMaterial(const TtlvReader& key_value) {
  const auto material = key_value.Find(KmipTag::kKeyMaterial);
  if (!material) {
    return Status(StatusCode::kCorrupt, "KMIP: KeyMaterial is missing");
  }
  if (material->type != TtlvType::kStructure) {
    const Result<ByteView> bytes = material->ByteString();
    if (!bytes) return bytes.error();
    return Secret::CopyOf(*bytes);
  }
  TtlvFields transparent(*material->Structure());
  const ByteView bytes = transparent.ByteString(KmipTag::kKey);
  if (!transparent.status().ok()) return transparent.status();
  return Secret::CopyOf(bytes);
}

Status ReadKeyBlock(const TtlvReader& content, KmipObject& object) {
  TtlvFields block(content);
  object.format = block.Enumeration<KmipKeyFormat>(KmipTag::kKeyFormatType);
  object.algorithm = block.OptionalEnumeration<KmipAlgorithm>(
      KmipTag::kCryptographicAlgorithm);
  object.length = block.OptionalInteger(KmipTag::kCryptographicLength);
  if (content.Find(KmipTag::kKeyWrappingData)) {
    return {StatusCode::kMisconfigured,
            "the KMIP server gives the key wrapped by another key; it must be "
            "allowed to give it in the clear"};
  }
  const TtlvReader value = block.Structure(KmipTag::kKeyValue);
  if (!block.status().ok()) return block.status();
  if (object.format != KmipKeyFormat::kRaw &&
      object.format != KmipKeyFormat::kOpaque &&
      object.format != KmipKeyFormat::kTransparentSymmetricKey) {
    return {StatusCode::kInvalidArgument,
            "KMIP key format " +
                std::to_string(static_cast<uint32_t>(object.format)) +
                " is not supported"};
  }
  Result<Secret> material = ReadMaterial(value);
  if (!material) return material.error();
  object.value = std::move(*material);
  return Status::Ok();
}

Status ReadOpaque(TtlvFields& fields, KmipObject& object) {
  object.opaque_type = fields.Enumeration<uint32_t>(KmipTag::kOpaqueDataType);
  object.value = Secret::CopyOf(fields.ByteString(KmipTag::kOpaqueDataValue));
  return fields.status();
}

Result<KmipTag> TagOf(KmipObjectType type) {
  switch (type) {
    case KmipObjectType::kSymmetricKey:
      return KmipTag::kSymmetricKey;
    case KmipObjectType::kSecretData:
      return KmipTag::kSecretData;
    case KmipObjectType::kOpaqueObject:
      return KmipTag::kOpaqueObject;
    default:
      return Status(
          StatusCode::kInvalidArgument,
          "KMIP objects of type " + KmipName(type) + " are not supported");
  }
}

}  // namespace

void WriteKmipObject(TtlvWriter& writer, const KmipObject& object) {
  if (object.type == KmipObjectType::kOpaqueObject) {
    const TtlvStructure structure(writer, KmipTag::kOpaqueObject);
    writer.Enumeration(KmipTag::kOpaqueDataType, object.opaque_type);
    writer.ByteString(KmipTag::kOpaqueDataValue, object.value.RevealBytes());
    return;
  }
  const bool secret = object.type == KmipObjectType::kSecretData;
  const TtlvStructure structure(
      writer, secret ? KmipTag::kSecretData : KmipTag::kSymmetricKey);
  if (secret) writer.Enumeration(KmipTag::kSecretDataType, object.secret_type);
  WriteKeyBlock(writer, object);
}

Result<KmipObject> ReadKmipObject(TtlvReader payload, KmipObjectType type) {
  const Result<KmipTag> tag = TagOf(type);
  if (!tag) return tag.error();
  TtlvFields outer(payload);
  const TtlvReader content = outer.Structure(*tag);
  if (!outer.status().ok()) return outer.status();
  KmipObject object;
  object.type = type;
  TtlvFields fields(content);
  Status status;
  if (type == KmipObjectType::kOpaqueObject) {
    status = ReadOpaque(fields, object);
  } else {
    if (type == KmipObjectType::kSecretData) {
      object.secret_type =
          fields.Enumeration<KmipSecretDataType>(KmipTag::kSecretDataType);
    }
    const TtlvReader block = fields.Structure(KmipTag::kKeyBlock);
    status = fields.status();
    if (status.ok()) status = ReadKeyBlock(block, object);
  }
  if (!status.ok()) return status;
  return object;
}

}  // namespace openkeyring
