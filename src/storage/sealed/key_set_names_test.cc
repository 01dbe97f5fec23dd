// SPDX-License-Identifier: MIT
#include "storage/sealed/key_set_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openkeyring {
namespace {

TEST(KeySetRecord, IsNamedByIdAndVersion) {
  EXPECT_EQ(RecordName({5, 2}), (KeyName{"5", "2"}));
  EXPECT_EQ(RecordType(KeyOrigin::kMade), "AES");
  EXPECT_EQ(RecordType(KeyOrigin::kImported), "AES-IMPORTED");
}

TEST(KeySetRecord, ReadsBack) {
  for (const KeyVersion key : {KeyVersion{1, 1}, KeyVersion{100000, 10},
                               KeyVersion{4294967295u, kMaxKeyVersion}}) {
    for (const KeyOrigin origin : {KeyOrigin::kMade, KeyOrigin::kImported}) {
      const auto identity =
          ReadRecordIdentity(RecordName(key), RecordType(origin));
      ASSERT_TRUE(identity);
      EXPECT_EQ(identity->key, key);
      EXPECT_EQ(identity->origin, origin);
    }
  }
}

TEST(KeySetRecord, RefusesEveryOtherSpelling) {
  const KeyName names[] = {
      {"", "1"},           {"1", ""},          {"0", "1"},  {"01", "1"},
      {"1", "+1"},         {"1.1", ""},        {"1", "1 "}, {"1.2", "3"},
      {"4294967296", "1"}, {"1", "4294967295"}};
  for (const KeyName& name : names) {
    EXPECT_EQ(ReadRecordIdentity(name, "AES").status().code(),
              StatusCode::kCorrupt)
        << ToString(name);
  }
  EXPECT_FALSE(ReadRecordIdentity({"1", "1"}, "SECRET"));
  EXPECT_FALSE(ReadRecordIdentity({"1", "1"}, ""));
}

}  // namespace
}  // namespace openkeyring
