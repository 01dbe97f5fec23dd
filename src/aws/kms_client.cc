// SPDX-License-Identifier: MIT
#include "aws/kms_client.h"

#include <utility>

#include "aws/arn.h"

namespace openkeyring {
namespace {

Status IgnoreAnswer(Secret&) { return Status::Ok(); }

Result<WrappedKey> ToWrapped(Result<KmsCiphertext> ciphertext) {
  if (!ciphertext) return ciphertext.error();
  return WrappedKey{std::move(ciphertext->blob),
                    std::move(ciphertext->key_arn)};
}

const std::string& KeyArnOf(const KmsCiphertext& answer) {
  return answer.key_arn;
}
const std::string& KeyArnOf(const KmsPlaintext& answer) {
  return answer.key_arn;
}
const std::string& KeyArnOf(const KmsKeyDescription& answer) {
  return answer.arn;
}

// Operations that a usable KMS key is needed for.
bool UsesKey(std::string_view operation) {
  return operation.starts_with("GenerateDataKey") || operation == "Encrypt" ||
         operation == "Decrypt" || operation == "ReEncrypt";
}

// The answer to another question is not an answer.
Status CheckKey(std::string_view asked, const std::string& answered) {
  // No key is asked for where only the blob knows which one wrapped it.
  if (asked.empty() ||
      SameKmsKey(std::string(asked), answered).value_or(true)) {
    return Status::Ok();
  }
  return {StatusCode::kCorrupt,
          "the answer is about another KMS key, " + answered};
}

template <typename T>
Status CheckAnswer(std::string_view asked, const T& answer) {
  return CheckKey(asked, KeyArnOf(answer));
}
// These do not always say it.
Status CheckAnswer(std::string_view asked, const KmsLastRotation& answer) {
  return answer.key_arn.empty() ? Status::Ok()
                                : CheckKey(asked, answer.key_arn);
}
Status CheckAnswer(std::string_view asked, const KmsRotationStatus& answer) {
  return answer.key_arn.empty() ? Status::Ok()
                                : CheckKey(asked, answer.key_arn);
}

}  // namespace

KmsClient::KmsClient(AwsDependencies dependencies, const AwsSettings& settings,
                     CredentialProvider& credentials, RegionResolver& region,
                     KmsClientOptions options)
    : client_(dependencies,
              {"kms", "AWS KMS", settings.kms_endpoint_url,
               options.attempt_timeout},
              settings, region, std::move(options.statistics)),
      credentials_(credentials),
      region_(region),
      master_key_id_(std::move(options.master_key_id)),
      master_key_option_(std::move(options.master_key_option)) {}

Status KmsClient::Call(const char* operation, std::string_view key_id,
                       const Result<Secret>& body, Read read,
                       const Deadline& deadline, bool resend) {
  if (!body) return body.error().WithContext(operation);
  AwsCall call;
  call.operation = operation;
  call.key_id = key_id;
  call.credentials = &credentials_;
  call.resend = resend;
  call.uses_key = UsesKey(operation);
  call.read = std::move(read);
  call.write = [&](HttpRequest& request) {
    request.headers = {
        {"Content-Type", "application/x-amz-json-1.1"},
        {"X-Amz-Target", "TrentService." + std::string(operation)}};
    request.body = body->Clone();
    return Status::Ok();
  };
  return client_.Call(call, deadline);
}

template <typename T>
Result<T> KmsClient::CallAndRead(const char* operation, std::string_view key_id,
                                 const Result<Secret>& body,
                                 Result<T> (*read)(Secret&),
                                 const Deadline& deadline) {
  Result<T> result = Status(StatusCode::kInternal, "not called");
  Status status = Call(
      operation, key_id, body,
      [&](Secret& answer) {
        result = read(answer);
        return result ? CheckAnswer(key_id, *result) : result.error();
      },
      deadline);
  if (!status.ok()) return status;
  return result;
}

Result<WrappedKey> KmsClient::Generate(size_t bytes,
                                       const EncryptionContext& context,
                                       const Deadline& deadline) {
  Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  return ToWrapped(CallAndRead("GenerateDataKeyWithoutPlaintext", *key_id,
                               WriteGenerateDataKey(*key_id, bytes, context),
                               ReadCiphertext, deadline));
}

Result<Secret> KmsClient::GenerateSecret(size_t bytes,
                                         const EncryptionContext& context,
                                         const Deadline& deadline) {
  Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  Result<KmsPlaintext> made = CallAndRead(
      "GenerateDataKey", *key_id, WriteGenerateDataKey(*key_id, bytes, context),
      ReadPlaintext, deadline);
  if (made) return std::move(made->bytes);
  if (made.status().code() != StatusCode::kDenied) return made.error();
  // Policies made for MariaDB's own plugin allow the two other operations only.
  return KeyWrapper::GenerateSecret(bytes, context, deadline);
}

Result<WrappedKey> KmsClient::Wrap(const Secret& key,
                                   const EncryptionContext& context,
                                   const Deadline& deadline) {
  Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  return ToWrapped(CallAndRead("Encrypt", *key_id,
                               WriteEncrypt(*key_id, key, context),
                               ReadCiphertext, deadline));
}

Result<UnwrappedKey> KmsClient::Unwrap(const WrappedKey& wrapped,
                                       const EncryptionContext& context,
                                       const Deadline& deadline) {
  const Result<std::string> key_id =
      KeyIdNear(wrapped.wrapping_key, wrapped.wrapping_key, deadline);
  if (!key_id) return key_id.error();
  Result<KmsPlaintext> plaintext = CallAndRead(
      "Decrypt", *key_id, WriteDecrypt(*key_id, wrapped.blob, context),
      ReadPlaintext, deadline);
  if (!plaintext) return plaintext.error();
  return UnwrappedKey{std::move(plaintext->bytes),
                      std::move(plaintext->key_arn)};
}

Result<WrappedKey> KmsClient::Rewrap(const WrappedKey& wrapped,
                                     const EncryptionContext& context,
                                     const Deadline& deadline) {
  Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  const Result<std::string> source =
      KeyIdNear(*key_id, wrapped.wrapping_key, deadline);
  if (!source) return source.error();
  return ToWrapped(
      CallAndRead("ReEncrypt", *key_id,
                  WriteReEncrypt(*source, *key_id, wrapped.blob, context),
                  ReadCiphertext, deadline));
}

std::string KmsClient::CurrentKeyName() const { return master_key_id_(); }

Result<bool> KmsClient::IsCurrent(const std::string& wrapping_key,
                                  const Deadline& deadline) {
  Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  if (const auto same = SameKmsKey(*key_id, wrapping_key)) return *same;
  Result<KmsKeyDescription> key = DescribeKey(*key_id, deadline);
  if (!key) return key.error();
  return SameKmsKey(key->arn, wrapping_key).value_or(false);
}

Result<KmsKeyDescription> KmsClient::DescribeKey(std::string_view key_id,
                                                 const Deadline& deadline) {
  return CallAndRead("DescribeKey", key_id, WriteKeyIdOnly(key_id),
                     ReadKeyDescription, deadline);
}

Result<KmsLastRotation> KmsClient::LastRotation(std::string_view key_id,
                                                const Deadline& deadline) {
  return CallAndRead("ListKeyRotations", key_id, WriteKeyIdOnly(key_id),
                     ReadLastRotation, deadline);
}

Result<KmsRotationStatus> KmsClient::RotationStatus(std::string_view key_id,
                                                    const Deadline& deadline) {
  return CallAndRead("GetKeyRotationStatus", key_id, WriteKeyIdOnly(key_id),
                     ReadRotationStatus, deadline);
}

Status KmsClient::EnableKeyRotation(std::string_view key_id, int period_days,
                                    const Deadline& deadline) {
  return Call("EnableKeyRotation", key_id,
              WriteEnableKeyRotation(key_id, period_days), IgnoreAnswer,
              deadline);
}

Status KmsClient::RotateKeyOnDemand(std::string_view key_id,
                                    const Deadline& deadline) {
  return Call("RotateKeyOnDemand", key_id, WriteKeyIdOnly(key_id), IgnoreAnswer,
              deadline, false);
}

Status KmsClient::DryRun(const char* operation, const std::string& key_id,
                         Result<Secret> body, const Deadline& deadline) {
  if (!body) return body.error();
  Secret dry = Secret::CopyOf("{\"DryRun\":true,");
  dry.Append(body->RevealBytes().subspan(1));
  Status status =
      Call(operation, key_id, std::move(dry), IgnoreAnswer, deadline);
  // That is how KMS says yes.
  const bool allowed =
      status.message().find("DryRunOperation") != std::string::npos;
  return allowed ? Status::Ok() : status;
}

Status KmsClient::MayGenerate(const EncryptionContext& context,
                              const Deadline& deadline) {
  const Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  return DryRun("GenerateDataKeyWithoutPlaintext", *key_id,
                WriteGenerateDataKey(*key_id, 32, context), deadline);
}

Status KmsClient::MayWrap(const EncryptionContext& context,
                          const Deadline& deadline) {
  const Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  return DryRun("Encrypt", *key_id, WriteEncrypt(*key_id, Secret(32), context),
                deadline);
}

Status KmsClient::MayUnwrap(const WrappedKey& wrapped,
                            const EncryptionContext& context,
                            const Deadline& deadline) {
  const Result<std::string> key_id =
      KeyIdNear(wrapped.wrapping_key, wrapped.wrapping_key, deadline);
  if (!key_id) return key_id.error();
  return DryRun("Decrypt", *key_id,
                WriteDecrypt(*key_id, wrapped.blob, context), deadline);
}

Result<std::string> KmsClient::MasterKeyId() const {
  std::string key_id = master_key_id_();
  if (key_id.empty()) {
    return Status(StatusCode::kMisconfigured,
                  "no KMS key to make new keys under is configured: set " +
                      master_key_option_);
  }
  return key_id;
}

Result<std::string> KmsClient::KeyIdNear(const std::string& near,
                                         const std::string& wrapping_key,
                                         const Deadline& deadline) {
  if (!IsMultiRegionKeyArn(wrapping_key)) return wrapping_key;
  const Result<std::string> region = region_.RegionFor(near, deadline);
  if (!region) return region.error();
  return KeyArnInRegion(wrapping_key, *region);
}

}  // namespace openkeyring
