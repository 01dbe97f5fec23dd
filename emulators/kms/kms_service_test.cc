// SPDX-License-Identifier: MIT
#include "emulators/kms/kms_service.h"

#include <gtest/gtest.h>

#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace kms_emulator {
namespace {

constexpr const char* kAlias = "alias/a";

class EmulatorKmsService : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(service_.MakeKey("us-east-1", "", kAlias).has_value());
  }

  Json Call(const std::string& operation, const Json& body) {
    const auto answer = service_.Call(operation, body, caller_);
    EXPECT_TRUE(answer.has_value()) << answer.error().code;
    return answer.value_or(Json::object());
  }
  std::string CodeOf(const std::string& operation, const Json& body) {
    const auto answer = service_.Call(operation, body, caller_);
    return answer ? "" : answer.error().code;
  }
  std::string DataKey() {
    return Call("GenerateDataKey", {{"KeyId", kAlias}, {"KeySpec", "AES_256"}})
        .at("CiphertextBlob");
  }
  std::string KeyArnOfAlias() {
    return Call("DescribeKey", {{"KeyId", kAlias}})["KeyMetadata"]["Arn"];
  }

  openkeyring::ManualClock clock_;
  std::unique_ptr<KeyStore> store_ =
      KeyStore::Open(openkeyring::PosixFileSystem(),
                     openkeyring::SystemRandom(), "", "111122223333")
          .value();
  KmsService service_{*store_, openkeyring::SystemRandom(), clock_};
  Caller caller_{"AKIA", "arn:aws:iam::111122223333:user/a", "us-east-1", {}};
};

TEST_F(EmulatorKmsService, EveryOperationRefusesBodiesThatAreNoObjects) {
  for (const char* operation : {"CancelKeyDeletion",
                                "CreateAlias",
                                "CreateKey",
                                "Decrypt",
                                "DeleteAlias",
                                "DescribeKey",
                                "DisableKey",
                                "DisableKeyRotation",
                                "EnableKey",
                                "EnableKeyRotation",
                                "Encrypt",
                                "GenerateDataKey",
                                "GenerateDataKeyWithoutPlaintext",
                                "GenerateRandom",
                                "GetKeyRotationStatus",
                                "ListAliases",
                                "ListKeyRotations",
                                "ListKeys",
                                "ReEncrypt",
                                "RotateKeyOnDemand",
                                "ScheduleKeyDeletion",
                                "UpdateAlias"}) {
    EXPECT_TRUE(KmsService::Knows(operation));
    EXPECT_EQ(CodeOf(operation, Json::array()), "SerializationException");
  }
}

TEST_F(EmulatorKmsService, EveryOperationOnAKeyAsksForPermission) {
  const std::string blob = DataKey();
  const std::string arn = KeyArnOfAlias();
  caller_.policy.allow_operations.emplace();  // None.
  const Json key = {{"KeyId", arn}};
  const Json alias = {{"AliasName", kAlias}, {"TargetKeyId", arn}};
  for (const auto& [operation, body] : std::map<std::string, Json>{
           {"CancelKeyDeletion", key},
           {"CreateAlias", alias},
           {"CreateKey", Json::object()},
           {"Decrypt", {{"CiphertextBlob", blob}}},
           {"DeleteAlias", {{"AliasName", kAlias}}},
           {"DescribeKey", key},
           {"DisableKey", key},
           {"DisableKeyRotation", key},
           {"EnableKey", key},
           {"EnableKeyRotation", key},
           {"Encrypt", {{"KeyId", arn}, {"Plaintext", "eA=="}}},
           {"GenerateDataKey", {{"KeyId", arn}, {"NumberOfBytes", 1}}},
           {"GenerateRandom", {{"NumberOfBytes", 1}}},
           {"GetKeyRotationStatus", key},
           {"ListAliases", Json::object()},
           {"ListKeyRotations", key},
           {"ListKeys", Json::object()},
           {"ReEncrypt", {{"CiphertextBlob", blob}, {"DestinationKeyId", arn}}},
           {"RotateKeyOnDemand", key},
           {"ScheduleKeyDeletion", key},
           {"UpdateAlias", alias}}) {
    EXPECT_EQ(CodeOf(operation, body), "AccessDeniedException") << operation;
  }
}

TEST_F(EmulatorKmsService, RotationKeepsOldCiphertextReadable) {
  const std::string old = DataKey();
  const std::string arn = KeyArnOfAlias();
  for (int i = 0; i < 25; ++i) Call("RotateKeyOnDemand", {{"KeyId", arn}});
  EXPECT_EQ(CodeOf("RotateKeyOnDemand", {{"KeyId", arn}}),
            "LimitExceededException");
  const Json opened_old = Call("Decrypt", {{"CiphertextBlob", old}});
  const Json opened_new = Call("Decrypt", {{"CiphertextBlob", DataKey()}});
  EXPECT_NE(opened_old["KeyMaterialId"], opened_new["KeyMaterialId"]);
}

TEST_F(EmulatorKmsService, AutomaticRotationHappensAtItsTime) {
  const std::string arn = KeyArnOfAlias();
  Call("EnableKeyRotation", {{"KeyId", arn}, {"RotationPeriodInDays", 90}});
  const auto rotations = [&] {
    (void)DataKey();
    return Call("ListKeyRotations", {{"KeyId", arn}})["Rotations"].size();
  };
  clock_.Advance(std::chrono::hours(24 * 90 - 1));
  EXPECT_EQ(rotations(), 0u);
  clock_.Advance(std::chrono::hours(2));
  EXPECT_EQ(rotations(), 1u);
  EXPECT_EQ(rotations(), 1u);
}

TEST_F(EmulatorKmsService, KeyIdsAreJudgedStrictly) {
  EXPECT_TRUE(IsKeyId("01234567-89ab-cdef-0123-456789abcdef"));
  EXPECT_TRUE(IsKeyId("mrk-0123456789abcdef0123456789abcdef"));
  EXPECT_FALSE(IsKeyId("01234567-89AB-cdef-0123-456789abcdef"));
  EXPECT_FALSE(IsKeyId("01234567-89ab-cdef-0123-456789abcde"));
  EXPECT_FALSE(IsKeyId("mrk-0123456789abcdef0123456789abcde"));
  EXPECT_FALSE(IsKeyId(""));
  EXPECT_TRUE(IsAliasName("alias/a/b_c-9"));
  EXPECT_FALSE(IsAliasName("alias/"));
  EXPECT_FALSE(IsAliasName("alias/a b"));
}

}  // namespace
}  // namespace kms_emulator
