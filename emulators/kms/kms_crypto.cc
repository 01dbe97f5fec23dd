// SPDX-License-Identifier: MIT
// The cryptographic operations of KmsService.
#include "base/encoding.h"
#include "emulators/kms/kms_service.h"

namespace kms_emulator {
namespace {

using openkeyring::Base64Encode;
using Need = Fields::Need;

constexpr Fields::Limits kPlaintextLimits = {1, 4096};
constexpr Fields::Limits kBlobLimits = {1, 6144};
constexpr std::string_view kAlgorithm = "SYMMETRIC_DEFAULT";

Failure DryRunPassed() {
  return Fail(
      "DryRunOperationException",
      "The request would have succeeded, but the DryRun option is set.");
}

// Limits of KeySpec and NumberOfBytes; the size of the data key.
size_t DataKeySize(Fields& fields) {
  const std::string spec = fields.OneOf("KeySpec", "", {"AES_256", "AES_128"});
  const auto bytes = fields.Number("NumberOfBytes", 1, 1024);
  if (spec.empty() == !bytes.has_value()) {
    fields.Invalid("Please specify either number of bytes or key spec.");
  }
  if (bytes) return static_cast<size_t>(std::max<int64_t>(*bytes, 0));
  return spec == "AES_128" ? 16 : 32;
}

void ReadAlgorithm(Fields& fields, const char* name) {
  const std::string algorithm =
      fields.OneOf(name, std::string(kAlgorithm),
                   {"SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1",
                    "RSAES_OAEP_SHA_256", "SM2PKE"});
  if (algorithm != kAlgorithm) {
    fields.Invalid("The algorithm " + algorithm +
                   " is incompatible with the key spec SYMMETRIC_DEFAULT.");
  }
}

}  // namespace

Outcome<KmsService::UsableKey> KmsService::FindUsable(
    const Request& request, const std::string& action,
    const std::string& key_id) {
  const auto find = [&](const State& state) -> Outcome<UsableKey> {
    const Outcome<Key> key =
        FindKey(state, request.caller, action, key_id, KeyIdForms::kAll);
    if (!key) return Failure(key.error());
    const std::string arn = KeyArn(state, *key);
    const Outcome<void> allowed = Authorize(request.caller, action, arn);
    if (!allowed) return Failure(allowed.error());
    const Outcome<void> enabled = CheckEnabled(state, *key);
    if (!enabled) return Failure(enabled.error());
    if (key->usage != "ENCRYPT_DECRYPT") {
      return Fail("InvalidKeyUsageException",
                  arn + " key usage is " + key->usage +
                      " which is not valid for this operation.");
    }
    return UsableKey{*key, arn, state.material.at(key->id)};
  };
  Outcome<UsableKey> key = store_.View(find);
  if (!key || key->key.rotation_next == 0 || key->key.rotation_next > Now()) {
    return key;
  }
  const Outcome<void> rotated = RotateIfDue(key->key);
  if (!rotated) return Failure(rotated.error());
  return store_.View(find);
}

Outcome<KmsService::UsableKey> KmsService::FindForBlob(
    const Request& request, const std::string& action, ByteView blob,
    const std::string& key_id) {
  const Result<BlobName> name = ReadBlobName(blob);
  if (!name) return Fail("InvalidCiphertextException");
  if (!key_id.empty()) {
    Outcome<UsableKey> key = FindUsable(request, action, key_id);
    if (key && key->key.id != name->key_id) {
      return Fail("IncorrectKeyException",
                  "The key ID in the request does not identify a CMK that can "
                  "perform this operation.");
    }
    return key;
  }
  const bool here = store_.View([&](const State& state) {
    return state.keys.contains({request.caller.region, name->key_id});
  });
  if (here) return FindUsable(request, action, name->key_id);
  return Fail("AccessDeniedException",
              "The ciphertext refers to a customer master key that does not "
              "exist, does not exist in this region, or you are not allowed to "
              "access.");
}

Outcome<std::string> KmsService::Seal(const UsableKey& key,
                                      const Context& context,
                                      ByteView plaintext) {
  const Result<Bytes> blob =
      SealBlob(random_, key.key.id, key.generations.back(), context, plaintext);
  if (blob) return Base64Encode(*blob);
  return Fail("KMSInternalException", blob.error().ToString(), 500);
}

Outcome<KmsService::Opened> KmsService::Open(const UsableKey& key,
                                             const Context& context,
                                             ByteView blob) {
  const Result<BlobName> name = ReadBlobName(blob);
  if (!name) return Fail("InvalidCiphertextException");
  for (const BackingKey& generation : key.generations) {
    if (!generation.id.starts_with(name->material_prefix)) continue;
    Result<Bytes> plaintext = OpenBlob(blob, generation, context);
    if (!plaintext) break;
    return Opened{std::move(*plaintext), generation.id};
  }
  return Fail("InvalidCiphertextException");
}

Outcome<Json> KmsService::MakeDataKey(Request& request, bool with_plaintext) {
  Fields& fields = request.fields;
  const std::string key_id = fields.RequiredKeyId();
  const size_t size = DataKeySize(fields);
  const Context context = fields.EncryptionContext();
  fields.GrantTokens();
  const bool dry_run = fields.Flag("DryRun");
  if (const auto check = fields.Check(); !check) return Failure(check.error());
  if (fields.Has("Recipient")) {
    return Fail("UnsupportedOperationException",
                "Recipient (Nitro Enclaves) is not emulated.");
  }
  const auto key = FindUsable(request, request.action, key_id);
  if (!key) return Failure(key.error());
  if (dry_run) return DryRunPassed();
  Bytes plaintext(size);
  if (const Status status = random_.Fill(plaintext); !status.ok()) {
    return Fail("KMSInternalException", status.ToString(), 500);
  }
  const auto blob = Seal(*key, context, plaintext);
  if (!blob) return Failure(blob.error());
  Json answer = {{"CiphertextBlob", *blob},
                 {"KeyId", key->arn},
                 {"KeyMaterialId", key->generations.back().id}};
  if (with_plaintext) answer["Plaintext"] = Base64Encode(plaintext);
  return answer;
}

Outcome<Json> KmsService::GenerateDataKey(Request& request) {
  return MakeDataKey(request, true);
}

Outcome<Json> KmsService::GenerateDataKeyWithoutPlaintext(Request& request) {
  return MakeDataKey(request, false);
}

Outcome<Json> KmsService::Encrypt(Request& request) {
  Fields& fields = request.fields;
  const std::string key_id = fields.RequiredKeyId();
  const Bytes plaintext = fields.Blob("Plaintext", kPlaintextLimits);
  const Context context = fields.EncryptionContext();
  ReadAlgorithm(fields, "EncryptionAlgorithm");
  fields.GrantTokens();
  const bool dry_run = fields.Flag("DryRun");
  if (const auto check = fields.Check(); !check) return Failure(check.error());
  const auto key = FindUsable(request, request.action, key_id);
  if (!key) return Failure(key.error());
  if (dry_run) return DryRunPassed();
  const auto blob = Seal(*key, context, plaintext);
  if (!blob) return Failure(blob.error());
  return Json{{"CiphertextBlob", *blob},
              {"KeyId", key->arn},
              {"EncryptionAlgorithm", kAlgorithm}};
}

Outcome<Json> KmsService::Decrypt(Request& request) {
  Fields& fields = request.fields;
  const Bytes blob = fields.Blob("CiphertextBlob", kBlobLimits);
  const std::string key_id = fields.OptionalKeyId("KeyId");
  const Context context = fields.EncryptionContext();
  ReadAlgorithm(fields, "EncryptionAlgorithm");
  fields.GrantTokens();
  const bool dry_run = fields.Flag("DryRun");
  if (const auto check = fields.Check(); !check) return Failure(check.error());
  const auto key = FindForBlob(request, request.action, blob, key_id);
  if (!key) return Failure(key.error());
  const auto opened = Open(*key, context, blob);
  if (!opened) return Failure(opened.error());
  if (dry_run) return DryRunPassed();
  return Json{{"Plaintext", Base64Encode(opened->plaintext)},
              {"KeyId", key->arn},
              {"EncryptionAlgorithm", kAlgorithm},
              {"KeyMaterialId", opened->material_id}};
}

Outcome<Json> KmsService::ReEncrypt(Request& request) {
  Fields& fields = request.fields;
  const Bytes blob = fields.Blob("CiphertextBlob", kBlobLimits);
  const std::string source_id = fields.OptionalKeyId("SourceKeyId");
  const std::string target_id = fields.RequiredKeyId("DestinationKeyId");
  const Context source_context =
      fields.EncryptionContext("SourceEncryptionContext");
  const Context target_context =
      fields.EncryptionContext("DestinationEncryptionContext");
  ReadAlgorithm(fields, "SourceEncryptionAlgorithm");
  ReadAlgorithm(fields, "DestinationEncryptionAlgorithm");
  fields.GrantTokens();
  const bool dry_run = fields.Flag("DryRun");
  if (const auto check = fields.Check(); !check) return Failure(check.error());
  const auto source =
      FindForBlob(request, "kms:ReEncryptFrom", blob, source_id);
  if (!source) return Failure(source.error());
  const auto target = FindUsable(request, "kms:ReEncryptTo", target_id);
  if (!target) return Failure(target.error());
  const auto opened = Open(*source, source_context, blob);
  if (!opened) return Failure(opened.error());
  if (dry_run) return DryRunPassed();
  const auto sealed = Seal(*target, target_context, opened->plaintext);
  if (!sealed) return Failure(sealed.error());
  return Json{{"CiphertextBlob", *sealed},
              {"SourceKeyId", source->arn},
              {"KeyId", target->arn},
              {"SourceEncryptionAlgorithm", kAlgorithm},
              {"DestinationEncryptionAlgorithm", kAlgorithm},
              {"SourceKeyMaterialId", opened->material_id},
              {"DestinationKeyMaterialId", target->generations.back().id}};
}

Outcome<Json> KmsService::GenerateRandom(Request& request) {
  Fields& fields = request.fields;
  const int64_t size = fields.RequiredNumber("NumberOfBytes", 1, 1024);
  if (const auto check = fields.Check(); !check) return Failure(check.error());
  const auto allowed = Authorize(request.caller, request.action, "*");
  if (!allowed) return Failure(allowed.error());
  Bytes plaintext(static_cast<size_t>(size));
  if (const Status status = random_.Fill(plaintext); !status.ok()) {
    return Fail("KMSInternalException", status.ToString(), 500);
  }
  return Json{{"Plaintext", Base64Encode(plaintext)}};
}

}  // namespace kms_emulator
