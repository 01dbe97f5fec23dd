// SPDX-License-Identifier: MIT
#include "emulators/kms/fields.h"

#include <gtest/gtest.h>

namespace kms_emulator {
namespace {

using Need = Fields::Need;

TEST(EmulatorFields, ReadsWhatIsRight) {
  const Json body = {{"KeyId", "alias/a"},
                     {"Plaintext", "eHl6"},
                     {"NumberOfBytes", 7},
                     {"EncryptionContext", {{"a", "1"}}}};
  Fields fields(body);
  EXPECT_EQ(fields.RequiredKeyId(), "alias/a");
  EXPECT_EQ(fields.Blob("Plaintext", {1, 3}), (Bytes{'x', 'y', 'z'}));
  EXPECT_EQ(fields.Number("NumberOfBytes", 1, 7), 7);
  EXPECT_EQ(fields.EncryptionContext(), (Context{{"a", "1"}}));
  EXPECT_FALSE(fields.Flag("DryRun"));
  EXPECT_TRUE(fields.Check().has_value());
}

TEST(EmulatorFields, BrokenLimitsAreToldTogether) {
  const Json body = {{"NumberOfBytes", 0}, {"KeySpec", "AES_1"}};
  Fields fields(body);
  (void)fields.RequiredKeyId();
  (void)fields.Number("NumberOfBytes", 1, 1024);
  (void)fields.OneOf("KeySpec", "", {"AES_128", "AES_256"});
  const auto check = fields.Check();
  ASSERT_FALSE(check.has_value());
  EXPECT_EQ(check.error().code, "ValidationException");
  EXPECT_EQ(
      check.error().message,
      "3 validation errors detected: Value null at 'keyId' failed to satisfy "
      "constraint: Member must not be null; Value '0' at 'numberOfBytes' "
      "failed to satisfy constraint: Member must have value greater than or "
      "equal to 1; Value 'AES_1' at 'keySpec' failed to satisfy constraint: "
      "Member must satisfy enum value set: [AES_128, AES_256]");
}

TEST(EmulatorFields, AWrongTypeWinsOverBrokenLimits) {
  const Json body = {{"Plaintext", 7}};
  Fields fields(body);
  (void)fields.RequiredKeyId();
  (void)fields.Blob("Plaintext", {1, 3});
  EXPECT_EQ(fields.Check().error().code, "SerializationException");
}

TEST(EmulatorFields, NullCountsAsAbsent) {
  const Json body = {{"KeyId", nullptr}};
  Fields fields(body);
  EXPECT_FALSE(fields.Has("KeyId"));
  EXPECT_EQ(fields.OptionalKeyId("KeyId"), "");
  EXPECT_TRUE(fields.Check().has_value());
}

}  // namespace
}  // namespace kms_emulator
