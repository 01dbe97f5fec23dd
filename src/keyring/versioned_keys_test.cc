// SPDX-License-Identifier: MIT
#include "keyring/versioned_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <set>
#include <thread>

#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/memory_versioned_backend.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

constexpr char kKeyA[] = "aaaaaaaaaaaaaaaa";
constexpr char kKeyB[] = "bbbbbbbbbbbbbbbb";

class VersionedKeysTest : public testing::Test {
 protected:
  void FailFetches(StatusCode code) {
    backend_.SetHook([code](const std::string& operation, KeyVersion) {
      return operation == "Fetch" ? Status(code, "planted") : Status::Ok();
    });
  }
  void FailFetchOfVersion2(StatusCode code) {
    backend_.SetHook([code](const std::string& operation, KeyVersion key) {
      return operation == "Fetch" && key.version == 2 ? Status(code, "planted")
                                                      : Status::Ok();
    });
  }
  void FailEverything(StatusCode code) {
    backend_.SetHook([code](const std::string&, KeyVersion) {
      return Status(code, "planted");
    });
  }
  void FailNothing() { backend_.SetHook(nullptr); }

  ManualClock clock_;
  FakeRandom random_;
  MemoryLog log_;
  MemoryVersionedBackend backend_;
  VersionedKeys keys_{
      backend_,
      clock_,
      random_,
      log_,
      {[] { return size_t{16}; }, [] { return Millis(5000); }, 4}};
};

TEST_F(VersionedKeysTest, FirstUseOfAnIdMakesVersionOne) {
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys_.LatestVersion(7).value_or(0), 1u);
  EXPECT_EQ((*keys_.Get({7, 1}))->size(), 16u);
  EXPECT_EQ(backend_.calls("Create"), 1);
}

TEST_F(VersionedKeysTest, HighestStoredVersionIsTheLatest) {
  backend_.Put({1, 1}, kKeyA);
  backend_.Put({1, 10}, kKeyB);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 10u);
  EXPECT_EQ((*keys_.Get({1, 1}))->RevealText(), kKeyA);
  EXPECT_EQ(backend_.calls("Create"), 0);
}

TEST_F(VersionedKeysTest, GetNeverCreates) {
  EXPECT_EQ(keys_.Get({1, 1}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(backend_.calls("Create"), 0);
}

TEST_F(VersionedKeysTest, VersionsThatCannotExistAreRefused) {
  EXPECT_EQ(keys_.Get({1, 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.Get({1, 0xffffffff}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.LatestVersion(0).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(VersionedKeysTest, BogusVersionDoesNotPoisonItsId) {
  backend_.Put({1, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys_.Get({1, 4000000000u}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 1u);
  EXPECT_EQ(keys_.Rotate(1).value_or(0), 2u);
}

TEST_F(VersionedKeysTest, UnreadableListIsNoEmptyList) {
  FailEverything(StatusCode::kUnavailable);
  EXPECT_EQ(keys_.LoadAll(Millis(0)).code(), StatusCode::kUnavailable);
  EXPECT_EQ(keys_.LatestVersion(1).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(backend_.calls("Create"), 0);
}

TEST_F(VersionedKeysTest, OutageNeverMakesASecondKeyOne) {
  backend_.Put({1, 1}, kKeyA);
  FailFetches(StatusCode::kUnavailable);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys_.LatestVersion(1).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(keys_.Get({1, 1}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(backend_.calls("Create"), 0);
}

TEST_F(VersionedKeysTest, FailureIsTriedAgainAfterAPauseThatGrows) {
  backend_.Put({1, 1}, kKeyA);
  FailFetches(StatusCode::kUnavailable);
  EXPECT_FALSE(keys_.Get({1, 1}));
  EXPECT_FALSE(keys_.Get({1, 1}));
  EXPECT_EQ(backend_.calls("Fetch"), 1) << "the second is told at once";
  clock_.Advance(Millis(1000));
  EXPECT_FALSE(keys_.Get({1, 1}));
  EXPECT_EQ(backend_.calls("Fetch"), 2);
  clock_.Advance(Millis(1000));
  EXPECT_FALSE(keys_.Get({1, 1}));
  EXPECT_EQ(backend_.calls("Fetch"), 2) << "the pause is 2 s now";
  FailNothing();
  clock_.Advance(Millis(1000));
  EXPECT_TRUE(keys_.Get({1, 1}));
}

TEST_F(VersionedKeysTest, PauseNeverExceedsFiveSeconds) {
  backend_.Put({1, 1}, kKeyA);
  FailFetches(StatusCode::kTimeout);
  for (int i = 0; i < 30; ++i) {
    EXPECT_FALSE(keys_.Get({1, 1}));
    clock_.Advance(Millis(5000));
  }
  EXPECT_EQ(backend_.calls("Fetch"), 30);
}

TEST_F(VersionedKeysTest, FailedCreationIsTriedAgain) {
  FailEverything(StatusCode::kDenied);
  EXPECT_EQ(keys_.LatestVersion(3).status().code(), StatusCode::kDenied);
  FailNothing();
  clock_.Advance(Millis(1000));
  EXPECT_EQ(keys_.LatestVersion(3).value_or(0), 1u);
}

TEST_F(VersionedKeysTest, ChangedConfigurationEndsThePauses) {
  FailEverything(StatusCode::kMisconfigured);
  EXPECT_FALSE(keys_.LatestVersion(3));
  FailNothing();
  EXPECT_FALSE(keys_.LatestVersion(3));
  keys_.EndPauses();
  EXPECT_EQ(keys_.LatestVersion(3).value_or(0), 1u);
}

TEST_F(VersionedKeysTest, CreatedKeyIsNotUsedBeforeItIsReadBack) {
  FailFetches(StatusCode::kUnavailable);
  EXPECT_FALSE(keys_.LatestVersion(1));
  EXPECT_EQ(backend_.calls("Create"), 1);
  FailNothing();
  clock_.Advance(Millis(5000));
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 1u);
  EXPECT_EQ(backend_.calls("Create"), 1) << "the stored one is used";
}

TEST_F(VersionedKeysTest, KeyOfAnotherServerWinsOverOurs) {
  backend_.SetHook([&](const std::string& operation, KeyVersion) {
    if (operation == "Create") backend_.Put({1, 1}, kKeyA);
    return Status::Ok();
  });
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 1u);
  EXPECT_EQ((*keys_.Get({1, 1}))->RevealText(), kKeyA);
}

TEST_F(VersionedKeysTest, IdThatAnotherServerMadeMeanwhileIsFoundFirst) {
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  backend_.Put({1, 3}, kKeyA);
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 3u);
  EXPECT_EQ(backend_.calls("Create"), 0);
}

TEST_F(VersionedKeysTest, VersionThatAnotherServerMadeBecomesTheLatest) {
  backend_.Put({1, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  backend_.Put({1, 2}, kKeyB);
  EXPECT_EQ((*keys_.Get({1, 2}))->RevealText(), kKeyB);
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 2u);
}

TEST_F(VersionedKeysTest, CorruptLatestIsRefusedUntilItsKeyIsRotated) {
  backend_.Put({1, 1}, kKeyA);
  backend_.Put({1, 2}, kKeyB);
  FailFetchOfVersion2(StatusCode::kCorrupt);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  const Status refused = keys_.LatestVersion(1).status();
  EXPECT_EQ(refused.code(), StatusCode::kCorrupt);
  EXPECT_THAT(refused.message(),
              HasSubstr("the newest version of key 1 cannot be used"));
  EXPECT_TRUE(keys_.Get({1, 1})) << "old data can be read";
  EXPECT_THAT(log_.Text(), HasSubstr("version 2 of key 1 cannot be loaded"));
  EXPECT_EQ(keys_.Rotate(1).value_or(0), 3u)
      << "a used number is never used again";
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 3u);
  EXPECT_THAT(log_.Text(), HasSubstr("key 1 is rotated although"));
}

TEST_F(VersionedKeysTest, MissingLatestIsRefusedUntilItsKeyIsRotated) {
  backend_.Put({1, 1}, kKeyA);
  backend_.Put({1, 2}, kKeyB);
  FailFetchOfVersion2(StatusCode::kNotFound);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  const Status refused = keys_.LatestVersion(1).status();
  EXPECT_EQ(refused.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(refused.message(),
              HasSubstr("version 2 of key 1 was stored and is missing"));
  EXPECT_EQ(backend_.calls("Create"), 0);
  EXPECT_EQ(keys_.Rotate(1).value_or(0), 3u);
}

TEST_F(VersionedKeysTest, RotateAllLeavesOutWhatMissesItsNewestVersion) {
  backend_.Put({1, 1}, kKeyA);
  backend_.Put({1, 2}, kKeyB);
  backend_.Put({2, 1}, kKeyA);
  FailFetchOfVersion2(StatusCode::kCorrupt);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  const auto results = keys_.RotateAll();
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].version.status().code(), StatusCode::kCorrupt);
  EXPECT_THAT(results[0].version.status().message(), HasSubstr("not rotated"));
}

// What passes by waiting says nothing about the newest version.
TEST_F(VersionedKeysTest, AnOutageDoesNotKeepNewVersionsFromBeingMade) {
  backend_.Put({1, 1}, kKeyA);
  backend_.SetHook([](const std::string& operation, KeyVersion key) {
    return operation == "Fetch" && key.version == 1
               ? Status(StatusCode::kUnavailable, "planted")
               : Status::Ok();
  });
  (void)keys_.LoadAll(Millis(0));
  const auto results = keys_.RotateAll();
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].version.value_or(0), 2u);
  EXPECT_THAT(log_.Text(), testing::Not(HasSubstr("although")));
}

TEST_F(VersionedKeysTest, ARotationOfAGoodKeyWarnsOfNothing) {
  backend_.Put({1, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys_.Rotate(1).value_or(0), 2u);
  EXPECT_THAT(log_.Text(), testing::Not(HasSubstr("although")));
}

TEST_F(VersionedKeysTest, AProgramThatMayMakeNoKeyMakesNone) {
  VersionedKeys keys(
      backend_, clock_, random_, log_,
      {[] { return size_t{16}; }, [] { return Millis(5000); }, 4,
       [](bool) { return Status(StatusCode::kMisconfigured, "not here"); }});
  backend_.Put({1, 1}, kKeyA);
  ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys.LatestVersion(1).value_or(0), 1u);
  EXPECT_THAT(keys.LatestVersion(2).status().message(), HasSubstr("not here"));
  EXPECT_THAT(keys.Rotate(1).status().message(), HasSubstr("not here"));
  EXPECT_FALSE(keys.RotateAll()[0].version);
  EXPECT_EQ(backend_.calls("Create"), 0);
}

TEST_F(VersionedKeysTest, WhetherAnythingIsStoredDecidesWithTheProgram) {
  std::vector<bool> asked;
  VersionedKeys keys(backend_, clock_, random_, log_,
                     {[] { return size_t{16}; }, [] { return Millis(5000); }, 4,
                      [&asked](bool is_empty) {
                        asked.push_back(is_empty);
                        return Status::Ok();
                      }});
  EXPECT_EQ(keys.LatestVersion(1).value_or(0), 1u);
  EXPECT_EQ(keys.LatestVersion(2).value_or(0), 1u);
  EXPECT_THAT(asked, testing::ElementsAre(true, false));
}

TEST_F(VersionedKeysTest, FirstVersionsAreAlwaysInTheLog) {
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 1u);
  EXPECT_THAT(log_.Text(), HasSubstr("made version 1 of key 1, memory 1.1: "
                                     "nothing was stored there"));
  EXPECT_EQ(keys_.LatestVersion(2).value_or(0), 1u);
  EXPECT_THAT(log_.Text(), HasSubstr("made version 1 of key 2, memory 2.1"));
}

TEST_F(VersionedKeysTest, IdWithNothingButCorruptVersionsMakesNoNewOne) {
  backend_.Put({1, 1}, kKeyA);
  FailFetches(StatusCode::kCorrupt);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys_.LatestVersion(1).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(backend_.calls("Create"), 0);
}

TEST_F(VersionedKeysTest, IdWithNothingButCorruptVersionsIsTriedAgain) {
  backend_.Put({1, 1}, kKeyA);
  FailFetches(StatusCode::kCorrupt);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  const Status status = keys_.LatestVersion(1).status();
  EXPECT_THAT(status.message(),
              HasSubstr("the newest version of key 1 cannot be used"));
  EXPECT_THAT(status.message(), HasSubstr("planted"));
  FailNothing();
  clock_.Advance(Millis(5000));
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 1u);
}

TEST_F(VersionedKeysTest, LatestThatMayComeBackIsNotReplacedByAnOlderOne) {
  backend_.Put({1, 1}, kKeyA);
  backend_.Put({1, 2}, kKeyB);
  backend_.SetHook([](const std::string& operation, KeyVersion key) {
    return operation == "Fetch" && key.version == 2
               ? Status(StatusCode::kUnavailable, "no answer")
               : Status::Ok();
  });
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_FALSE(keys_.LatestVersion(1));
  EXPECT_TRUE(keys_.Get({1, 1}));
  FailNothing();
  clock_.Advance(Millis(5000));
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 2u);
}

TEST_F(VersionedKeysTest, OutageDoesNotDisturbLoadedKeys) {
  backend_.Put({1, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  FailEverything(StatusCode::kUnavailable);
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 1u);
  EXPECT_EQ((*keys_.Get({1, 1}))->RevealText(), kKeyA);
}

TEST_F(VersionedKeysTest, RotationOfAMissingIdIsNotFound) {
  EXPECT_EQ(keys_.Rotate(9).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(backend_.calls("Create"), 0);
}

TEST_F(VersionedKeysTest, FailedRotationKeepsTheOldVersionInUse) {
  backend_.Put({1, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  FailFetches(StatusCode::kUnavailable);
  const Status status = keys_.Rotate(1).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("the version before it stays"));
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 1u);
  FailNothing();
  EXPECT_EQ(keys_.Rotate(1).value_or(0), 3u);
}

TEST_F(VersionedKeysTest, RotateAllGoesOnPastAFailingId) {
  for (const uint32_t id : {1, 2, 3}) backend_.Put({id, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  backend_.SetHook([](const std::string& operation, KeyVersion key) {
    return operation == "Create" && key.id == 2
               ? Status(StatusCode::kDenied, "planted")
               : Status::Ok();
  });
  const auto results = keys_.RotateAll();
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(*results[0].version, 2u);
  EXPECT_EQ(results[1].version.status().code(), StatusCode::kDenied);
  EXPECT_EQ(*results[2].version, 2u);
}

// Creates several keys in one call, but for key 2.
class BatchBackend : public MemoryVersionedBackend {
 public:
  bool creates_together() const override { return true; }
  std::vector<Status> CreateAll(
      const std::vector<KeyVersion>& keys, size_t bytes,
      const std::function<Deadline()>& deadline) override {
    batches.push_back(keys);
    std::vector<Status> outcomes;
    for (const KeyVersion key : keys) {
      outcomes.push_back(key.id == 2 ? Status(StatusCode::kDenied, "planted")
                                     : Create(key, bytes, deadline()));
    }
    return outcomes;
  }
  std::vector<std::vector<KeyVersion>> batches;
};

TEST_F(VersionedKeysTest, RotateAllIsOneBatchWhereTheBackendHasThem) {
  BatchBackend backend;
  VersionedKeys keys(backend, clock_, random_, log_,
                     {[] { return size_t{16}; }, [] { return Millis(5000); }});
  for (const uint32_t id : {1, 2, 3, 4}) backend.Put({id, 1}, kKeyA);
  backend.Put({4, 2}, kKeyB);
  backend.SetHook([](const std::string& operation, KeyVersion key) {
    return operation == "Fetch" && key == KeyVersion{4, 2}
               ? Status(StatusCode::kCorrupt, "planted")
               : Status::Ok();
  });
  ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
  const auto results = keys.RotateAll();
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(*results[0].version, 2u);
  EXPECT_EQ(results[1].version.status().code(), StatusCode::kDenied);
  EXPECT_EQ(*results[2].version, 2u);
  EXPECT_THAT(results[3].version.status().message(), HasSubstr("not rotated"));
  ASSERT_EQ(backend.batches.size(), 1u);
  EXPECT_THAT(backend.batches[0],
              testing::ElementsAre(KeyVersion{1, 2}, KeyVersion{2, 2},
                                   KeyVersion{3, 2}));
  EXPECT_EQ(keys.LatestVersion(1).value_or(0), 2u);
}

TEST_F(VersionedKeysTest, RotateAllStopsWhenEveryCallFails) {
  for (uint32_t id = 1; id <= 100; ++id) backend_.Put({id, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  backend_.SetHook([](const std::string& operation, KeyVersion) {
    return operation == "Create" ? Status(StatusCode::kTimeout, "no answer")
                                 : Status::Ok();
  });
  const auto results = keys_.RotateAll();
  EXPECT_EQ(results.size(), 100u);
  EXPECT_LE(backend_.calls("Create"), 8);
  EXPECT_THAT(results[99].version.status().message(), HasSubstr("not tried"));
}

TEST_F(VersionedKeysTest, EachKeyOfARotationHasTheTimeOfAnOperation) {
  for (uint32_t id = 1; id <= 10; ++id) backend_.Put({id, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  (void)keys_.RotateAll();
  EXPECT_EQ(backend_.create_ends.load() - clock_.Steady(), Millis(5000));
}

TEST_F(VersionedKeysTest, OnASlowServerFewerAreRotatedAtOnceAndHaveMoreTime) {
  VersionedKeys::Options options{[] { return size_t{16}; },
                                 [] { return Millis(5000); }, 8};
  options.rotation_parallelism = 2;
  VersionedKeys keys(backend_, clock_, random_, log_, options);
  for (uint32_t id = 1; id <= 20; ++id) backend_.Put({id, 1}, kKeyA);
  ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
  std::mutex mutex;
  std::set<std::thread::id> threads;
  backend_.SetHook([&](const std::string& operation, KeyVersion) {
    const std::lock_guard lock(mutex);
    if (operation == "Create") threads.insert(std::this_thread::get_id());
    return Status::Ok();
  });
  for (const auto& rotated : keys.RotateAll()) {
    EXPECT_EQ(rotated.version.value_or(0), 2u);
  }
  EXPECT_LE(threads.size(), 2u);
  EXPECT_EQ(backend_.create_ends.load() - clock_.Steady(), Millis(10000));
  ASSERT_TRUE(keys.Rotate(1));
  EXPECT_EQ(backend_.create_ends.load() - clock_.Steady(), Millis(5000));
}

TEST_F(VersionedKeysTest, AThrottledRotationSlowsDownAndIsComplete) {
  for (uint32_t id = 1; id <= 100; ++id) backend_.Put({id, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  std::atomic<int> creations{0};
  backend_.SetHook([&](const std::string& operation, KeyVersion) {
    return operation == "Create" && ++creations % 20 == 0
               ? Status(StatusCode::kThrottled, "slower")
               : Status::Ok();
  });
  const int fetches = backend_.reporting_fetches;
  for (const auto& rotated : keys_.RotateAll()) {
    EXPECT_EQ(rotated.version.value_or(0), 2u) << rotated.id;
  }
  EXPECT_EQ(backend_.reporting_fetches, fetches) << "nobody repeats these";
  EXPECT_LE(creations, 110);
  EXPECT_EQ(backend_.reporting_creates, creations)
      << "a call that repeats itself would keep its place";
  EXPECT_FALSE(clock_.sleeps().empty());
}

TEST_F(VersionedKeysTest, ARotationThatIsThrottledWithoutEndEnds) {
  for (uint32_t id = 1; id <= 100; ++id) backend_.Put({id, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  backend_.SetHook([](const std::string& operation, KeyVersion) {
    return operation == "Create" ? Status(StatusCode::kThrottled, "slower")
                                 : Status::Ok();
  });
  const SteadyTime before = clock_.Steady();
  const auto results = keys_.RotateAll();
  EXPECT_LE(clock_.Steady() - before, Millis(60000));
  EXPECT_LE(backend_.calls("Create"), 40);
  EXPECT_EQ(results[0].version.status().code(), StatusCode::kThrottled);
  EXPECT_THAT(results[99].version.status().message(), HasSubstr("not tried"));
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 1u);
}

TEST_F(VersionedKeysTest, WhatWasMadeAndCannotBeReadBackIsNotMadeAgain) {
  for (uint32_t id = 1; id <= 10; ++id) backend_.Put({id, 1}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  FailFetchOfVersion2(StatusCode::kThrottled);
  for (const auto& rotated : keys_.RotateAll()) {
    EXPECT_EQ(rotated.version.status().code(), StatusCode::kThrottled);
    EXPECT_THAT(rotated.version.status().message(),
                HasSubstr("cannot be read back yet"));
  }
  EXPECT_EQ(backend_.calls("Create"), 10);
  EXPECT_EQ(backend_.List()->size(), 20u);
}

TEST_F(VersionedKeysTest, HighestPossibleVersionIsNotWrappedAround) {
  backend_.Put({1, kMaxKeyVersion}, kKeyA);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys_.Rotate(1).status().code(), StatusCode::kMisconfigured);
}

TEST_F(VersionedKeysTest, StartRetriesUntilTheKeysAreThere) {
  backend_.Put({1, 1}, kKeyA);
  std::atomic<int> failures{3};
  backend_.SetHook([&](const std::string& operation, KeyVersion) {
    return operation == "Fetch" && failures-- > 0
               ? Status(StatusCode::kUnavailable, "no answer yet")
               : Status::Ok();
  });
  ASSERT_TRUE(keys_.LoadAll(Millis(60000)).ok());
  EXPECT_EQ(keys_.counts().versions_loaded, 1u);
  EXPECT_EQ(log_.lines().size(), 3u) << "one line an attempt\n" << log_.Text();
  EXPECT_THAT(log_.Text(), HasSubstr("attempt 3: 1 of 1 key versions"));
}

TEST_F(VersionedKeysTest, StartGivesUpWaitingAtItsDeadline) {
  backend_.Put({1, 1}, kKeyA);
  FailFetches(StatusCode::kUnavailable);
  const SteadyTime before = clock_.Steady();
  ASSERT_TRUE(keys_.LoadAll(Millis(60000)).ok());
  EXPECT_EQ(clock_.Steady() - before, Millis(60000));
  EXPECT_EQ(keys_.counts().versions_failed, 1u);
  EXPECT_THAT(log_.lines().back().second,
              HasSubstr("starting without 1 of 1 key versions"));
}

TEST_F(VersionedKeysTest, AThrottledStartLoadsAllKeysMoreSlowly) {
  for (uint32_t id = 1; id <= 100; ++id) backend_.Put({id, 1}, kKeyA);
  std::atomic<int> fetches{0};
  backend_.SetHook([&](const std::string& operation, KeyVersion) {
    return operation == "Fetch" && ++fetches % 20 == 0
               ? Status(StatusCode::kThrottled, "slower")
               : Status::Ok();
  });
  ASSERT_TRUE(keys_.LoadAll(Millis(60000)).ok());
  EXPECT_EQ(keys_.counts().versions_loaded, 100u);
  EXPECT_LE(fetches, 110);
  EXPECT_EQ(backend_.reporting_fetches, backend_.calls("Fetch"))
      << "a call that repeats itself would keep its place";
  EXPECT_FALSE(clock_.sleeps().empty());
  ASSERT_EQ(log_.lines().size(), 1u) << log_.Text();
  EXPECT_THAT(log_.Text(), HasSubstr("limits their rate: slower"));
}

TEST_F(VersionedKeysTest, AThrottledStartEndsAtItsDeadline) {
  for (uint32_t id = 1; id <= 100; ++id) backend_.Put({id, 1}, kKeyA);
  FailFetches(StatusCode::kThrottled);
  for (const Millis startup : {Millis(20000), Millis(0)}) {
    const SteadyTime before = clock_.Steady();
    ASSERT_TRUE(keys_.LoadAll(startup).ok());
    EXPECT_LE(clock_.Steady() - before, std::max(startup, Millis(5000)));
    EXPECT_LE(backend_.calls("Fetch"), 40);
  }
  EXPECT_THAT(log_.Text(), HasSubstr("starting without 100 of 100"));
  // On demand it is tried again, and then loads the others.
  FailNothing();
  clock_.Advance(Millis(5000));
  EXPECT_TRUE(keys_.Get({5, 1}));
  EXPECT_EQ(keys_.counts().versions_loaded, 100u);
}

TEST_F(VersionedKeysTest,
       WithoutTimeToWaitAThrottledStartHasThatOfAnOperation) {
  for (uint32_t id = 1; id <= 40; ++id) backend_.Put({id, 1}, kKeyA);
  std::atomic<int> fetches{0};
  backend_.SetHook([&](const std::string& operation, KeyVersion) {
    return operation == "Fetch" && ++fetches == 3
               ? Status(StatusCode::kThrottled, "slower")
               : Status::Ok();
  });
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys_.counts().versions_loaded, 40u);
}

TEST_F(VersionedKeysTest, TheRestIsLoadedMoreSlowlyWhenItIsThrottled) {
  for (uint32_t id = 1; id <= 50; ++id) backend_.Put({id, 1}, kKeyA);
  FailFetches(StatusCode::kUnavailable);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  clock_.Advance(Millis(5000));
  std::atomic<int> fetches{0};
  backend_.SetHook([&](const std::string& operation, KeyVersion) {
    return operation == "Fetch" && ++fetches == 20
               ? Status(StatusCode::kThrottled, "slower")
               : Status::Ok();
  });
  const size_t pauses = clock_.sleeps().size();
  backend_.reporting_fetches = 0;
  EXPECT_TRUE(keys_.Get({5, 1}));
  EXPECT_EQ(backend_.reporting_fetches, 50) << "all but the one on demand";
  EXPECT_EQ(keys_.counts().versions_loaded, 50u);
  EXPECT_EQ(fetches, 51);
  EXPECT_EQ(clock_.sleeps().size(), pauses + 1);
}

// The batch gives up shortly before its deadline, when no pause fits into it.
TEST_F(VersionedKeysTest, AThrottledRestIsLoadedTogetherLater) {
  for (uint32_t id = 1; id <= 50; ++id) backend_.Put({id, 1}, kKeyA);
  FailFetches(StatusCode::kUnavailable);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  clock_.Advance(Millis(60000));
  backend_.SetHook([](const std::string& operation, KeyVersion key) {
    return operation == "Fetch" && key.id != 7
               ? Status(StatusCode::kThrottled, "slower")
               : Status::Ok();
  });
  const SteadyTime before = clock_.Steady();
  EXPECT_TRUE(keys_.Get({7, 1}));
  EXPECT_LT(clock_.Steady() - before, Millis(5000)) << "time is left";
  EXPECT_EQ(keys_.counts().versions_loaded, 1u);
  FailNothing();
  clock_.Advance(Millis(60000));
  EXPECT_TRUE(keys_.Get({8, 1}));
  EXPECT_EQ(keys_.counts().versions_loaded, 50u);
}

TEST_F(VersionedKeysTest, StartDoesNotWaitForWhatWaitingCannotFix) {
  backend_.Put({1, 1}, kKeyA);
  FailFetches(StatusCode::kDenied);
  ASSERT_TRUE(keys_.LoadAll(Millis(60000)).ok());
  EXPECT_TRUE(clock_.sleeps().empty());
  EXPECT_THAT(log_.Text(), HasSubstr("version 1 of key 1 cannot be loaded"));
}

TEST_F(VersionedKeysTest, ListedVersionThatCannotBeFoundIsAnErrorAtOnce) {
  backend_.Put({1, 1}, kKeyA);
  FailFetches(StatusCode::kNotFound);  // A link that leads nowhere.
  ASSERT_TRUE(keys_.LoadAll(Millis(60000)).ok());
  EXPECT_TRUE(clock_.sleeps().empty());
  EXPECT_THAT(log_.Text(), HasSubstr("version 1 of key 1 cannot be loaded"));
  EXPECT_EQ(keys_.LatestVersion(1).status().code(), StatusCode::kMisconfigured);
  EXPECT_EQ(backend_.calls("Create"), 0);
  FailNothing();
  clock_.Advance(Millis(5000));
  EXPECT_EQ(keys_.LatestVersion(1).value_or(0), 1u);
}

TEST_F(VersionedKeysTest, OneStubbornKeyDoesNotKeepOthersFromLoading) {
  for (uint32_t id = 1; id <= 50; ++id) backend_.Put({id, 1}, kKeyA);
  backend_.SetHook([](const std::string& operation, KeyVersion key) {
    return operation == "Fetch" && key.id == 1
               ? Status(StatusCode::kUnavailable, "this one never")
               : Status::Ok();
  });
  ASSERT_TRUE(keys_.LoadAll(Millis(1000)).ok());
  EXPECT_EQ(keys_.counts().versions_loaded, 49u);
}

TEST_F(VersionedKeysTest, TimeoutsOfAHungKeyServerDoNotAddUpOverIds) {
  for (uint32_t id = 1; id <= 200; ++id) backend_.Put({id, 1}, kKeyA);
  backend_.SetHook([&](const std::string& operation, KeyVersion) {
    if (operation == "List") return Status::Ok();
    clock_.Advance(Millis(5000));
    return Status(StatusCode::kTimeout, "no answer");
  });
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  const SteadyTime before = clock_.Steady();
  clock_.Advance(Millis(5000));
  for (uint32_t id = 1; id <= 200; ++id) {
    EXPECT_EQ(keys_.LatestVersion(id).status().code(), StatusCode::kTimeout);
  }
  EXPECT_LE(clock_.Steady() - before, Millis(10000));
  EXPECT_THAT(keys_.LatestVersion(200).status().message(),
              HasSubstr("did not answer a moment ago"));
}

TEST_F(VersionedKeysTest, ASlowRefusalPausesOnlyItsKey) {
  backend_.SetHook([&](const std::string& operation, KeyVersion key) {
    if (operation != "Create" || key.id != 1) return Status::Ok();
    clock_.Advance(Millis(3000));
    return Status(StatusCode::kUnavailable, "too many requests");
  });
  EXPECT_FALSE(keys_.LatestVersion(1));
  EXPECT_TRUE(keys_.LatestVersion(2));
}

TEST_F(VersionedKeysTest, TheFirstKeyAfterAnOutageBringsTheOthers) {
  for (uint32_t id = 1; id <= 200; ++id) backend_.Put({id, 1}, kKeyA);
  FailFetches(StatusCode::kTimeout);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  FailNothing();
  clock_.Advance(Millis(5000));
  EXPECT_EQ(keys_.LatestVersion(9).value_or(0), 1u);
  EXPECT_EQ(keys_.counts().versions_loaded, 200u);
}

TEST_F(VersionedKeysTest, AfterAnOutageOfTheListTheFirstKeyBringsTheOthers) {
  for (uint32_t id = 1; id <= 20; ++id) backend_.Put({id, 1}, kKeyA);
  FailEverything(StatusCode::kTimeout);
  ASSERT_FALSE(keys_.LoadAll(Millis(0)).ok());
  FailNothing();
  clock_.Advance(Millis(5000));
  EXPECT_TRUE(keys_.Get({9, 1}));
  EXPECT_EQ(keys_.counts().versions_loaded, 20u);
}

TEST_F(VersionedKeysTest, TheRestIsNotLoadedBeyondTheCallersDeadline) {
  for (uint32_t id = 1; id <= 200; ++id) backend_.Put({id, 1}, kKeyA);
  FailFetches(StatusCode::kTimeout);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  backend_.SetHook([&](const std::string&, KeyVersion) {
    clock_.Advance(Millis(100));
    return Status::Ok();
  });
  clock_.Advance(Millis(5000));
  EXPECT_TRUE(keys_.Get({9, 1}));
  EXPECT_LE(keys_.counts().versions_loaded, 60u);
  EXPECT_GE(keys_.counts().versions_loaded, 40u);
  EXPECT_TRUE(keys_.Get({200, 1}));
  EXPECT_GE(keys_.counts().versions_loaded, 80u) << "the next caller goes on";
}

TEST_F(VersionedKeysTest, OneStubbornKeyIsNotTriedWithEveryOther) {
  for (uint32_t id = 1; id <= 20; ++id) backend_.Put({id, 1}, kKeyA);
  FailFetches(StatusCode::kTimeout);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  backend_.SetHook([](const std::string& operation, KeyVersion key) {
    return operation == "Fetch" && key.id == 7
               ? Status(StatusCode::kTimeout, "this one never")
               : Status::Ok();
  });
  clock_.Advance(Millis(5000));
  EXPECT_TRUE(keys_.Get({9, 1}));
  const int fetches = backend_.calls("Fetch");
  EXPECT_TRUE(keys_.LatestVersion(50));
  EXPECT_EQ(backend_.calls("Fetch"), fetches + 1);
}

TEST_F(VersionedKeysTest, WhatMustNotGoOnWithoutAKeyCanAsk) {
  backend_.Put({1, 1}, kKeyA);
  backend_.Put({1, 2}, kKeyB);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_TRUE(keys_.CheckAllLoaded().ok());
  backend_.Put({2, 1}, kKeyA);
  FailFetches(StatusCode::kUnavailable);
  ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
  EXPECT_EQ(keys_.CheckAllLoaded().code(), StatusCode::kUnavailable);
  EXPECT_THAT(keys_.CheckAllLoaded().message(),
              HasSubstr("version 1 of key 2 is not loaded: planted"));
}

TEST_F(VersionedKeysTest, ManyFirstUsersOfAnIdMakeOneKey) {
  constexpr int kThreads = 8;
  std::latch start(kThreads);
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        if (keys_.LatestVersion(5).value_or(0) == 1) ++right;
      });
    }
  }
  EXPECT_EQ(right, kThreads);
  EXPECT_EQ(backend_.calls("Create"), 1);
  EXPECT_EQ(backend_.calls("Fetch"), 1);
}

TEST_F(VersionedKeysTest, SlowKeyDelaysOnlyItself) {
  backend_.Put({1, 1}, kKeyA);
  backend_.Put({2, 1}, kKeyB);
  std::latch blocked(1), release(1);
  backend_.SetHook([&](const std::string& operation, KeyVersion key) {
    if (operation == "Fetch" && key.id == 1) {
      blocked.count_down();
      release.wait();
    }
    return Status::Ok();
  });
  std::jthread slow([&] { EXPECT_TRUE(keys_.Get({1, 1})); });
  blocked.wait();
  EXPECT_TRUE(keys_.Get({2, 1}));
  EXPECT_EQ(keys_.LatestVersion(3).value_or(0), 1u);
  release.count_down();
}

}  // namespace
}  // namespace openkeyring
