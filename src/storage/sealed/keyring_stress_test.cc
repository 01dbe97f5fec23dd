// SPDX-License-Identifier: MIT
// Many threads over a few names, with random faults: meant for ThreadSanitizer
// most. OPENKEYRING_STRESS_SECONDS makes it run longer than its second.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "keyring/keyring.h"
#include "os/environment.h"
#include "storage/sealed/sealed_file_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/memory_backend.h"

namespace openkeyring {
namespace {

constexpr size_t kThreads = 16;
constexpr size_t kNames = 6;

Millis Duration() {
  const auto seconds = ProcessEnvironment().Get("OPENKEYRING_STRESS_SECONDS");
  return seconds ? Millis(1000 * std::stol(*seconds)) : Millis(800);
}

uint32_t Mix(uint32_t x) {
  x = (x ^ x >> 16) * 0x45d9f3b;
  x = (x ^ x >> 16) * 0x45d9f3b;
  return x ^ x >> 16;
}

class KeyringStressTest : public testing::Test {
 protected:
  void Load(std::unique_ptr<KeyringBackend> backend) {
    auto loaded =
        Keyring::Load(std::move(backend), SystemClock(), SystemRandom(), {},
                      Deadline::After(SystemClock(), Millis(1000)));
    ASSERT_TRUE(loaded) << loaded.error().message();
    keyring_ = std::move(*loaded);
  }

  static KeyName NameOf(size_t i) {
    return {"key " + std::to_string(i), i % 2 == 0 ? "" : "u@h"};
  }
  // Every key says itself whether it is whole: its name, and 40 times the same.
  static Key MakeKey(size_t i, uint32_t value) {
    const std::string text = NameOf(i).data_id + "=";
    return {NameOf(i), "SECRET",
            Secret::CopyOf(
                text + std::string(40, static_cast<char>('a' + value % 26)))};
  }
  static void ExpectWhole(const Key& key) {
    const std::string_view data = key.data.RevealText();
    const std::string start = key.name.data_id + "=";
    ASSERT_TRUE(data.starts_with(start) && data.size() == start.size() + 40);
    const std::string_view rest = data.substr(start.size());
    ASSERT_EQ(rest.find_first_not_of(rest[0]), rest.npos) << "half a key";
  }

  void Work(uint32_t seed) {
    while (!stop_.load()) {
      seed = Mix(seed + 1);
      const size_t i = seed % kNames;
      Status status;
      switch (seed / kNames % 8) {
        case 0:
        case 1:
          status = keyring_->Store(MakeKey(i, seed >> 8));
          if (status.ok()) ++present_[i];
          break;
        case 2:
          status = keyring_->Remove(NameOf(i));
          if (status.ok()) --present_[i];
          break;
        case 3:
          for (const auto& key : keyring_->List()) ExpectWhole(*key);
          ASSERT_LE(keyring_->size(), kNames);
          break;
        default:
          if (const auto key = keyring_->Find(NameOf(i))) ExpectWhole(*key);
      }
      ASSERT_TRUE(status.ok() || status.code() == StatusCode::kUnavailable ||
                  status.code() == StatusCode::kAlreadyExists ||
                  status.code() == StatusCode::kNotFound)
          << status.ToString();
    }
  }

  // All threads, for as long as it takes. `meanwhile` is called again and
  // again.
  template <typename Function>
  void WorkTogether(Function meanwhile) {
    std::vector<std::jthread> threads;
    for (uint32_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, t] { Work(1000 * t); });
    }
    const Deadline end = Deadline::After(SystemClock(), Duration());
    while (!end.Passed(SystemClock())) meanwhile();
    stop_ = true;
  }

  void ExpectKeyring(const std::map<KeyName, std::string>& contents) const {
    EXPECT_EQ(contents.size(), keyring_->size());
    for (size_t i = 0; i < kNames; ++i) {
      const auto key = keyring_->Find(NameOf(i));
      const auto stored = contents.find(NameOf(i));
      ASSERT_EQ(key != nullptr, stored != contents.end());
      EXPECT_EQ(present_[i].load(), key ? 1 : 0);
      if (key != nullptr) {
        EXPECT_EQ(stored->second,
                  key->type + ":" + std::string(key->data.RevealText()));
      }
    }
  }

  CrashFileSystem files_;
  FakeKeyWrapper kms_;
  MemoryLog log_;
  std::unique_ptr<Keyring> keyring_;
  std::atomic<bool> stop_{false};
  std::array<std::atomic<int>, kNames> present_{};  // Stored minus removed.
};

TEST_F(KeyringStressTest, KeepsItsRulesUnderManyThreads) {
  auto owned = std::make_unique<MemoryBackend>();
  MemoryBackend& backend = *owned;
  std::atomic<uint32_t> calls{0};
  backend.SetHook([&](const std::string&, const KeyName&) {
    const bool fails = calls > 0 && Mix(calls.fetch_add(1)) % 5 == 0;
    return fails ? Status(StatusCode::kUnavailable, "planted") : Status::Ok();
  });
  ASSERT_NO_FATAL_FAILURE(Load(std::move(owned)));
  calls = 1;
  WorkTogether([] { SystemClock().SleepFor(Millis(10)); });
  EXPECT_FALSE(backend.met()) << "two changes of one name at once";
  EXPECT_GT(backend.calls("Store"), 50);
  ExpectKeyring(backend.Contents());
}

TEST_F(KeyringStressTest, KeepsItsKeysInASealedFileOnADiskThatFillsNowAndThen) {
  const auto make = [&] {
    return std::make_unique<SealedFileBackend>(
        FileBackendDependencies{kms_, files_, SystemRandom(), log_},
        std::make_shared<KeyringFile>(files_, SystemRandom(), "keyring",
                                      std::nullopt),
        FileBackendOptions{});
  };
  ASSERT_NO_FATAL_FAILURE(Load(make()));
  files_.TearAppends(true);
  WorkTogether([&] {
    SystemClock().SleepFor(Millis(3));
    files_.FailWith(Status(StatusCode::kUnavailable, "no space"));
    SystemClock().SleepFor(Millis(1));
    files_.FailWith(std::nullopt);
  });
  // What failed last is undone by the next success.
  ASSERT_TRUE(keyring_->Store({{"last", ""}, "AES", Secret::CopyOf("x")}).ok());
  ASSERT_TRUE(keyring_->Remove({"last", ""}).ok());
  files_.Crash();
  std::map<KeyName, std::string> contents;
  const auto loaded =
      make()->Load(Deadline::After(SystemClock(), Millis(1000)));
  ASSERT_TRUE(loaded) << loaded.error().message();
  for (const Key& key : *loaded) {
    contents[key.name] = key.type + ":" + std::string(key.data.RevealText());
  }
  ExpectKeyring(contents);
}

}  // namespace
}  // namespace openkeyring
