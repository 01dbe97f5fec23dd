// SPDX-License-Identifier: MIT
#include "aws/kms_messages.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr char kKey[] = "alias/db";
const EncryptionContext kContext = {{"b", "2"}, {"a", "1 \"quoted\""}};

std::string TextOf(const Result<Secret>& body) {
  return body ? std::string(body->RevealText()) : body.error().ToString();
}

StatusCode CodeOf(const Result<Secret>& body) { return body.status().code(); }

// ---- Requests --------------------------------------------------------------

TEST(KmsMessages, GenerateDataKeyNamesAesSizesAndCountsOthers) {
  EXPECT_EQ(TextOf(WriteGenerateDataKey(kKey, 32, {})),
            R"({"KeyId":"alias/db","KeySpec":"AES_256"})");
  EXPECT_EQ(TextOf(WriteGenerateDataKey(kKey, 16, {})),
            R"({"KeyId":"alias/db","KeySpec":"AES_128"})");
  EXPECT_EQ(
      TextOf(WriteGenerateDataKey(kKey, 24, kContext)),
      R"({"EncryptionContext":{"a":"1 \"quoted\"","b":"2"},"KeyId":"alias/db",)"
      R"("NumberOfBytes":24})");
}

TEST(KmsMessages, EncryptCarriesThePlaintextInBase64) {
  EXPECT_EQ(TextOf(WriteEncrypt(kKey, Secret::CopyOf("foob"), {})),
            R"({"KeyId":"alias/db","Plaintext":"Zm9vYg=="})");
  EXPECT_EQ(TextOf(WriteEncrypt(kKey, Secret::CopyOf("foob"), {{"a", "1"}})),
            R"({"EncryptionContext":{"a":"1"},"KeyId":"alias/db",)"
            R"("Plaintext":"Zm9vYg=="})");
}

TEST(KmsMessages, DecryptMayLeaveTheKeyToKms) {
  EXPECT_EQ(TextOf(WriteDecrypt("", AsBytes("foo"), {})),
            R"({"CiphertextBlob":"Zm9v"})");
  EXPECT_EQ(TextOf(WriteDecrypt(kKey, AsBytes("foo"), {{"a", "1"}})),
            R"({"CiphertextBlob":"Zm9v","EncryptionContext":{"a":"1"},)"
            R"("KeyId":"alias/db"})");
}

TEST(KmsMessages, ReEncryptHasTheContextOnBothSides) {
  EXPECT_EQ(TextOf(WriteReEncrypt("", "to", AsBytes("foo"), {})),
            R"({"CiphertextBlob":"Zm9v","DestinationKeyId":"to"})");
  EXPECT_EQ(TextOf(WriteReEncrypt("from", "to", AsBytes("foo"), {{"a", "1"}})),
            R"({"CiphertextBlob":"Zm9v","DestinationEncryptionContext":)"
            R"({"a":"1"},"DestinationKeyId":"to","SourceEncryptionContext":)"
            R"({"a":"1"},"SourceKeyId":"from"})");
}

TEST(KmsMessages, SmallRequestsAreExact) {
  EXPECT_EQ(TextOf(WriteKeyIdOnly(kKey)), R"({"KeyId":"alias/db"})");
  EXPECT_EQ(TextOf(WriteEnableKeyRotation(kKey, 0)), R"({"KeyId":"alias/db"})");
  EXPECT_EQ(TextOf(WriteEnableKeyRotation(kKey, 90)),
            R"({"KeyId":"alias/db","RotationPeriodInDays":90})");
}

TEST(KmsMessages, LimitsOfTheApiAreCheckedFirst) {
  const std::string long_id(2049, 'k');
  const Secret plaintext = Secret::CopyOf("p");
  const Bytes blob(1), long_blob(6145);
  const Result<Secret> refused[] = {
      WriteGenerateDataKey("", 32, {}),
      WriteGenerateDataKey(long_id, 32, {}),
      WriteGenerateDataKey(kKey, 0, {}),
      WriteGenerateDataKey(kKey, 1025, {}),
      WriteEncrypt("", plaintext, {}),
      WriteEncrypt(long_id, plaintext, {}),
      WriteEncrypt(kKey, Secret(), {}),
      WriteEncrypt(kKey, Secret(4097), {}),
      WriteDecrypt(kKey, {}, {}),
      WriteDecrypt(kKey, long_blob, {}),
      WriteDecrypt(long_id, blob, {}),
      WriteReEncrypt("", "", blob, {}),
      WriteReEncrypt("", long_id, blob, {}),
      WriteReEncrypt(long_id, kKey, blob, {}),
      WriteReEncrypt("", kKey, {}, {}),
      WriteReEncrypt("", kKey, long_blob, {}),
      WriteKeyIdOnly(""),
      WriteKeyIdOnly(long_id),
      WriteEnableKeyRotation("", 0),
      WriteEnableKeyRotation(kKey, 89),
      WriteEnableKeyRotation(kKey, 2561),
      WriteEnableKeyRotation(kKey, -1),
  };
  for (const Result<Secret>& body : refused) {
    EXPECT_EQ(CodeOf(body), StatusCode::kInvalidArgument) << TextOf(body);
  }
}

TEST(KmsMessages, ValuesAtTheLimitsAreTaken) {
  const std::string id(2048, 'k');
  EXPECT_TRUE(WriteGenerateDataKey(id, 1024, {}));
  EXPECT_TRUE(WriteEncrypt(id, Secret(4096), {}));
  EXPECT_TRUE(WriteDecrypt(id, Bytes(6144), {}));
  EXPECT_TRUE(WriteReEncrypt(id, id, Bytes(6144), {}));
  EXPECT_TRUE(WriteEnableKeyRotation(id, 2560));
}

TEST(KmsMessages, KeyIdsThatAreNotUtf8StillMakeJson) {
  const Result<Secret> body =
      WriteDecrypt("k\xff\"", AsBytes("x"), {{"\xc3", "\x80"}});
  ASSERT_TRUE(body);
  EXPECT_TRUE(nlohmann::json::accept(TextOf(body))) << TextOf(body);
}

// ---- Answers ---------------------------------------------------------------

template <typename T>
StatusCode CodeOfAnswer(Result<T> (*read)(Secret&), std::string_view text) {
  Secret body = Secret::CopyOf(text);
  return read(body).status().code();
}

TEST(KmsMessages, ThePlaintextIsGoneFromTheBodyAfterReading) {
  for (const char* text :
       {R"({"CiphertextBlob":"Zm9v","Plaintext":"c2VjcmV0"})",
        R"({"Plaintext":"c2VjcmV0","CiphertextBlob":7})",
        R"({"Plaintext":"c2VjcmV"})"}) {
    Secret body = Secret::CopyOf(text);
    (void)ReadPlaintext(body);
    EXPECT_EQ(body.RevealText().find("c2Vj"), std::string_view::npos) << text;
    EXPECT_EQ(body.size(), std::string_view(text).size());
  }
}

TEST(KmsMessages, APlaintextNeedsNoKeyId) {
  Secret with = Secret::CopyOf(R"({"KeyId":"arn:k","Plaintext":"Zm9v"})");
  EXPECT_EQ(ReadPlaintext(with)->key_arn, "arn:k");
  Secret without = Secret::CopyOf(R"({ "Plaintext" : "Zm9v" })");
  const Result<KmsPlaintext> plaintext = ReadPlaintext(without);
  ASSERT_TRUE(plaintext);
  EXPECT_EQ(plaintext->bytes.RevealText(), "foo");
  EXPECT_EQ(plaintext->key_arn, "");
}

TEST(KmsMessages, AnAnswerWithoutAValidPlaintextIsCorruptAndNeverNotFound) {
  for (const char* text :
       {"", "null", "[]", "\"x\"", "{", "{}", R"({"Plaintext":null})",
        R"({"Plaintext":7})", R"({"Plaintext":""})", R"({"Plaintext":"Zm9"})",
        R"({"Plaintext":"Zm9v","Plaintext":"Zm9v"})", R"({"plaintext":"Zm9v"})",
        R"({"Plaintext":"Zm9v"} x)", R"({"Inner":{"Plaintext":"Zm9v"}})",
        "<html></html>"}) {
    EXPECT_EQ(CodeOfAnswer(ReadPlaintext, text), StatusCode::kCorrupt) << text;
  }
}

TEST(KmsMessages, AnAnswerWithoutAValidBlobIsCorrupt) {
  const std::string large =
      R"({"CiphertextBlob":")" + Base64Encode(Bytes(6145)) + R"("})";
  for (const std::string& text :
       {std::string("{}"), std::string(R"({"CiphertextBlob":""})"),
        std::string(R"({"CiphertextBlob":{}})"),
        std::string(R"({"CiphertextBlob":"Zm9v!"})"), std::string("[1]"),
        std::string(R"({"CiphertextBlob":"Zm9v")"), large}) {
    EXPECT_EQ(CodeOfAnswer(ReadCiphertext, text), StatusCode::kCorrupt);
  }
  EXPECT_EQ(
      CodeOfAnswer(ReadCiphertext, R"({"CiphertextBlob":"Zm9v","KeyId":7})"),
      StatusCode::kOk);
}

TEST(KmsMessages, AKeyDescriptionTakesWhatItKnows) {
  Secret body = Secret::CopyOf(
      R"({"KeyMetadata":{"Arn":"arn:k","KeyState":"Enabled","Enabled":true,)"
      R"("KeySpec":"SYMMETRIC_DEFAULT","KeyUsage":"ENCRYPT_DECRYPT",)"
      R"("MultiRegion":true,"CreationDate":1.5E9}})");
  const Result<KmsKeyDescription> key = ReadKeyDescription(body);
  ASSERT_TRUE(key) << key.error().ToString();
  EXPECT_EQ(key->arn, "arn:k");
  EXPECT_EQ(key->state, "Enabled");
  EXPECT_EQ(key->spec, "SYMMETRIC_DEFAULT");
  EXPECT_EQ(key->usage, "ENCRYPT_DECRYPT");
  EXPECT_TRUE(key->enabled);
  EXPECT_TRUE(key->multi_region);
  EXPECT_EQ(key->created, WallTime(std::chrono::seconds(1500000000)));
  EXPECT_FALSE(key->deletion || key->valid_to);
}

TEST(KmsMessages, TheNewestRotationIsTheLast) {
  Secret none = Secret::CopyOf(R"({"Rotations":[],"Truncated":false})");
  const auto never = ReadLastRotation(none);
  ASSERT_TRUE(never);
  EXPECT_FALSE(never->date);
  Secret two =
      Secret::CopyOf(R"({"Rotations":[{"RotationDate":1700000000.25},)"
                     R"({"RotationDate":1600000000,"KeyId":"arn:k"}]})");
  const auto last = ReadLastRotation(two);
  ASSERT_TRUE(last) << last.status().ToString();
  EXPECT_EQ(last->date, WallTime(std::chrono::seconds(1700000000)));
  EXPECT_EQ(last->key_arn, "arn:k");
  for (const char* text : {"{}", R"({"Rotations":{}})", R"({"Rotations":[7]})",
                           R"({"Rotations":[{"RotationDate":"x"}]})",
                           R"({"Rotations":[{"RotationDate":-1}]})",
                           R"({"Rotations":[{"RotationDate":1E300}]})",
                           R"({"Rotations":[],"Truncated":true})"}) {
    EXPECT_EQ(CodeOfAnswer(ReadLastRotation, text), StatusCode::kCorrupt)
        << text;
  }
}

TEST(KmsMessages, AutomaticRotationIsOnOrOff) {
  Secret on = Secret::CopyOf(
      R"({"KeyRotationEnabled":true,"NextRotationDate":1700000000})");
  const auto status = ReadRotationStatus(on);
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->automatic);
  EXPECT_EQ(status->next, WallTime(std::chrono::seconds(1700000000)));
  Secret off = Secret::CopyOf(R"({"KeyRotationEnabled":false})");
  EXPECT_FALSE(ReadRotationStatus(off)->automatic);
  EXPECT_EQ(CodeOfAnswer(ReadRotationStatus, "{}"), StatusCode::kCorrupt);
}

TEST(KmsMessages, AKeyDescriptionOfWrongTypesIsCorruptOrEmpty) {
  for (const char* text :
       {"{}", R"({"KeyMetadata":[]})", R"({"KeyMetadata":{}})",
        R"({"KeyMetadata":{"Arn":7}})", R"({"KeyMetadata":{"Arn":""}})"}) {
    EXPECT_EQ(CodeOfAnswer(ReadKeyDescription, text), StatusCode::kCorrupt);
  }
  Secret body = Secret::CopyOf(
      R"({"KeyMetadata":{"Arn":"a","Enabled":"true","KeyState":1}})");
  const Result<KmsKeyDescription> key = ReadKeyDescription(body);
  ASSERT_TRUE(key);
  EXPECT_FALSE(key->enabled);
  EXPECT_EQ(key->state, "");
}

TEST(KmsMessages, ErrorsDoNotQuoteTheBody) {
  Secret body = Secret::CopyOf(R"({"Plaintext":"aHVudGVyMg"})");
  const Result<KmsPlaintext> bad = ReadPlaintext(body);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message().find("aHVu"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
