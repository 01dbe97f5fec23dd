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
  Distort(Make({{"kind", "truncate"}}), reply);
  EXPECT_EQ(reply.delivery.kind, Delivery::Kind::kTruncate);
  EXPECT_EQ(reply.delivery.bytes, 5u);
  EXPECT_EQ(reply.body.size(), 10u);
}

}  // namespace
}  // namespace kms_emulator
