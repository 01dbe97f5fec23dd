// SPDX-License-Identifier: MIT
#include "net/socket.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/silent_listener.h"

namespace openkeyring {
namespace {

constexpr Millis kLong{20000};

Deadline In(Millis time) { return Deadline::After(SystemClock(), time); }

TEST(ResolveHost, KnowsNamesAndAddresses) {
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto found = ResolveHost(host, 5696, In(kLong));
    ASSERT_TRUE(found) << found.status().message();
    EXPECT_FALSE(found->empty());
  }
}

TEST(ResolveHost, EndsAtTheDeadline) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "names are resolved without a thread here";
#endif
  // On a busy machine an answer may come before the first look at the clock.
  int timeouts = 0;
  for (int i = 0; i < 20; ++i) {
    const auto found = ResolveHost("kmip.invalid", 5696, In(Millis(0)));
    ASSERT_FALSE(found);
    timeouts += found.error().code() == StatusCode::kTimeout;
  }
  EXPECT_GT(timeouts, 0);
  EXPECT_TRUE(ResolveHost("localhost", 5696, In(kLong)));
}

TEST(ResolveHost, WorksInAForkedChild) {
  EXPECT_TRUE(ResolveHost("localhost", 5696, In(kLong)));
  const pid_t child = fork();
  if (child == 0) {
    _exit(ResolveHost("localhost", 5696, In(Millis(5000))) ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(IsNumericAddress, TellsAddressesFromNames) {
  EXPECT_TRUE(IsNumericAddress("127.0.0.1"));
  EXPECT_TRUE(IsNumericAddress("::1"));
  EXPECT_TRUE(IsNumericAddress("fe80::1%eth0"));
  EXPECT_FALSE(IsNumericAddress("localhost"));
  EXPECT_FALSE(IsNumericAddress("1.2.3"));
}

TEST(ConnectTo, TheNextAddressIsTriedWhenOneRefuses) {
  const SilentListener listener;
  auto addresses = ResolveHost("127.0.0.1", listener.port(), In(kLong));
  ASSERT_TRUE(addresses);
  const auto refused = ResolveHost("127.0.0.1", 1, In(kLong));
  ASSERT_TRUE(refused);
  addresses->insert(addresses->begin(), refused->begin(), refused->end());
  EXPECT_TRUE(ConnectTo(*addresses, In(kLong)));
  EXPECT_EQ(ConnectTo(*refused, In(kLong)).error().code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(ConnectTo({}, In(kLong)).error().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace openkeyring
