// SPDX-License-Identifier: MIT
#include "aws/kms_wrapper.h"

#include <utility>

#include "aws/endpoints.h"

namespace openkeyring {
namespace {

Result<WrappedKey> ToWrapped(Result<KmsCiphertext> ciphertext) {
  if (!ciphertext) return ciphertext.error();
  return WrappedKey{std::move(ciphertext->blob),
                    std::move(ciphertext->key_arn)};
}

}  // namespace

KmsWrapper::KmsWrapper(KmsClient& client,
                       std::function<std::string()> master_key_id,
                       std::string option_name)
    : client_(client),
      master_key_id_(std::move(master_key_id)),
      option_name_(std::move(option_name)) {}

Result<WrappedKey> KmsWrapper::Generate(size_t bytes,
                                        const EncryptionContext& binding,
                                        const Deadline& deadline) {
  Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  return ToWrapped(client_.GenerateDataKeyWithoutPlaintext(*key_id, bytes,
                                                           binding, deadline));
}

Result<WrappedKey> KmsWrapper::Wrap(const Secret& key,
                                    const EncryptionContext& binding,
                                    const Deadline& deadline) {
  Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  return ToWrapped(client_.Encrypt(*key_id, key, binding, deadline));
}

Result<UnwrappedKey> KmsWrapper::Unwrap(const WrappedKey& wrapped,
                                        const EncryptionContext& binding,
                                        const Deadline& deadline) {
  Result<KmsPlaintext> plaintext = client_.Decrypt(
      KeyIdFor(wrapped, deadline), wrapped.blob, binding, deadline);
  if (!plaintext) return plaintext.error();
  return UnwrappedKey{std::move(plaintext->bytes),
                      std::move(plaintext->key_arn)};
}

Result<WrappedKey> KmsWrapper::Rewrap(const WrappedKey& wrapped,
                                      const EncryptionContext& binding,
                                      const Deadline& deadline) {
  Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  return ToWrapped(client_.ReEncrypt(KeyIdFor(wrapped, deadline), *key_id,
                                     wrapped.blob, binding, deadline));
}

std::string KmsWrapper::CurrentKeyName() const { return master_key_id_(); }

Result<bool> KmsWrapper::IsCurrent(const std::string& wrapping_key,
                                   const Deadline& deadline) {
  Result<std::string> key_id = MasterKeyId();
  if (!key_id) return key_id.error();
  if (const auto same = SameKmsKey(*key_id, wrapping_key)) return *same;
  Result<KmsKeyDescription> key = client_.DescribeKey(*key_id, deadline);
  if (!key) return key.error();
  return SameKmsKey(key->arn, wrapping_key).value_or(false);
}

Result<std::string> KmsWrapper::MasterKeyId() const {
  std::string key_id = master_key_id_();
  if (key_id.empty()) {
    return Status(
        StatusCode::kMisconfigured,
        "no KMS key to make new keys under is configured: set " + option_name_);
  }
  return key_id;
}

std::string KmsWrapper::KeyIdFor(const WrappedKey& wrapped,
                                 const Deadline& deadline) {
  if (wrapped.wrapping_key.empty()) return "";
  return KeyArnInRegion(wrapped.wrapping_key, client_.Region(deadline));
}

std::optional<bool> SameKmsKey(const std::string& key_id,
                               const std::string& key_arn) {
  if (key_id == key_arn) return true;
  Result<Arn> known = ParseArn(key_arn);
  if (!known || !known->resource.starts_with("key/")) return std::nullopt;
  Result<Arn> asked = ParseArn(key_id);
  if (!asked) {
    if (key_id.starts_with("alias/")) return std::nullopt;
    return "key/" + key_id == known->resource;  // A bare id.
  }
  if (!asked->resource.starts_with("key/")) return std::nullopt;  // An alias.
  const bool multi_region = known->resource.starts_with("key/mrk-");
  return asked->resource == known->resource &&
         asked->account == known->account &&
         (multi_region || asked->region == known->region);
}

std::string KeyArnInRegion(const std::string& key_arn,
                           const std::string& region) {
  Result<Arn> arn = ParseArn(key_arn);
  if (!arn || !arn->resource.starts_with("key/mrk-")) return key_arn;
  return "arn:" + arn->partition + ":" + arn->service + ":" + region + ":" +
         arn->account + ":" + arn->resource;
}

}  // namespace openkeyring
