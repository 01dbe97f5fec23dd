// SPDX-License-Identifier: MIT
#include "aws/kms_messages.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "json/secret_json.h"

namespace openkeyring {
namespace {

using Json = nlohmann::json;

Status TooLong(std::string_view what, size_t size, size_t least, size_t most) {
  return {StatusCode::kInvalidArgument,
          std::string(what) + " of " + std::to_string(size) +
              " bytes; AWS KMS takes " + std::to_string(least) + " to " +
              std::to_string(most)};
}

Status CheckSize(std::string_view what, size_t size, size_t most) {
  return size >= 1 && size <= most ? Status::Ok()
                                   : TooLong(what, size, 1, most);
}

// Key ids and contexts come from configuration files: bytes that are not UTF-8
// must not make the library throw.
Secret Dump(const Json& json) {
  return Secret::CopyOf(
      json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void AddContext(Json& json, const char* name,
                const EncryptionContext& context) {
  if (!context.empty()) json[name] = context;
}

// The members other than plaintext. kCorrupt when this is not an object.
Result<Json> ParseObject(const Secret& body) {
  const std::string_view text = body.RevealText();
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_object()) return json;
  return Status(StatusCode::kCorrupt, "the answer is not a JSON object");
}

Status Missing(const char* member) {
  return {StatusCode::kCorrupt,
          std::string("the answer has no valid ") + member};
}

std::string StringOr(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>()
                                                   : std::string();
}

// Seconds since 1970, perhaps with a fraction; nothing for what cannot be a
// date of a KMS key.
std::optional<WallTime> TimeOr(const Json& json, const char* name) {
  constexpr double kYear2200 = 7258118400;
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!(seconds > 0 && seconds < kYear2200)) return std::nullopt;
  return WallTime(std::chrono::seconds(static_cast<int64_t>(seconds)));
}

bool BoolOr(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

Result<KmsCiphertext> CiphertextOf(const Json& json) {
  const std::string text = StringOr(json, "CiphertextBlob");
  Result<Bytes> blob = Base64Decode(text);
  if (!blob || blob->empty() || blob->size() > kMaxKmsCiphertext) {
    return Missing("CiphertextBlob");
  }
  return KmsCiphertext{std::move(*blob), StringOr(json, "KeyId")};
}

Result<Secret> TakePlaintext(Secret& body) {
  Result<Secret> plaintext = TakeJsonBase64(body, "Plaintext");
  if (!plaintext || plaintext->empty()) return Missing("Plaintext");
  return plaintext;
}

}  // namespace

Status CheckKmsKeyId(std::string_view key_id) {
  return CheckSize("a KMS key id", key_id.size(), kMaxKmsKeyId);
}

Result<Secret> WriteGenerateDataKey(std::string_view key_id, size_t bytes,
                                    const EncryptionContext& context) {
  Status status = CheckKmsKeyId(key_id);
  if (status.ok()) status = CheckSize("a data key", bytes, kMaxKmsGenerated);
  if (!status.ok()) return status;
  Json json = {{"KeyId", key_id}};
  if (bytes == 16 || bytes == 32) {
    json["KeySpec"] = bytes == 16 ? "AES_128" : "AES_256";
  } else {
    json["NumberOfBytes"] = bytes;
  }
  AddContext(json, "EncryptionContext", context);
  return Dump(json);
}

Result<Secret> WriteEncrypt(std::string_view key_id, const Secret& plaintext,
                            const EncryptionContext& context) {
  Status status = CheckKmsKeyId(key_id);
  if (status.ok()) {
    status = CheckSize("a plaintext", plaintext.size(), kMaxKmsPlaintext);
  }
  if (!status.ok()) return status;
  Json json = {{"KeyId", key_id}};
  AddContext(json, "EncryptionContext", context);
  // The plaintext goes around the library: into the object's open end.
  Secret body = Dump(json);
  body.Truncate(body.size() - 1);
  body.Append(std::string_view(",\"Plaintext\":\""));
  Base64EncodeTo(plaintext, body);
  body.Append(std::string_view("\"}"));
  return body;
}

Result<Secret> WriteDecrypt(std::string_view key_id, ByteView ciphertext,
                            const EncryptionContext& context) {
  Status status =
      CheckSize("a ciphertext", ciphertext.size(), kMaxKmsCiphertext);
  if (status.ok() && !key_id.empty()) status = CheckKmsKeyId(key_id);
  if (!status.ok()) return status;
  Json json = {{"CiphertextBlob", Base64Encode(ciphertext)}};
  if (!key_id.empty()) json["KeyId"] = key_id;
  AddContext(json, "EncryptionContext", context);
  return Dump(json);
}

Result<Secret> WriteReEncrypt(std::string_view source_key_id,
                              std::string_view destination_key_id,
                              ByteView ciphertext,
                              const EncryptionContext& context) {
  Status status =
      CheckSize("a ciphertext", ciphertext.size(), kMaxKmsCiphertext);
  if (status.ok()) status = CheckKmsKeyId(destination_key_id);
  if (status.ok() && !source_key_id.empty()) {
    status = CheckKmsKeyId(source_key_id);
  }
  if (!status.ok()) return status;
  Json json = {{"CiphertextBlob", Base64Encode(ciphertext)},
               {"DestinationKeyId", destination_key_id}};
  if (!source_key_id.empty()) json["SourceKeyId"] = source_key_id;
  AddContext(json, "SourceEncryptionContext", context);
  AddContext(json, "DestinationEncryptionContext", context);
  return Dump(json);
}

Result<Secret> WriteKeyIdOnly(std::string_view key_id) {
  Status status = CheckKmsKeyId(key_id);
  if (!status.ok()) return status;
  return Dump({{"KeyId", key_id}});
}

Result<Secret> WriteEnableKeyRotation(std::string_view key_id,
                                      int period_days) {
  Status status = CheckKmsKeyId(key_id);
  if (!status.ok()) return status;
  Json json = {{"KeyId", key_id}};
  if (period_days != 0) {
    if (period_days < 90 || period_days > 2560) {
      return Status(StatusCode::kInvalidArgument,
                    "a rotation period must be 90 to 2560 days");
    }
    json["RotationPeriodInDays"] = period_days;
  }
  return Dump(json);
}

Result<KmsCiphertext> ReadCiphertext(Secret& body) {
  Result<Json> json = ParseObject(body);
  if (!json) return json.error();
  return CiphertextOf(*json);
}

Result<KmsPlaintext> ReadPlaintext(Secret& body) {
  Result<Secret> plaintext = TakePlaintext(body);
  if (!plaintext) return plaintext.error();
  Result<Json> json = ParseObject(body);
  if (!json) return json.error();
  return KmsPlaintext{std::move(*plaintext), StringOr(*json, "KeyId")};
}

Result<KmsKeyDescription> ReadKeyDescription(Secret& body) {
  Result<Json> json = ParseObject(body);
  if (!json) return json.error();
  const auto found = json->find("KeyMetadata");
  if (found == json->end() || !found->is_object()) {
    return Missing("KeyMetadata");
  }
  KmsKeyDescription key;
  key.arn = StringOr(*found, "Arn");
  key.state = StringOr(*found, "KeyState");
  key.spec = StringOr(*found, "KeySpec");
  key.usage = StringOr(*found, "KeyUsage");
  key.enabled = BoolOr(*found, "Enabled");
  key.multi_region = BoolOr(*found, "MultiRegion");
  key.created = TimeOr(*found, "CreationDate");
  key.deletion = TimeOr(*found, "DeletionDate");
  key.valid_to = TimeOr(*found, "ValidTo");
  if (key.arn.empty()) return Missing("Arn");
  return key;
}

namespace {

std::string ArnOr(const Json& json, const char* name) {
  std::string id = StringOr(json, name);
  return id.starts_with("arn:") ? id : "";
}

}  // namespace

// At most every 90 days and 25 times on demand: they fit a page of 100.
Result<KmsLastRotation> ReadLastRotation(Secret& body) {
  Result<Json> json = ParseObject(body);
  if (!json) return json.error();
  const auto list = json->find("Rotations");
  if (list == json->end() || !list->is_array()) return Missing("Rotations");
  if (BoolOr(*json, "Truncated")) return Missing("complete list of Rotations");
  KmsLastRotation last;
  for (const Json& one : *list) {
    const auto date =
        one.is_object() ? TimeOr(one, "RotationDate") : std::nullopt;
    if (!date) return Missing("RotationDate");
    last.key_arn = ArnOr(one, "KeyId");
    if (!last.date || *last.date < *date) last.date = date;
  }
  return last;
}

Result<KmsRotationStatus> ReadRotationStatus(Secret& body) {
  Result<Json> json = ParseObject(body);
  if (!json) return json.error();
  const auto enabled = json->find("KeyRotationEnabled");
  if (enabled == json->end() || !enabled->is_boolean()) {
    return Missing("KeyRotationEnabled");
  }
  return KmsRotationStatus{ArnOr(*json, "KeyId"), enabled->get<bool>(),
                           TimeOr(*json, "NextRotationDate")};
}

}  // namespace openkeyring
