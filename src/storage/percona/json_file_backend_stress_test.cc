// SPDX-License-Identifier: MIT
// JsonFileBackend with many threads, for ThreadSanitizer and for lost updates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <thread>
#include <vector>

#include "storage/percona/json_file_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

class JsonFileBackendStressTest : public testing::Test {
 protected:
  std::unique_ptr<JsonFileBackend> MakeLoaded() {
    auto backend = std::make_unique<JsonFileBackend>(
        FileBackendDependencies{wrapper_, files_, random_, log_}, clock_,
        std::make_shared<KeyringFile>(files_, random_, "keyring", std::nullopt),
        FileBackendOptions{});
    const auto keys = backend->Load(Soon());
    EXPECT_TRUE(keys) << keys.error().message();
    found_.clear();
    if (!keys) return backend;
    for (const Key& key : *keys) {
      found_[key.name.data_id] = key.data.RevealText();
    }
    return backend;
  }
  Status Store(KeyringBackend& backend, const std::string& id) {
    return backend.Store({{id, ""}, "AES", Secret::CopyOf(id + "-data")},
                         Soon());
  }
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }

  ManualClock clock_;
  CrashFileSystem files_;
  FakeKeyWrapper wrapper_;
  FakeRandom random_;
  MemoryLog log_;
  std::map<std::string, std::string> found_;
};

TEST_F(JsonFileBackendStressTest, ThreadsThatStoreAndRemoveLoseNothing) {
  constexpr int kThreads = 8, kEach = 12;
  auto backend = MakeLoaded();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::string id = std::to_string(t) + "." + std::to_string(i);
          ASSERT_TRUE(Store(*backend, id).ok());
          if (i % 3 == 2) {
            ASSERT_TRUE(backend->Remove({id, ""}, Soon()).ok());
          }
          (void)backend->Describe();
        }
      });
    }
  }
  backend.reset();
  files_.Crash();
  backend = MakeLoaded();
  EXPECT_EQ(found_.size(), size_t{kThreads * kEach * 2 / 3});
  for (const auto& [id, data] : found_) EXPECT_EQ(data, id + "-data");
}

TEST_F(JsonFileBackendStressTest, NoStoreWaitsForAnothersCallOfTheKms) {
  auto backend = MakeLoaded();
  std::promise<void> entered, release;
  std::atomic<bool> first{true};
  wrapper_.SetHook([&](const std::string& operation) {
    if (operation == "Wrap" && first.exchange(false)) {
      entered.set_value();
      release.get_future().wait();
    }
    return Status::Ok();
  });
  std::jthread slow([&] { EXPECT_TRUE(Store(*backend, "slow").ok()); });
  entered.get_future().wait();
  EXPECT_TRUE(Store(*backend, "fast").ok());
  EXPECT_TRUE(backend->Remove({"fast", ""}, Soon()).ok());
  release.set_value();
  slow.join();
  backend.reset();
  backend = MakeLoaded();
  EXPECT_EQ(found_.size(), 1u);
}

}  // namespace
}  // namespace openkeyring
