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

TEST(KeySetNames, AMarkedVersionThatIsNotThereIsMissing) {
  const HighestVersions highest =
      HighestVersionsOf({{{1, 2}, KeyOrigin::kMade},
                         {{1, 1}, KeyOrigin::kMade},
                         {{3, 4}, KeyOrigin::kImported}});
  EXPECT_EQ(highest, (HighestVersions{{1, 2}, {3, 4}}));
  EXPECT_TRUE(MissingVersions({{1, 1}, {3, 4}}, highest).empty());
  EXPECT_EQ(MissingVersions({{1, 3}, {2, 1}, {3, 4}}, highest),
            (std::vector<KeyVersion>{{1, 3}, {2, 1}}));
  const Status status = MissingFromKeySet("/d/set", {2, 1});
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_NE(status.message().find("/d/set lacks version 1 of key 2"),
            std::string::npos);
}

}  // namespace
}  // namespace openkeyring
