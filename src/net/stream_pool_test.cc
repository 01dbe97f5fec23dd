// SPDX-License-Identifier: MIT
#include "net/stream_pool.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <thread>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

// Counts what is open; a stream is quiet unless told otherwise.
class FakeConnector : public StreamConnector {
 public:
  class Stream : public ByteStream {
   public:
    explicit Stream(FakeConnector& owner) : owner_(owner) { ++owner_.open; }
    ~Stream() override { --owner_.open; }
    Status Write(ByteView, const Deadline&) override { return Status::Ok(); }
    Result<size_t> Read(std::span<uint8_t>, const Deadline&) override {
      return size_t{0};
    }
    StreamState State() override { return owner_.state; }
    std::string Description() const override { return "fake"; }

   private:
    FakeConnector& owner_;
  };

  Result<std::unique_ptr<ByteStream>> Connect(const std::string&, int,
                                              const Deadline&) override {
    if (!error.ok()) return error;
    ++made;
    return std::unique_ptr<ByteStream>(std::make_unique<Stream>(*this));
  }
  std::atomic<int> open{0}, made{0};
  StreamState state = StreamState::kQuiet;
  Status error;
};

class StreamPoolTest : public testing::Test {
 protected:
  static Deadline Soon() {
    return Deadline::After(SystemClock(), Millis(20000));
  }
  // A lease that is connected to that server.
  std::optional<StreamPool::Lease> Connect(const Endpoint& endpoint,
                                           bool fresh = false) {
    auto lease = pool.Acquire(Soon());
    if (lease && !lease->Connect(endpoint, fresh, Soon()).ok()) return {};
    return lease;
  }
  void Use(const Endpoint& endpoint) {
    auto lease = Connect(endpoint);
    ASSERT_TRUE(lease);
    lease->Keep();
  }

  const Endpoint a{"a", 1}, b{"b", 1};
  FakeConnector connector;
  ManualClock clock;
  StreamPool pool{connector, clock, {2, Millis(60000)}};
};

TEST_F(StreamPoolTest, AKeptConnectionIsUsedAgain) {
  Use(a);
  auto lease = Connect(a);
  ASSERT_TRUE(lease);
  EXPECT_TRUE(lease->was_kept());
  EXPECT_EQ(connector.made, 1);
}

TEST_F(StreamPoolTest, AConnectionThatIsNotKeptIsClosed) {
  { EXPECT_TRUE(Connect(a)); }
  EXPECT_EQ(connector.open, 0);
}

TEST_F(StreamPoolTest, AnotherServerGetsItsOwn) {
  Use(a);
  Use(b);
  EXPECT_EQ(connector.made, 2);
  EXPECT_EQ(connector.open, 2);
}

TEST_F(StreamPoolTest, FreshMeansNew) {
  Use(a);
  auto lease = Connect(a, true);
  ASSERT_TRUE(lease);
  EXPECT_FALSE(lease->was_kept());
}

TEST_F(StreamPoolTest, OneThatIsClosedOrHasSomethingUnreadIsDropped) {
  for (const StreamState state : {StreamState::kUnread, StreamState::kClosed}) {
    Use(a);
    connector.state = state;
    auto lease = Connect(a);
    ASSERT_TRUE(lease);
    EXPECT_FALSE(lease->was_kept());
    EXPECT_EQ(connector.open, 1);
    connector.state = StreamState::kQuiet;
  }
}

TEST_F(StreamPoolTest, ALeaseGoesFromOneServerToTheNext) {
  Use(b);
  auto lease = Connect(a);
  ASSERT_TRUE(lease);
  EXPECT_TRUE(lease->Connect(b, false, Soon()).ok());
  EXPECT_TRUE(lease->was_kept());
  EXPECT_EQ(connector.open, 1);
}

TEST_F(StreamPoolTest, OneThatLayTooLongIsDropped) {
  Use(a);
  clock.Advance(Millis(60001));
  auto lease = Connect(a);
  ASSERT_TRUE(lease);
  EXPECT_FALSE(lease->was_kept());
  EXPECT_EQ(connector.open, 1);
}

TEST_F(StreamPoolTest, ForgetClosesThoseOfOneServer) {
  Use(a);
  Use(b);
  pool.Forget(a);
  EXPECT_EQ(connector.open, 1);
}

TEST_F(StreamPoolTest, AFailureGivesThePlaceBack) {
  connector.error = {StatusCode::kUnavailable, "refused"};
  for (int i = 0; i < 5; ++i) {
    auto lease = pool.Acquire(Soon());
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->Connect(a, false, Soon()).code(),
              StatusCode::kUnavailable);
    EXPECT_FALSE(lease->is_connected());
  }
  connector.error = Status::Ok();
  EXPECT_TRUE(Connect(a));
}

TEST_F(StreamPoolTest, BeyondTheBoundOneWaitsForAnother) {
  auto first = Connect(a);
  auto second = Connect(a);
  EXPECT_FALSE(pool.Acquire(Deadline::After(SystemClock(), Millis(20))));
  std::latch started(1);
  std::jthread waiter([&] {
    started.count_down();
    EXPECT_TRUE(Connect(a));
  });
  started.wait();
  second.reset();
}

TEST_F(StreamPoolTest, AForkedChildLeavesTheParentsConnectionsAlone) {
  Use(a);
  const pid_t child = fork();
  if (child == 0) {
    auto lease = Connect(a);
    // Not the parent's, which is still open here too.
    _exit(lease && !lease->was_kept() && connector.open == 2 ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(Connect(a)->was_kept());
}

}  // namespace
}  // namespace openkeyring
