// SPDX-License-Identifier: MIT
#include "keyring/reload_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/memory_backend.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Stored {
  KeyName name;
  std::string data = "data";
  std::string type = "AES";
};

class ReloadCheckTest : public testing::Test {
 protected:
  std::unique_ptr<Keyring> With(const std::vector<Stored>& keys) {
    auto backend = std::make_unique<MemoryBackend>();
    for (const Stored& key : keys) backend->Put(key.name, key.type, key.data);
    auto loaded = Keyring::Load(std::move(backend), clock_, random_, {},
                                Deadline::After(clock_, Millis(1)));
    EXPECT_TRUE(loaded);
    return std::move(*loaded);
  }
  Status Check(const std::vector<Stored>& serving,
               const std::vector<Stored>& loaded) {
    return CheckServedKeysKept(*With(serving), *With(loaded));
  }

  ManualClock clock_;
  FakeRandom random_;
};

TEST_F(ReloadCheckTest, TheSameKeysOrMoreMayTakeOver) {
  EXPECT_TRUE(Check({}, {}).ok());
  EXPECT_TRUE(Check({}, {{{"a", ""}}}).ok());
  EXPECT_TRUE(Check({{{"a", ""}}}, {{{"a", ""}}}).ok());
  EXPECT_TRUE(Check({{{"a", ""}}}, {{{"b", "u@h"}}, {{"a", ""}}}).ok());
}

TEST_F(ReloadCheckTest, AMissingKeyIsRefusedByName) {
  const Status status =
      Check({{{"a", ""}}, {{"b", "u@h"}}}, {{{"a", ""}}, {{"b", ""}}});
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("of 2 keys in use, 1 (key \"b\" of \"u@h\") "
                              "would be lost; put"),
                    HasSubstr("restart the server")));
}

TEST_F(ReloadCheckTest, AKeyWithAnotherValueOrTypeIsRefused) {
  EXPECT_THAT(Check({{{"a", ""}}}, {{{"a", ""}, "atad"}}).message(),
              HasSubstr("1 (key \"a\") would change; put"));
  EXPECT_THAT(Check({{{"a", ""}}}, {{{"a", ""}, "data", "SECRET"}}).message(),
              HasSubstr("1 (key \"a\") would change; put"));
  EXPECT_THAT(Check({{{"a", ""}}}, {{{"a", ""}, "data2"}}).message(),
              Not(HasSubstr("data2")));
}

TEST_F(ReloadCheckTest, ManyAreCountedAndAFewNamed) {
  std::vector<Stored> serving;
  for (const char* id : {"a", "b", "c", "d", "e"})
    serving.push_back({{id, ""}});
  EXPECT_THAT(
      Check(serving, {{{"e", ""}, "other"}}).message(),
      AllOf(HasSubstr("of 5 keys in use, 4 (key \"a\", key \"b\", key \"c\", "
                      "...) would be lost and 1 (key \"e\") would change"),
            Not(HasSubstr("\"d\""))));
}

TEST_F(ReloadCheckTest, AnEmptiedKeyringIsRefused) {
  EXPECT_EQ(Check({{{"a", ""}}}, {}).code(), StatusCode::kMisconfigured);
}

}  // namespace
}  // namespace openkeyring
