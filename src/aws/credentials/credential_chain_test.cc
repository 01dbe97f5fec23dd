// SPDX-License-Identifier: MIT
#include "aws/credentials/credential_chain.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "aws/values.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Credentials Keys(const std::string& id,
                 std::optional<WallTime> expiration = std::nullopt) {
  return {id, TakeSecret("secret"), Secret(), expiration};
}

// A source that a function answers for.
class FakeSource : public CredentialSource {
 public:
  using Answer = std::function<Result<Credentials>(const Deadline&)>;
  FakeSource(std::string name, Answer answer)
      : name_(std::move(name)), answer_(std::move(answer)) {}
  std::string Name() const override { return name_; }
  Result<Credentials> Fetch(const Deadline& deadline) override {
    return answer_(deadline);
  }

 private:
  const std::string name_;
  const Answer answer_;
};

class CredentialChainTest : public ::testing::Test {
 protected:
  void Add(const std::string& name, FakeSource::Answer answer) {
    sources_.push_back(std::make_unique<FakeSource>(name, std::move(answer)));
  }
  // A source "fake" whose n-th answer is key "Kn" with that life, or `error_`.
  void AddCounting(Millis life) {
    Add("fake", [this, life](const Deadline&) -> Result<Credentials> {
      ++asked_;
      if (!error_.ok()) return error_;
      return Keys("K" + std::to_string(asked_), fake_.clock.Now() + life);
    });
  }
  void Make() {
    chain_ = std::make_unique<CredentialChain>(std::move(sources_), fake_.clock,
                                               fake_.log);
  }
  std::string Id() {
    const auto credentials = chain_->Get(fake_.InAMinute());
    return credentials ? (*credentials)->access_key_id
                       : "error " + credentials.error().ToString();
  }

  FakeAwsDependencies fake_;
  CredentialSources sources_;
  std::unique_ptr<CredentialChain> chain_;
  Status error_;
  std::atomic<int> asked_{0};
};

const Status kNotHere(StatusCode::kNotFound, "nothing set");
const Status kAway(StatusCode::kUnavailable, "away");

TEST_F(CredentialChainTest, TheFirstConfiguredSourceWinsAndIsNamed) {
  Add("one", [](const Deadline&) { return kNotHere; });
  Add("two", [](const Deadline&) { return Keys("B"); });
  Add("three", [](const Deadline&) { return Keys("C"); });
  Make();
  EXPECT_EQ(chain_->SourceName(), "");
  EXPECT_EQ(Id(), "B");
  EXPECT_EQ(chain_->Expiration(), std::nullopt);
  EXPECT_EQ(chain_->SourceName(), "two");
  EXPECT_NE(fake_.log.Text().find("from two, access key B"), std::string::npos);
  EXPECT_EQ(fake_.log.Text().find("secret"), std::string::npos);
}

// Credentials end by AWS's clock, not by the machine's.
TEST_F(CredentialChainTest, ExpiryIsJudgedByTheCorrectedClock) {
  AddCounting(minutes(60));
  chain_ = std::make_unique<CredentialChain>(
      std::move(sources_), fake_.dependencies().clock, fake_.log);
  EXPECT_EQ(Id(), "K1");
  const WallTime now = fake_.clock.Now();
  EXPECT_EQ(chain_->Expiration(), now + minutes(60));
  ASSERT_TRUE(fake_.aws_clock.Correct(now, now + minutes(61)));
  EXPECT_NE(Id(), "K1");
  EXPECT_EQ(asked_, 2);
}

TEST_F(CredentialChainTest, AConfiguredSourceThatFailsIsNotFallenThrough) {
  Add("one", [](const Deadline&) { return kNotHere; });
  Add("two",
      [](const Deadline&) { return Status(StatusCode::kDenied, "refused"); });
  Add("three", [](const Deadline&) { return Keys("C"); });
  Make();
  const Status status = chain_->Get(fake_.InAMinute()).status();
  EXPECT_EQ(status.code(), StatusCode::kDenied);
  EXPECT_NE(status.message().find("from two: refused"), std::string::npos);
  EXPECT_NE(status.message().find("one: nothing set"), std::string::npos);
}

TEST_F(CredentialChainTest, WithoutAnySourceItIsMisconfiguredAndAllAreListed) {
  Add("one", [](const Deadline&) { return kNotHere; });
  Add("two", [](const Deadline&) { return kNotHere; });
  Make();
  const Status status = chain_->Get(fake_.InAMinute()).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("one: nothing set; two: nothing set"),
            std::string::npos);
}

TEST_F(CredentialChainTest, KeysThatCouldBreakAHeaderAreRefused) {
  Add("one", [](const Deadline&) { return Keys("A\r\nHost: x"); });
  Make();
  EXPECT_EQ(chain_->Get(fake_.InAMinute()).status().code(),
            StatusCode::kMisconfigured);
}

TEST_F(CredentialChainTest, KeysWithoutAnEndAreAskedForOnce) {
  Add("one", [this](const Deadline&) {
    ++asked_;
    return Keys("A");
  });
  Make();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Id(), "A");
    fake_.clock.Advance(std::chrono::hours(100));
  }
  EXPECT_EQ(asked_, 1);
}

TEST_F(CredentialChainTest, RefreshBeginsAQuarterOfAnHourBeforeTheEnd) {
  AddCounting(minutes(60));
  Make();
  EXPECT_EQ(Id(), "K1");
  fake_.clock.Advance(minutes(44));
  EXPECT_EQ(Id(), "K1");
  fake_.clock.Advance(minutes(2));
  EXPECT_EQ(Id(), "K2");
  EXPECT_EQ(Id(), "K2");
  EXPECT_EQ(asked_, 2);
}

TEST_F(CredentialChainTest, AFailedRefreshGivesTheOldOnesUntilTheirEnd) {
  AddCounting(minutes(60));
  Make();
  EXPECT_EQ(Id(), "K1");
  error_ = kAway;
  for (const int minute : {46, 51, 59}) {
    while (fake_.clock.Now() - WallTime(seconds(1767323045)) <
           minutes(minute)) {
      fake_.clock.Advance(minutes(1));
    }
    EXPECT_EQ(Id(), "K1");
  }
  EXPECT_NE(fake_.log.Text().find("could not be refreshed"), std::string::npos);
  fake_.clock.Advance(minutes(2));
  EXPECT_NE(Id().find("error Unavailable"), std::string::npos);
  error_ = Status::Ok();
  fake_.clock.Advance(seconds(2));
  const std::string id = Id();
  EXPECT_EQ(id, "K" + std::to_string(asked_));
}

TEST_F(CredentialChainTest, AFailedRefreshIsNotRepeatedByEveryCaller) {
  AddCounting(minutes(60));
  Make();
  EXPECT_EQ(Id(), "K1");
  error_ = kAway;
  fake_.clock.Advance(minutes(52));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Id(), "K1");
  EXPECT_EQ(asked_, 2);
  fake_.clock.Advance(seconds(31));
  EXPECT_EQ(Id(), "K1");
  EXPECT_EQ(asked_, 3);
}

TEST_F(CredentialChainTest, AFirstFailureIsToldToAllForTwoSeconds) {
  error_ = kAway;
  AddCounting(minutes(60));
  Make();
  for (int i = 0; i < 10; ++i) EXPECT_NE(Id().find("away"), std::string::npos);
  EXPECT_EQ(asked_, 1);
  error_ = Status::Ok();
  fake_.clock.Advance(seconds(2));
  EXPECT_EQ(Id(), "K2");
}

TEST_F(CredentialChainTest, ShortLivedCredentialsAreNotAskedForByEveryCaller) {
  AddCounting(minutes(12));
  Make();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Id(), "K1");
  fake_.clock.Advance(minutes(6));
  EXPECT_EQ(Id(), "K2");
}

TEST_F(CredentialChainTest, CredentialsThatAreOverAtOnceAreDenied) {
  AddCounting(minutes(-1));
  Make();
  EXPECT_NE(Id().find("error Denied"), std::string::npos);
}

TEST_F(CredentialChainTest, InvalidatedCredentialsAreReplacedOnce) {
  AddCounting(minutes(60));
  Make();
  const auto first = *chain_->Get(fake_.InAMinute());
  chain_->Replace(*first);
  const auto second = *chain_->Get(fake_.InAMinute());
  EXPECT_EQ(second->access_key_id, "K2");
  chain_->Replace(*first);  // Somebody late; already replaced.
  EXPECT_EQ(Id(), "K2");
  EXPECT_EQ(first->access_key_id, "K1");  // Still whole for its holder.
}

TEST_F(CredentialChainTest, RefusedCredentialsAreNotGivenOutAgain) {
  AddCounting(minutes(60));
  Make();
  chain_->Replace(**chain_->Get(fake_.InAMinute()));
  error_ = kAway;
  EXPECT_NE(Id().find("error Unavailable"), std::string::npos);
}

TEST_F(CredentialChainTest, ACallerWithoutTimeAsksNobodyAndSpoilsNothing) {
  AddCounting(minutes(60));
  Make();
  EXPECT_EQ(chain_->Get(fake_.In(Millis(0))).status().code(),
            StatusCode::kTimeout);
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(Id(), "K1");
}

TEST_F(CredentialChainTest, ACancelledRefreshIsNotRemembered) {
  Cancellation cancellation;
  Add("fake", [&](const Deadline& deadline) -> Result<Credentials> {
    if (++asked_ == 1) return Keys("K1", fake_.clock.Now() + minutes(14));
    if (deadline.cancellation() == nullptr) return Keys("K3");
    cancellation.Cancel();
    return kAway;
  });
  Make();
  EXPECT_EQ(Id(), "K1");
  fake_.clock.Advance(minutes(8));
  const auto old = chain_->Get(fake_.InAMinute().CancelledBy(cancellation));
  ASSERT_TRUE(old);
  EXPECT_EQ((*old)->access_key_id, "K1");
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(Id(), "K3");  // Without a pause.
  EXPECT_EQ(fake_.log.Text().find("could not be refreshed"), std::string::npos);
}

TEST_F(CredentialChainTest, ARefreshOfValidOnesTakesHalfOfTheTimeAtMost) {
  Millis allowed{0};
  Add("fake", [&](const Deadline& deadline) {
    allowed = deadline.Remaining(fake_.clock);
    return Keys("A", fake_.clock.Now() + minutes(60));
  });
  Make();
  EXPECT_TRUE(chain_->Get(fake_.In(seconds(10))));
  EXPECT_EQ(allowed, seconds(10));
  fake_.clock.Advance(minutes(46));
  EXPECT_TRUE(chain_->Get(fake_.In(seconds(10))));
  EXPECT_EQ(allowed, seconds(5));
}

// Real threads from here on; the clock stands still unless a test moves it.
class CredentialChainThreadsTest : public CredentialChainTest {
 protected:
  // After `free_answers`, an answer waits for open_.
  void AddSlow(int free_answers, Millis life) {
    Add("slow", [=, this](const Deadline&) -> Result<Credentials> {
      const int number = ++asked_;
      if (number > free_answers) {
        entered_.set_value();
        open_.get_future().wait();
      }
      if (!error_.ok()) return error_;
      return Keys("K" + std::to_string(number), fake_.clock.Now() + life);
    });
    Make();
  }
  std::promise<void> entered_, open_;
};

TEST_F(CredentialChainThreadsTest, ValidCredentialsAreGivenDuringASlowRefresh) {
  AddSlow(1, minutes(60));
  EXPECT_EQ(Id(), "K1");
  fake_.clock.Advance(minutes(46));
  std::string refreshed;
  std::thread slow([&] { refreshed = Id(); });
  entered_.get_future().wait();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Id(), "K1");  // None of them waits.
  open_.set_value();
  slow.join();
  EXPECT_EQ(refreshed, "K2");
  EXPECT_EQ(asked_, 2);
}

TEST_F(CredentialChainThreadsTest, CloseToTheEndEverybodyWaitsForOneRefresh) {
  AddSlow(1, minutes(60));
  EXPECT_EQ(Id(), "K1");
  fake_.clock.Advance(minutes(55));
  std::atomic<int> done{0}, right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      if (Id() == "K2") ++right;
      ++done;
    });
  }
  entered_.get_future().wait();
  SystemClock().SleepFor(Millis(30));
  EXPECT_EQ(done, 0);
  open_.set_value();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(asked_, 2);
}

TEST_F(CredentialChainThreadsTest, TheFirstCredentialsAreAskedForOnceByAll) {
  AddSlow(0, minutes(60));
  std::latch start(8);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      if (Id() == "K1") ++right;
    });
  }
  entered_.get_future().wait();
  open_.set_value();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(asked_, 1);
}

TEST_F(CredentialChainThreadsTest, WhoWaitsForAFailureGetsItAndAsksNotAgain) {
  error_ = kAway;
  AddSlow(0, minutes(60));
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      if (Id().find("away") != std::string::npos) ++failed;
    });
  }
  entered_.get_future().wait();
  open_.set_value();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 8);
  EXPECT_EQ(asked_, 1);
}

TEST_F(CredentialChainThreadsTest, AWaiterGivesUpAtItsDeadline) {
  AddSlow(0, minutes(60));
  std::thread slow([&] { EXPECT_EQ(Id(), "K1"); });
  entered_.get_future().wait();
  const Deadline deadline = fake_.In(seconds(5));
  std::thread mover([&] { fake_.clock.Advance(seconds(6)); });
  EXPECT_EQ(chain_->Get(deadline).status().code(), StatusCode::kTimeout);
  open_.set_value();
  slow.join();
  mover.join();
}

TEST_F(CredentialChainThreadsTest, CloseToTheEndAWaiterTakesTheOldOnesInTime) {
  AddSlow(1, minutes(60));
  EXPECT_EQ(Id(), "K1");
  fake_.clock.Advance(minutes(55));
  std::thread slow([&] { EXPECT_EQ(Id(), "K2"); });
  entered_.get_future().wait();
  const Deadline deadline = fake_.In(seconds(10));
  // Time passes whenever the waiter looks; how much of it is left when it
  // begins to wait does not matter.
  std::atomic<bool> over{false};
  std::thread mover([&] {
    while (!over) {
      fake_.clock.Advance(Millis(100));
      SystemClock().SleepFor(Millis(1));
    }
  });
  const auto waited = chain_->Get(deadline);
  over = true;
  ASSERT_TRUE(waited);
  EXPECT_EQ((*waited)->access_key_id, "K1");
  open_.set_value();
  slow.join();
  mover.join();
}

TEST_F(CredentialChainThreadsTest, InvalidationsAndGetsAtOnceDoNoHarm) {
  AddCounting(minutes(60));
  Make();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        const auto credentials = chain_->Get(fake_.InAMinute());
        ASSERT_TRUE(credentials);
        if (round % 10 == 0) chain_->Replace(**credentials);
        (void)chain_->SourceName();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace openkeyring
