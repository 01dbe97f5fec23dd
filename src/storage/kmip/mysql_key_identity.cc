// SPDX-License-Identifier: MIT
#include "storage/kmip/mysql_key_identity.h"

#include <vector>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr char kNamespace[] = "openkeyring-mysql";
constexpr char kOurNamespaces[] = "openkeyring-";
constexpr char kVersion[] = "1";

// KmipUsage: encrypt and decrypt; derive and export, which Fortanix wants of
// secret data (systems.md 2.5).
constexpr int32_t kKeyUsage = 0x0C, kSecretUsage = 0x240;

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> fields;
  for (size_t end; (end = text.find(';')) != std::string_view::npos;) {
    fields.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  fields.push_back(text);
  return fields;
}

std::string Encode(const MysqlKeyIdentity& identity) {
  std::string text = kVersion;
  for (const std::string* field : {&identity.type, &identity.name.data_id,
                                   &identity.name.auth_id, &identity.nonce}) {
    text += ';' + PercentEncode(*field);
  }
  return text;
}

Result<std::optional<MysqlKeyIdentity>> Decode(const std::string& text) {
  const std::vector<std::string_view> fields = Split(text);
  if (fields.front() != kVersion) {
    return Status(StatusCode::kCorrupt,
                  "its identity is of a format (" +
                      PercentEncode(fields.front().substr(0, 16)) +
                      ") that a later OpenKeyring may know");
  }
  MysqlKeyIdentity identity;
  if (fields.size() == 5) {
    identity = {{PercentDecode(fields[2]), PercentDecode(fields[3])},
                PercentDecode(fields[1]),
                PercentDecode(fields[4])};
  }
  if (identity.name.data_id.empty() || identity.type.empty() ||
      identity.nonce.empty() || Encode(identity) != text) {
    return Status(StatusCode::kCorrupt, "its identity cannot be read");
  }
  return identity;
}

std::optional<std::string> TypeOf(const KmipAttributes& attributes) {
  if (attributes.object_type == KmipObjectType::kSecretData) return "SECRET";
  const bool aes =
      attributes.algorithm.value_or(KmipAlgorithm::kAes) == KmipAlgorithm::kAes;
  if (attributes.object_type == KmipObjectType::kSymmetricKey && aes) {
    return "AES";
  }
  return std::nullopt;
}

}  // namespace

std::string MysqlKeyObjectName(const KeyName& name) {
  if (name.auth_id.empty()) return name.data_id;
  return std::string(kNamespace) + "/" + PercentEncode(name.auth_id) + "/" +
         PercentEncode(name.data_id);
}

std::string MysqlKeyUniqueName(const MysqlKeyIdentity& identity) {
  return std::string(kNamespace) + "/" + PercentEncode(identity.name.auth_id) +
         "/" + PercentEncode(identity.name.data_id) + "/" + identity.nonce;
}

bool IsMysqlNameEnough(const Key& key) {
  if (!key.name.auth_id.empty()) return false;
  return key.type == "SECRET" ||
         MysqlKeyObject(key).type == KmipObjectType::kSymmetricKey;
}

KmipObject MysqlKeyObject(const Key& key) {
  const size_t bytes = key.data.size();
  KmipObject object;
  object.value = key.data.Clone();
  if (key.type == "AES" && (bytes == 16 || bytes == 24 || bytes == 32)) {
    object.algorithm = KmipAlgorithm::kAes;
    object.length = static_cast<int32_t>(bytes * 8);
  } else {
    object.type = KmipObjectType::kSecretData;
    object.format = KmipKeyFormat::kOpaque;
  }
  return object;
}

KmipAttributes MysqlKeyAttributes(const MysqlKeyIdentity& identity,
                                  const std::string& object_group,
                                  KmipObjectType type, size_t bytes) {
  KmipAttributes attributes;
  attributes.names = {MysqlKeyObjectName(identity.name)};
  if (!object_group.empty()) attributes.object_groups = {object_group};
  attributes.application_info = {{kNamespace, Encode(identity)}};
  attributes.usage_mask = kSecretUsage;
  if (type == KmipObjectType::kSymmetricKey) {
    attributes.algorithm = KmipAlgorithm::kAes;
    attributes.length = static_cast<int32_t>(bytes * 8);
    attributes.usage_mask = kKeyUsage;
  }
  return attributes;
}

Result<std::optional<MysqlKeyIdentity>> ReadMysqlKeyIdentity(
    const KmipAttributes& attributes) {
  bool of_another_product = false;
  for (const KmipApplicationInfo& info : attributes.application_info) {
    if (info.name_space == kNamespace) return Decode(info.data);
    of_another_product |= info.name_space.starts_with(kOurNamespaces);
  }
  const std::optional<std::string> type = TypeOf(attributes);
  if (of_another_product || !type || attributes.names.empty() ||
      attributes.names.front().empty()) {
    return std::nullopt;
  }
  return MysqlKeyIdentity{{attributes.names.front(), ""}, *type, ""};
}

}  // namespace openkeyring
