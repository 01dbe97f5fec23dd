// SPDX-License-Identifier: MIT
// A key set when its server dies at any step
// (testing/versioned_keys_machine.h).
#include <memory>
#include <set>

#include "storage/sealed/key_set_backend.h"
#include "testing/versioned_keys_machine.h"

namespace openkeyring {
namespace {

std::unique_ptr<KeySetBackend> MakeBackend(VersionedKeysMachine& machine,
                                           KeySource source) {
  KeySetOptions options;
  options.source = source;
  options.makers = {&machine.kms};
  options.parallelism = 1;
  options.slots = [&machine] {
    std::vector<std::unique_ptr<SlotKey>> keys;
    keys.push_back(std::make_unique<KmsSlotKey>(machine.kms));
    return std::make_unique<KeySlots>(std::move(keys), machine.clock);
  };
  return std::make_unique<KeySetBackend>(
      KeySetDependencies{machine.files, SystemRandom(), machine.clock,
                         machine.log},
      std::move(options));
}

void CheckFiles(const CrashFileSystem& files) {
  for (const std::string& name : files.Names()) {
    ASSERT_THAT(name, testing::StartsWith("aws-kms-key")) << "a leftover";
  }
}

VersionedKeysMachine::MakeStore Store(KeySource source, bool check = true) {
  return [=](VersionedKeysMachine& machine) -> KeyStoreOnTrial {
    std::unique_ptr<KeySetBackend> backend = MakeBackend(machine, source);
    KeySetBackend& set = *backend;
    return {std::move(backend), [&set] { return set.Prepare(); },
            [&machine, check] {
              if (check) CheckFiles(machine.files);
            }};
  };
}

TEST(KeySetCrashTest, NothingUsedIsLostWhereverOneServerDies) {
  DieAtEveryStep(Store(KeySource::kKms));
  DieAtEveryStep(Store(KeySource::kLocal));
}

TEST(KeySetCrashTest, NothingUsedIsLostWhereverTheNextOneDiesToo) {
  DieTwiceAtEveryStep(Store(KeySource::kLocal), 6);
}

TEST(KeySetCrashTest, RunWithoutACrashUsesWhatItSays) {
  LiveToTheEnd(Store(KeySource::kKms));
}

// The disk writes blocks in any order. Three servers lose their power at any
// step, with any part of what was not synced on the disk.
void LiveThroughPowerCuts(uint64_t number) {
  SCOPED_TRACE(testing::Message() << "history " << number);
  std::mt19937_64 random(number);
  // A start without the power to clean up is checked, too.
  VersionedKeysMachine machine(Store(KeySource::kLocal, false));
  for (int life = 0; life < 3; ++life) {
    machine.files.TearAppends(random() % 2 == 0);
    machine.files.FailAfter(random() % 60);
    {
      VersionedKeysServer server(machine);
      const Status started = server.Start();
      if (started.ok()) {
        // Its power may fail while it opens the set.
        server.CreateAndRotate();
      } else {
        ASSERT_EQ(started.code(), StatusCode::kUnavailable)
            << started.message();
      }
    }
    machine.files.CrashPartially(random, random() % 2 == 0 ? 512 : 4096);
  }
  VersionedKeysServer server(machine);
  const Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started.message();
  server.ExpectAllThatWasPromised();
  for (const std::string& name : machine.files.Names()) {
    ASSERT_THAT(name, testing::StartsWith("aws-kms-key")) << "a leftover";
  }
}

TEST(KeySetCrashTest, NothingUsedIsLostWhenThePowerIsCut) {
#ifdef __SANITIZE_ADDRESS__
  constexpr uint64_t kHistories = 300;
#else
  constexpr uint64_t kHistories = 1500;
#endif
  for (uint64_t number = 0; number < kHistories; ++number) {
    ASSERT_NO_FATAL_FAILURE(LiveThroughPowerCuts(number));
  }
}

// One record for all ids, larger than a block, so that the disk may have its
// names and not its keys.
void RotateManyIdsThroughPowerCut(uint64_t number) {
  SCOPED_TRACE(testing::Message() << "history " << number);
  constexpr uint32_t kIds = 100;
  VersionedKeysMachine machine(Store(KeySource::kLocal, false));
  std::vector<KeyVersion> first;
  std::vector<KeyVersion> second;
  for (uint32_t id = 1; id <= kIds; ++id) {
    first.push_back({id, 1});
    second.push_back({id, 2});
  }
  const auto soon = [&machine] { return machine.Soon(); };
  {
    const auto dying = MakeBackend(machine, KeySource::kLocal);
    ASSERT_TRUE(dying->Prepare().ok());
    for (const Status& made : dying->CreateAll(first, 32, soon)) {
      ASSERT_TRUE(made.ok()) << made.message();
    }
    machine.files.FailAfter(1);
    (void)dying->CreateAll(second, 32, soon);
  }
  std::mt19937_64 random(number);
  machine.files.CrashPartially(random, number % 2 == 0 ? 512 : 4096);
  // KMS is away while the next server starts, or not.
  if (number % 3 == 0) {
    machine.kms.SetHook([](const std::string&) {
      return Status(StatusCode::kUnavailable, "no answer");
    });
  }
  const auto next = MakeBackend(machine, KeySource::kLocal);
  ASSERT_TRUE(next->Prepare().ok());
  VersionedKeys keys(*next, machine.clock, machine.random, machine.log,
                     {[] { return size_t{32}; }, [] { return Millis(5000); }});
  ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
  machine.kms.SetHook(nullptr);
  machine.clock.Advance(Millis(60'000));
  std::set<uint32_t> latest;
  for (uint32_t id = 1; id <= kIds; ++id) {
    const Result<uint32_t> version = keys.LatestVersion(id);
    ASSERT_TRUE(version) << version.error().message();
    ASSERT_TRUE(keys.Get({id, *version}));
    latest.insert(*version);
  }
  ASSERT_EQ(latest.size(), 1u) << "a rotation is for all ids or for none";
}

TEST(KeySetCrashTest, ARotationOfManyIdsIsForAllOrNoneWhenThePowerIsCut) {
  for (uint64_t number = 0; number < 300; ++number) {
    ASSERT_NO_FATAL_FAILURE(RotateManyIdsThroughPowerCut(number));
  }
}

// ---- Import ----------------------------------------------------------------

TEST(KeySetCrashTest, AnImportIsCompleteOrDidNotHappenWhereverItDies) {
  const Secret first = Secret::CopyOf("sixteen bytes. 1");
  const Secret second = Secret::CopyOf("sixteen bytes. 2");
  const std::map<KeyVersion, const Secret*> keys = {{{1, 1}, &first},
                                                    {{1, 2}, &second}};
  for (const Ending ending : kEndings) {
    bool whole = false;
    for (size_t steps = 0; !whole; ++steps) {
      SCOPED_TRACE("step " + std::to_string(steps));
      VersionedKeysMachine machine(Store(KeySource::kKms));
      const auto backend = [&] {
        return MakeBackend(machine, KeySource::kKms);
      };
      machine.files.FailAfter(steps);
      {
        const auto dying = backend();
        whole =
            dying->Prepare().ok() && dying->Import(keys, machine.Soon()).ok();
      }
      machine.End(ending);
      auto next = backend();
      ASSERT_TRUE(next->Prepare().ok());
      // Its record may have lost its mark, which proves it.
      (void)next->OpenExisting(machine.Soon());
      if (next->List()->empty()) {
        ASSERT_FALSE(whole);
        ASSERT_TRUE(next->Import(keys, machine.Soon()).ok());
      }
      const auto last = backend();
      // It has the lock.
      next = nullptr;
      ASSERT_TRUE(last->Prepare().ok());
      ASSERT_TRUE(last->OpenExisting(machine.Soon()).ok());
      ASSERT_EQ(last->List()->size(), 2u);
      ASSERT_TRUE(last->Fetch({1, 1}, machine.Soon())->Equals(first));
      ASSERT_TRUE(last->Fetch({1, 2}, machine.Soon())->Equals(second));
      CheckFiles(machine.files);
      ASSERT_LT(steps, 100u);
    }
  }
}

}  // namespace
}  // namespace openkeyring
