// SPDX-License-Identifier: MIT
// A disk writes blocks in any order. Tens of thousands of short histories, each
// drawn from its number, in which servers change keys and lose their power at
// any step, with any part of what was not synced on the disk: what a server
// promised is there, and no file is called damaged.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "storage/sealed/sealed_file_backend.h"
#include "testing/keyring_crash_machine.h"

namespace openkeyring {
namespace {

constexpr size_t kBlocks[] = {512, 4096};
#ifdef __SANITIZE_ADDRESS__
constexpr uint64_t kHistories = 4000;  // Ten times slower.
#else
constexpr uint64_t kHistories = 20000;
#endif

CrashServer MakeServer(CrashMachine& machine) {
  FileBackendOptions options;
  options.max_file = 96 << 10;  // So that it is compacted soon.
  return {machine,
          std::make_unique<SealedFileBackend>(
              FileBackendDependencies{machine.kms, machine.files,
                                      SystemRandom(), machine.log},
              std::make_shared<KeyringFile>(machine.files, SystemRandom(),
                                            "keyring", std::nullopt),
              options)};
}

// Stores a key that is not there, removes one that is.
void ChangeSomeKeys(CrashServer& server, KeyTexts visible,
                    std::mt19937_64& random) {
  constexpr const char* kIds[] = {"a", "b", "c", "d", "e", "f", "g", "big"};
  const size_t changes = random() % 6;
  for (size_t i = 0; i < changes; ++i) {
    const std::string id = kIds[random() % std::size(kIds)];
    const bool store = !visible.contains(id);
    if (store ? !server.Store(id).ok() : !server.Remove(id).ok()) return;
    if (store) {
      visible[id];
    } else {
      visible.erase(id);
    }
  }
}

void LiveUntilThePowerIsCut(CrashMachine& machine, std::mt19937_64& random) {
  machine.files.FailAfter(random() % 24);
  machine.files.TearAppends(random() % 2 == 0);
  CrashServer server = MakeServer(machine);
  const Status started = server.Start();
  if (started.ok()) {
    ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
    server.PromiseWhatIsVisible();
    ChangeSomeKeys(server, server.found(), random);
  } else {
    ASSERT_EQ(started.code(), StatusCode::kUnavailable) << started.message();
  }
}

void LiveThroughPowerCuts(uint64_t number) {
  SCOPED_TRACE(testing::Message() << "history " << number);
  std::mt19937_64 random(number);
  CrashMachine machine;
  for (int life = 0; life < 3; ++life) {
    ASSERT_NO_FATAL_FAILURE(LiveUntilThePowerIsCut(machine, random));
    machine.files.CrashPartially(random, kBlocks[random() % 2]);
  }
  CrashServer server = MakeServer(machine);
  const Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started.message();
  ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
  ASSERT_TRUE(server.Store("last").ok());
}

TEST(SealedFilePowerCutTest, NothingPromisedIsLostAndNoFileIsCalledDamaged) {
  int failures = 0;
  for (uint64_t number = 0; number < kHistories; ++number) {
    LiveThroughPowerCuts(number);
    if (testing::Test::HasFatalFailure() && ++failures >= 20) break;
  }
}

}  // namespace
}  // namespace openkeyring
