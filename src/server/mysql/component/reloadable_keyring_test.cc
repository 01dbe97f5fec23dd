// SPDX-License-Identifier: MIT
// Changes and reloads exclude each other, shown by starting one inside the
// other.
#include "server/mysql/component/reloadable_keyring.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <string>

#include "testing/mysql_component/component_under_test.h"

namespace openkeyring {
namespace {

constexpr std::chrono::milliseconds kLongEnough{200};

class ReloadableKeyringTest : public testing::Test {
 protected:
  static Status Load() { return TheKeyring().Load({"/plugins", "/data"}); }
  static Status Store(const std::string& id) {
    return TheKeyring().Store({{id, ""}, "AES", Secret::CopyOf("data")});
  }
  static bool Serves(const std::string& id) {
    return (*TheKeyring().Current())->keyring().Find({id, ""}) != nullptr;
  }
  // Starts `other` in a thread of its own as soon as `operation` is under way,
  // and says whether it came to its end before that.
  void During(const std::string& operation, std::function<Status()> other) {
    component_.keys().SetHook(
        [this, operation, other](const std::string& name, const KeyName&) {
          if (name != operation || started_.exchange(true)) return Status::Ok();
          other_ = std::async(std::launch::async, other);
          waited_ = other_.wait_for(kLongEnough) == std::future_status::timeout;
          return Status::Ok();
        });
  }

  ComponentUnderTest component_;
  std::atomic<bool> started_{false};
  std::future<Status> other_;
  bool waited_ = false;
};

TEST_F(ReloadableKeyringTest, AStoreWaitsForAReload) {
  ASSERT_TRUE(Load().ok());
  During("Load", [] { return Store("stored"); });
  ASSERT_TRUE(Load().ok());
  ASSERT_TRUE(other_.get().ok());
  EXPECT_TRUE(waited_);
  EXPECT_TRUE(Serves("stored")) << "in the keyring that the reload brought";
}

TEST_F(ReloadableKeyringTest, AReloadWaitsForAStore) {
  ASSERT_TRUE(Load().ok());
  During("Store", [] { return Load(); });
  ASSERT_TRUE(Store("stored").ok());
  ASSERT_TRUE(other_.get().ok());
  EXPECT_TRUE(waited_);
  EXPECT_TRUE(Serves("stored")) << "the reload read it";
}

TEST_F(ReloadableKeyringTest, ChangesDoNotWaitForEachOther) {
  ASSERT_TRUE(Load().ok());
  During("Store", [] { return Store("second"); });
  ASSERT_TRUE(Store("first").ok());
  ASSERT_TRUE(other_.get().ok());
  EXPECT_FALSE(waited_);
}

}  // namespace
}  // namespace openkeyring
