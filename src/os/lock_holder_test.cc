// SPDX-License-Identifier: MIT
#include "os/lock_holder.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace openkeyring {
namespace {

constexpr char kLocks[] =
    "1: POSIX  ADVISORY  WRITE 700 fe:01:55 0 EOF\n"
    "2: FLOCK  ADVISORY  WRITE 708 fe:01:55 0 EOF\n"
    "3: FLOCK  ADVISORY  WRITE 709 fe:02:55 0 EOF\n"
    "3: -> FLOCK  ADVISORY  WRITE 710 fe:02:66 0 EOF\n"
    "4: FLOCK  ADVISORY  READ  711 fe:02:77 0 EOF\n";

TEST(LockHolderTest, FindsTheFlockOfThatDeviceAndInode) {
  EXPECT_EQ(FindFlock(kLocks, makedev(0xfe, 1), 55), 708);
  EXPECT_EQ(FindFlock(kLocks, makedev(0xfe, 2), 55), 709);
}

TEST(LockHolderTest, TheInodeAloneDecidesWhenOnlyOneLineHasIt) {
  EXPECT_EQ(FindFlock(kLocks, makedev(0, 44), 77), 711);
  EXPECT_EQ(FindFlock(kLocks, makedev(0, 44), 55), 0) << "two files have it";
}

TEST(LockHolderTest, NobodyIsNobody) {
  EXPECT_EQ(FindFlock(kLocks, makedev(0xfe, 1), 99), 0);
  EXPECT_EQ(FindFlock(kLocks, makedev(0xfe, 2), 66), 0)
      << "who only waits holds nothing";
  EXPECT_EQ(FindFlock("", 1, 1), 0);
  EXPECT_EQ(FindFlock("garbage\n\n12: FLOCK", 1, 1), 0);
}

}  // namespace
}  // namespace openkeyring
