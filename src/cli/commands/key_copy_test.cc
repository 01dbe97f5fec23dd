// SPDX-License-Identifier: MIT
#include "cli/commands/key_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

Key Make(std::string id, std::string_view data, std::string type = "AES") {
  return {{std::move(id), ""}, std::move(type), Secret::CopyOf(data)};
}

// A keyring in memory that does as it is told.
class FakeStore : public KeyringStore {
 public:
  std::vector<Key> keys;
  bool loses_what_it_gets = false, answers = true;
  size_t added = 0;
  // Done before the keys are read for the second time.
  std::function<void()> meanwhile;

  std::string Description() const override { return "fake"; }
  tl::expected<Keys, Failure> ReadAll() override {
    if (++reads_ == 2 && meanwhile) meanwhile();
    if (!answers) return Failed({StatusCode::kUnavailable, "no answer"});
    Keys copy;
    for (const Key& key : keys) {
      copy.push_back({key.name, key.type, key.data.Clone()});
    }
    return copy;
  }
  const char* ActionOfAdd() override { return "add to"; }
  Outcome Add(const std::vector<const Key*>& more,
              const Progress& progress) override {
    for (const Key* key : more) {
      ++added;
      if (!loses_what_it_gets) {
        keys.push_back({key->name, key->type, key->data.Clone()});
      }
      (void)progress(added, more.size());
    }
    return ExitCode::kOk;
  }

 private:
  int reads_ = 0;
};

class KeyCopyTest : public testing::Test {
 protected:
  KeyCopyTest() {
    from_.keys.push_back(Make("a", "1111"));
    from_.keys.push_back(Make("b", "2222"));
  }

  Outcome Copy(std::initializer_list<const char*> flags) {
    Arguments arguments;
    for (const char* flag : flags) arguments.Set(flag);
    Output out(data_, people_, in_, clock_, {});
    Interruption interruption;
    CommandContext context{arguments, out, interruption};
    return CopyKeys(context, "migrate", from_, to_);
  }

  std::ostringstream data_, people_;
  std::istringstream in_;
  ManualClock clock_;
  FakeStore from_, to_;
};

TEST_F(KeyCopyTest, MissingKeysAreCopiedAndEqualOnesSkipped) {
  to_.keys.push_back(Make("b", "2222"));
  ASSERT_TRUE(Copy({"--yes"}));
  EXPECT_EQ(to_.added, 1u);
  EXPECT_THAT(data_.str(), HasSubstr("copied 1 key, 1 already there"));
  ASSERT_TRUE(Copy({"--yes"}));
  EXPECT_EQ(to_.added, 1u);
}

// A wrong object group, or an empty file, is not a keyring that was copied.
TEST_F(KeyCopyTest, ASourceWithoutKeysIsRefused) {
  from_.keys.clear();
  for (const char* flag : {"--yes", "--dry-run"}) {
    const Outcome refused = Copy({flag});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ExitCode::kUsage);
    EXPECT_THAT(refused.error().status.message(),
                HasSubstr("has no keys to copy"));
  }
}

TEST_F(KeyCopyTest, AnotherKeyOfOneNameStopsEverything) {
  for (const auto& [data, type] :
       {std::pair("2223", "AES"), {"2222", "RSA"}, {"222", "AES"}}) {
    to_.keys.clear();
    to_.keys.push_back(Make("b", data, type));
    const Outcome refused = Copy({"--yes"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ExitCode::kFailed);
    EXPECT_THAT(refused.error().status.message(), HasSubstr("key \"b\""));
    EXPECT_EQ(to_.added, 0u);
  }
}

TEST_F(KeyCopyTest, NothingIsCopiedWithoutAConfirmation) {
  const Outcome refused = Copy({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::kUnconfirmed);
  ASSERT_TRUE(Copy({"--dry-run"}));
  EXPECT_THAT(data_.str(), HasSubstr("would add to fake: 2 keys"));
  EXPECT_EQ(to_.added, 0u);
}

TEST_F(KeyCopyTest, WhatCannotBeReadAgainIsAFailure) {
  to_.loses_what_it_gets = true;
  const Outcome failed = Copy({"--yes"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ExitCode::kFailed);
  EXPECT_THAT(failed.error().status.message(), HasSubstr("0 of 2 keys"));
}

// By a server that started meanwhile.
TEST_F(KeyCopyTest, ASourceThatChangesMeanwhileIsNotCopied) {
  const std::function<void()> changes[] = {
      [&] { from_.keys.push_back(Make("c", "3333")); },
      [&] { from_.keys.pop_back(); },
      [&] { from_.keys.back() = Make("b", "2223"); }};
  for (const auto& change : changes) {
    from_ = {}, to_ = {};
    from_.keys.push_back(Make("a", "1111"));
    from_.keys.push_back(Make("b", "2222"));
    from_.meanwhile = change;
    const Outcome failed = Copy({"--yes"});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ExitCode::kFailed);
    EXPECT_THAT(failed.error().status.message(),
                HasSubstr("fake was changed while it was copied"));
  }
}

TEST_F(KeyCopyTest, ASourceThatCannotBeReadAgainIsAFailure) {
  from_.meanwhile = [&] { from_.answers = false; };
  const Outcome failed = Copy({"--yes"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ExitCode::kUnreachable);
  EXPECT_THAT(failed.error().status.message(),
              HasSubstr("whether it has changed since is not known"));
  EXPECT_EQ(to_.added, 2u);
}

TEST_F(KeyCopyTest, KeysAreNeverPrinted) {
  ASSERT_TRUE(Copy({"--yes"}));
  ASSERT_TRUE(Copy({"--dry-run"}));
  EXPECT_EQ((data_.str() + people_.str()).find("1111"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
