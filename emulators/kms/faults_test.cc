// SPDX-License-Identifier: MIT
#include "emulators/kms/faults.h"

#include <gtest/gtest.h>

namespace kms_emulator {
namespace {

Fault Make(const Json& json) { return FaultFromJson(json).value(); }

TEST(EmulatorFaults, SkipAndCountAreKept) {
  FaultQueue queue;
  queue.Push(Make({{"kind", "throttle"}, {"skip", 1}, {"count", 2}}));
  std::vector<bool> hit;
  for (int i = 0; i < 5; ++i) {
    hit.push_back(queue.Take("kms", "Decrypt").has_value());
  }
  EXPECT_EQ(hit, (std::vector<bool>{false, true, true, false, false}));
  EXPECT_TRUE(queue.List().empty());
}

TEST(EmulatorFaults, AreTakenInOrderByWhatTheyAreMeantFor) {
  FaultQueue queue;
  for (const char* operation : {"sts:*", "Decrypt", "kms:Encrypt", "*"}) {
    queue.Push(Make({{"kind", "throttle"}, {"operation", operation}}));
  }
  EXPECT_EQ(queue.Take("kms", "Encrypt")->operation, "kms:Encrypt");
  EXPECT_EQ(queue.Take("kms", "Encrypt")->operation, "*");
  EXPECT_FALSE(queue.Take("kms", "Encrypt").has_value());
  EXPECT_EQ(queue.Take("kms", "Decrypt")->operation, "Decrypt");
  EXPECT_EQ(queue.Take("sts", "AssumeRole")->operation, "sts:*");
}

TEST(EmulatorFaults, UnknownKindsAndWrongTypesAreInvalid) {
  EXPECT_FALSE(FaultFromJson({{"kind", "sing"}}).has_value());
  EXPECT_FALSE(FaultFromJson(Json::object()).has_value());
  EXPECT_FALSE(
      FaultFromJson({{"kind", "throttle"}, {"count", "x"}}).has_value());
}

TEST(EmulatorFaults, TruncateKeepsTheBodyForItsLength) {
  Reply reply;
  reply.body = "0123456789";
  Distort(Make({{"kind", "truncate"}}), "", reply);
  EXPECT_EQ(reply.delivery.kind, Delivery::Kind::kTruncate);
  EXPECT_EQ(reply.delivery.bytes, 5u);
  EXPECT_EQ(reply.body.size(), 10u);
}

TEST(EmulatorFaults, FalseAnswersAreWellFormed) {
  const auto falsified = [](const char* kind, const std::string& earlier = "") {
    Reply reply;
    reply.body =
        R"({"CiphertextBlob":"AAD/","KeyId":"arn:x:key/1","Plaintext":"Zm9v"})";
    Distort(Make({{"kind", kind}}), earlier, reply);
    return reply;
  };
  const Json other = Json::parse(falsified("other_bytes").body);
  EXPECT_EQ(other["CiphertextBlob"], "//8A");
  EXPECT_EQ(other["Plaintext"], "mZCQ");
  EXPECT_EQ(other["KeyId"], "arn:x:key/1");
  EXPECT_EQ(Json::parse(falsified("no_bytes").body)["Plaintext"], "");
  EXPECT_EQ(Json::parse(falsified("other_key_id").body)["KeyId"],
            "arn:x:key/00000000-0000-4000-8000-000000000000");
  EXPECT_EQ(falsified("earlier_answer", "{\"a\":1}").body, "{\"a\":1}");
  EXPECT_EQ(falsified("answer_twice").delivery.kind, Delivery::Kind::kTwice);
  EXPECT_FALSE(Json::accept(falsified("half_json").body));
}

TEST(EmulatorFaults, EarlierAnswersAreThoseOfTheSameOperation) {
  EarlierAnswers answers;
  EXPECT_EQ(answers.Exchange("Decrypt", "1"), "");
  EXPECT_EQ(answers.Exchange("Encrypt", "2"), "");
  EXPECT_EQ(answers.Exchange("Decrypt", "3"), "1");
  EXPECT_EQ(answers.Exchange("Decrypt", "4"), "3");
}

}  // namespace
}  // namespace kms_emulator
