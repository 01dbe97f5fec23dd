// SPDX-License-Identifier: MIT
// Many threads, random faults, few rules: meant for ThreadSanitizer most.
// OPENKEYRING_STRESS_SECONDS makes each test run longer than its second.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "keyring/versioned_keys.h"
#include "os/environment.h"
#include "storage/mariadb_files/key_file_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/memory_versioned_backend.h"

namespace openkeyring {
namespace {

constexpr size_t kThreads = 64;
constexpr uint32_t kIds = 12;

Millis Duration() {
  const auto seconds = ProcessEnvironment().Get("OPENKEYRING_STRESS_SECONDS");
  return seconds ? Millis(1000 * std::stol(*seconds)) : Millis(800);
}

// Fails one call in `one_in`, each time in another way. 0: none.
class RandomFaults {
 public:
  explicit RandomFaults(uint32_t one_in) : one_in_(one_in) {}
  Status Next(bool may_be_corrupt) {
    if (one_in_ == 0) return Status::Ok();
    uint32_t dice = Mix(count_.fetch_add(1));
    if (dice % one_in_ != 0) return Status::Ok();
    dice /= one_in_;
    if (may_be_corrupt && dice % 8 == 0) {
      return {StatusCode::kCorrupt, "planted"};
    }
    constexpr StatusCode kKinds[] = {StatusCode::kUnavailable,
                                     StatusCode::kTimeout, StatusCode::kDenied,
                                     StatusCode::kMisconfigured};
    return {kKinds[dice % std::size(kKinds)], "planted"};
  }

 private:
  static uint32_t Mix(uint32_t x) {
    x = (x ^ x >> 16) * 0x45d9f3b;
    x = (x ^ x >> 16) * 0x45d9f3b;
    return x ^ x >> 16;
  }
  const uint32_t one_in_;
  std::atomic<uint32_t> count_{1};
};

// What all threads together have seen; complains when it contradicts itself.
class Witness {
 public:
  uint32_t Floor(uint32_t id) const { return floors_[id].load(); }
  void SawLatest(uint32_t id, uint32_t version, uint32_t floor) {
    if (version < floor) Complain(id, "the latest version went down");
    uint32_t known = floors_[id].load();
    while (known < version &&
           !floors_[id].compare_exchange_weak(known, version)) {
    }
  }
  void SawKey(KeyVersion key, const Secret& plaintext) {
    std::lock_guard lock(mutex_);
    const auto [found, is_new] = keys_.try_emplace(key, &plaintext);
    if (is_new) first_bytes_[key] = plaintext.RevealText();
    if (found->second != &plaintext || plaintext.empty() ||
        first_bytes_[key] != plaintext.RevealText()) {
      complaints_.insert("a key changed");
    }
  }
  void Complain(uint32_t id, const std::string& text) {
    std::lock_guard lock(mutex_);
    complaints_.insert("key " + std::to_string(id) + ": " + text);
  }
  std::set<std::string> complaints() const { return complaints_; }
  const std::map<KeyVersion, std::string>& keys() const { return first_bytes_; }

 private:
  std::array<std::atomic<uint32_t>, kIds + 1> floors_{};
  std::mutex mutex_;
  std::map<KeyVersion, const Secret*> keys_;
  std::map<KeyVersion, std::string> first_bytes_;
  std::set<std::string> complaints_;
};

class Stress {
 public:
  Stress(VersionedBackend& backend, ManualClock& clock, bool rotates)
      : clock_(clock),
        rotates_(rotates),
        keys_(backend, clock, random_, log_,
              {[] { return size_t{32}; }, [] { return Millis(5000); }, 8}) {}

  void Run() {
    ASSERT_TRUE(keys_.LoadAll(Millis(0)).ok());
    const SteadyTime end = SystemClock().Steady() + Duration();
    std::latch start(kThreads);
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        std::minstd_rand dice(static_cast<unsigned>(i + 1));
        start.arrive_and_wait();
        while (SystemClock().Steady() < end) Step(dice);
      });
    }
    threads.clear();  // Joins.
    EXPECT_THAT(witness_.complaints(), testing::IsEmpty());
    EXPECT_GT(witness_.keys().size(), 0u);
    EXPECT_GT(successes_, kThreads);
  }

  VersionedKeys& keys() { return keys_; }
  const Witness& witness() const { return witness_; }

 private:
  void Step(std::minstd_rand& dice) {
    const uint32_t id = 1 + dice() % kIds;
    const uint32_t floor = witness_.Floor(id);
    switch (dice() % 64) {
      case 0:
        // Failures are tried again only after a pause.
        clock_.Advance(Millis(500));
        break;
      case 1:
        if (rotates_) Rotate(id, floor);
        break;
      case 2:
        if (rotates_ && dice() % 32 == 0) (void)keys_.RotateAll();
        break;
      case 3:
        if (keys_.Get({id, 1000000})) witness_.Complain(id, "never made");
        break;
      case 4:
        (void)keys_.counts();
        break;
      default:
        Encrypt(id, floor, dice);
    }
  }

  void Rotate(uint32_t id, uint32_t floor) {
    const Result<uint32_t> version = keys_.Rotate(id);
    // Not `floor` + 1: it may be the outcome of a rotation under way, whose
    // version others have seen already.
    if (version) witness_.SawLatest(id, *version, floor);
  }

  void Encrypt(uint32_t id, uint32_t floor, std::minstd_rand& dice) {
    const Result<uint32_t> latest = keys_.LatestVersion(id);
    if (!latest) {
      if (floor != 0) witness_.Complain(id, "a key in use went away");
      return;
    }
    witness_.SawLatest(id, *latest, floor);
    Read({id, *latest}, true);
    Read({id, static_cast<uint32_t>(1 + dice() % *latest)}, false);
    ++successes_;
  }

  void Read(KeyVersion key, bool must_be_ready) {
    const Result<const Secret*> plaintext = keys_.Get(key);
    if (plaintext) {
      witness_.SawKey(key, **plaintext);
    } else if (must_be_ready) {
      witness_.Complain(key.id, "the latest version cannot be had");
    }
  }

  ManualClock& clock_;
  const bool rotates_;
  FakeRandom random_;
  MemoryLog log_;
  VersionedKeys keys_;
  Witness witness_;
  std::atomic<size_t> successes_{0};
};

TEST(VersionedKeysStressTest, EveryKeyIsMadeOnce) {
  ManualClock clock;
  MemoryVersionedBackend backend;
  Stress stress(backend, clock, false);
  stress.Run();
  EXPECT_EQ(backend.calls("Create"), static_cast<int>(kIds));
  EXPECT_EQ(stress.witness().keys().size(), kIds);
}

TEST(VersionedKeysStressTest, RulesHoldWhileABackendFailsNowAndThen) {
  ManualClock clock;
  MemoryVersionedBackend backend;
  RandomFaults faults(7);
  backend.SetHook([&](const std::string& operation, KeyVersion) {
    return faults.Next(operation == "Fetch");
  });
  Stress stress(backend, clock, true);
  stress.Run();
}

TEST(VersionedKeysStressTest, KeyFilesStayWhatTheyWereWhileKmsFailsNowAndThen) {
  ManualClock clock;
  CrashFileSystem files;
  FakeKeyWrapper kms;
  FakeRandom random;
  MemoryLog log;
  RandomFaults faults(7);
  kms.SetHook([&](const std::string&) { return faults.Next(false); });
  KeyFileBackend backend(kms, files, random, log,
                         {{}, [] { return BindPolicy::kOn; }});
  Stress stress(backend, clock, true);
  stress.Run();
  kms.SetHook(nullptr);
  const Deadline soon = Deadline::After(clock, Millis(1000));
  for (const auto& [key, plaintext] : stress.witness().keys()) {
    const Result<Secret> stored = backend.Fetch(key, soon);
    ASSERT_TRUE(stored) << stored.error().message();
    EXPECT_EQ(stored->RevealText(), plaintext);
  }
  EXPECT_THAT(files.Names(), testing::Each(testing::StartsWith("aws-kms-key")));
}

}  // namespace
}  // namespace openkeyring
