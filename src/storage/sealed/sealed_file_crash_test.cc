// SPDX-License-Identifier: MIT
// What a server was told about keys must still hold after it died at any step,
// and after the disk was full from any step on: SealedFileBackend over a file
// system that forgets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "storage/sealed/sealed_file_backend.h"
#include "testing/keyring_crash_machine.h"

namespace openkeyring {
namespace {

constexpr char kPath[] = "keyring";

CrashServer MakeServer(CrashMachine& machine, bool read_only = false) {
  FileBackendOptions options;
  options.read_only = read_only;
  const FileBackendDependencies dependencies = {machine.kms, machine.files,
                                                SystemRandom(), machine.log};
  return {machine, std::make_unique<SealedFileBackend>(
                       dependencies,
                       std::make_shared<KeyringFile>(
                           machine.files, SystemRandom(), kPath, std::nullopt),
                       options)};
}

// What a server does after its start, and what there was before it.
struct Story {
  std::function<void(CrashMachine&)> prepare;
  std::function<void(CrashServer&)> work;
};

void StoreAndRemove(CrashServer& server) {
  (void)server.Store("a");
  (void)server.Store("b");
  (void)server.Remove("a");
  (void)server.Store("c");
  (void)server.Remove("c");
  (void)server.Store("a");
}

void Compact(CrashServer& server) {
  (void)server.Store("kept");
  for (int i = 0; i < 5; ++i) {
    (void)server.Store("big");
    (void)server.Remove("big");
  }
  (void)server.Store("last");
}

// As an earlier server left it.
void PrepareKeys(CrashMachine& machine) {
  CrashServer server = MakeServer(machine);
  ASSERT_TRUE(server.Start().ok());
  for (const char* id : {"1", "2", "3"}) ASSERT_TRUE(server.Store(id).ok());
}

Story Creation() {
  return {[](CrashMachine&) {}, StoreAndRemove};
}
Story Compaction() { return {PrepareKeys, Compact}; }
Story Rewrapping() {
  return {[](CrashMachine& machine) {
            PrepareKeys(machine);
            machine.kms.SetCurrentKey("alias/new");
          },
          StoreAndRemove};
}
Story TornEnd() {
  return {[](CrashMachine& machine) {
            PrepareKeys(machine);
            Bytes content = machine.files.Content(kPath);
            content.resize(content.size() - 25);
            machine.files.Put(kPath, content);
            machine.stored.erase("3");
          },
          StoreAndRemove};
}

class SealedFileCrashTest : public testing::TestWithParam<Story (*)()> {
 protected:
  // One life of a server that dies before its step `steps`. True when it came
  // to its own end before.
  bool LiveAndDie(CrashMachine& machine, size_t steps, Ending ending) {
    const size_t before = machine.files.steps();
    bool whole;
    {
      machine.files.FailAfter(steps);
      CrashServer server = MakeServer(machine);
      if (server.Start().ok()) {
        server.ExpectAllThatWasPromised();
        server.PromiseWhatIsVisible();
        story_.work(server);
      }
      whole = machine.files.steps() - before < steps;
    }
    machine.End(ending);
    return whole;
  }

  // The last server always comes after a power cut: what was promised must be
  // durable, and not only present.
  static void ExpectPromisesKept(CrashMachine& machine) {
    for (const Ending ending : {Ending::kProcessKilled, Ending::kPowerCut}) {
      {
        CrashServer server = MakeServer(machine);
        const Status status = server.Start();
        ASSERT_TRUE(status.ok()) << status.message();
        ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
        server.PromiseWhatIsVisible();
      }
      machine.End(ending);
    }
    {
      CrashServer server = MakeServer(machine);
      ASSERT_TRUE(server.Start().ok());
      ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
      ASSERT_TRUE(server.Store("on").ok());
    }
    machine.End(Ending::kPowerCut);
    CrashServer server = MakeServer(machine);
    ASSERT_TRUE(server.Start().ok());
    ASSERT_EQ(server.found(), machine.stored);
    for (const std::string& name : machine.files.Names()) {
      ASSERT_TRUE(name == kPath || name.starts_with("keyring.torn-"))
          << "a leftover: " << name;
    }
  }

  const Story story_ = GetParam()();
};

TEST_P(SealedFileCrashTest, NothingIsLostOrComesBackWhereverItDies) {
  for (const Ending ending : kEndings) {
    for (const bool tear : {false, true}) {
      bool whole = false;
      for (size_t steps = 0; !whole; ++steps) {
        SCOPED_TRACE(testing::Message()
                     << "step " << steps << ", ending "
                     << static_cast<int>(ending) << (tear ? ", torn" : ""));
        CrashMachine machine;
        story_.prepare(machine);
        machine.files.TearAppends(tear);
        whole = LiveAndDie(machine, steps, ending);
        machine.files.TearAppends(false);
        ASSERT_NO_FATAL_FAILURE(ExpectPromisesKept(machine));
        ASSERT_LT(steps, 500u);
      }
    }
  }
}

// Every 23rd, another 23rd for each first step.
TEST_P(SealedFileCrashTest, NothingIsLostWhereverTheNextOneDiesToo) {
  for (const Ending first : kEndings) {
    for (const Ending second : {Ending::kProcessKilled, Ending::kPowerCut}) {
      bool first_whole = false;
      for (size_t steps = 0; !first_whole; ++steps) {
        bool second_whole = false;
        const bool tear = (steps + static_cast<size_t>(first)) % 2 == 0;
        for (size_t more = steps % 23; !second_whole; more += 23) {
          SCOPED_TRACE(testing::Message() << steps << ", then " << more);
          CrashMachine machine;
          story_.prepare(machine);
          machine.files.TearAppends(tear);
          first_whole = LiveAndDie(machine, steps, first);
          machine.files.TearAppends(!tear);
          second_whole = LiveAndDie(machine, more, second);
          machine.files.TearAppends(false);
          ASSERT_NO_FATAL_FAILURE(ExpectPromisesKept(machine));
          ASSERT_LT(more, 500u);
        }
      }
    }
  }
}

// The disk is full from some step on, for as long as the story goes on. Then
// there is room again, and the same server goes on.
TEST_P(SealedFileCrashTest, AFullDiskLosesNothingAndPasses) {
  for (const bool tear : {false, true}) {
    bool whole = false;
    for (size_t steps = 0; !whole; ++steps) {
      SCOPED_TRACE(testing::Message()
                   << "step " << steps << (tear ? ", torn" : ""));
      CrashMachine machine;
      story_.prepare(machine);
      const size_t before = machine.files.steps();
      machine.files.TearAppends(tear);
      machine.files.FailAfter(steps);
      {
        CrashServer server = MakeServer(machine);
        Status started = server.Start();
        if (started.ok()) {
          server.PromiseWhatIsVisible();
          story_.work(server);
        }
        whole = machine.files.steps() - before < steps;
        machine.files.TearAppends(false);
        // Others can read all the while.
        CrashServer reader = MakeServer(machine, true);
        const Status read = reader.Start();
        if (read.ok()) {
          ASSERT_NO_FATAL_FAILURE(reader.ExpectAllThatWasPromised());
        } else {
          ASSERT_EQ(read.code(), StatusCode::kReadOnly) << read.message();
        }
        machine.files.FailAfter(kNever);
        if (!started.ok()) started = server.Start();
        ASSERT_TRUE(started.ok()) << started.message();
        Status stored = server.Store("room");
        if (!stored.ok()) {
          // Only a torn end that could not be put aside needs a reload.
          ASSERT_THAT(stored.message(), testing::HasSubstr("torn by a crash"));
          ASSERT_TRUE(server.Start().ok());
          stored = server.Store("room");
        }
        ASSERT_TRUE(stored.ok()) << stored.message();
        // What failed has been undone for good.
        server.PromiseWhatIsVisible();
        story_.work(server);
        ASSERT_TRUE(machine.unsure.empty()) << "it fails still";
      }
      machine.files.Crash();
      ASSERT_NO_FATAL_FAILURE(ExpectPromisesKept(machine));
      ASSERT_LT(steps, 500u);
    }
  }
}

TEST_P(SealedFileCrashTest, RunWithoutACrashKeepsWhatItSays) {
  CrashMachine machine;
  story_.prepare(machine);
  ASSERT_TRUE(LiveAndDie(machine, kNever, Ending::kPowerCut));
  EXPECT_THAT(machine.unsure, testing::IsEmpty());
  EXPECT_THAT(machine.stored, testing::Not(testing::IsEmpty()));
  ExpectPromisesKept(machine);
  EXPECT_THAT(machine.log.Text(), testing::Not(testing::HasSubstr("failed")));
}

TEST(SealedFileCrashStoryTest, CompactionHappensInItsStory) {
  CrashMachine machine;
  Compaction().prepare(machine);
  CrashServer server = MakeServer(machine);
  ASSERT_TRUE(server.Start().ok());
  Compaction().work(server);
  EXPECT_GT(ReadSealedHeader(machine.files.Content(kPath))->header.generation,
            1u);
}

std::string StoryName(const testing::TestParamInfo<Story (*)()>& info) {
  constexpr const char* kNames[] = {"Creation", "Compaction", "Rewrapping",
                                    "TornEnd"};
  return kNames[info.index];
}

INSTANTIATE_TEST_SUITE_P(Stories, SealedFileCrashTest,
                         testing::Values(Creation, Compaction, Rewrapping,
                                         TornEnd),
                         StoryName);

}  // namespace
}  // namespace openkeyring
