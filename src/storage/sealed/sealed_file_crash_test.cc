// SPDX-License-Identifier: MIT
// What a server was told about keys must still hold after it died at any step,
// and after the disk was full from any step on: SealedFileBackend over a file
// system that forgets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>

#include "storage/sealed/sealed_file_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

constexpr size_t kNever = std::numeric_limits<size_t>::max();
constexpr char kPath[] = "keyring";

// What becomes of the disk when the server stops.
enum class Ending {
  kProcessKilled,  // The kernel lives on; nothing is lost, nor made durable.
  kPowerCut,       // What was not synced is lost.
  kLuckyPowerCut,  // All of it happened to reach the disk.
};
constexpr Ending kEndings[] = {Ending::kProcessKilled, Ending::kPowerCut,
                               Ending::kLuckyPowerCut};

using Texts = std::map<std::string, std::string>;  // Data by id.

// Everything that outlives a server, and what its servers were told.
struct Machine {
  CrashFileSystem files;
  FakeKeyWrapper kms;
  ManualClock clock;
  MemoryLog log;
  Texts stored;                  // Must be there.
  std::set<std::string> unsure;  // May be there, with what they were told.

  Deadline Soon() { return Deadline::After(clock, Millis(1000)); }
  void End(Ending ending) {
    if (ending == Ending::kProcessKilled) return files.FailAfter(kNever);
    files.Crash(ending == Ending::kLuckyPowerCut);
  }
};

// Large ones fill a log soon.
std::string DataOf(const std::string& id) {
  return id + "-data" +
         std::string(id.starts_with("big") ? kMaxKeyBytes - 100 : 0, 'x');
}

// One run of a server on that machine.
class Server {
 public:
  explicit Server(Machine& machine, bool read_only = false)
      : machine_(machine),
        backend_({machine.kms, machine.files, SystemRandom(), machine.log},
                 std::make_shared<KeyringFile>(machine.files, SystemRandom(),
                                               kPath, std::nullopt),
                 Options(read_only)) {}

  Status Start() {
    Result<std::vector<Key>> keys = backend_.Load(machine_.Soon());
    if (!keys) return keys.error();
    found_.clear();
    for (const Key& key : *keys) {
      found_[key.name.data_id] = key.data.RevealText();
    }
    visible_ = found_;
    return Status::Ok();
  }

  // Both skip what the keyring above would not ask for.
  Status Store(const std::string& id) {
    if (visible_.contains(id)) return Status::Ok();
    Status status = backend_.Store(
        {{id, ""}, "AES", Secret::CopyOf(DataOf(id))}, machine_.Soon());
    if (status.ok()) {
      visible_[id] = machine_.stored[id] = DataOf(id);
      machine_.unsure.erase(id);
    } else {
      machine_.unsure.insert(id);
    }
    return status;
  }
  Status Remove(const std::string& id) {
    if (!visible_.contains(id)) return Status::Ok();
    Status status = backend_.Remove({id, ""}, machine_.Soon());
    machine_.stored.erase(id);
    if (status.ok()) {
      visible_.erase(id);
      machine_.unsure.erase(id);
    } else {
      machine_.unsure.insert(id);
    }
    return status;
  }

  void ExpectAllThatWasPromised() const {
    for (const auto& [id, data] : machine_.stored) {
      const auto found = found_.find(id);
      ASSERT_NE(found, found_.end()) << id << " is lost";
      ASSERT_EQ(found->second, data);
    }
    for (const auto& [id, data] : found_) {
      ASSERT_EQ(data, DataOf(id)) << "a wrong key";
      ASSERT_TRUE(machine_.stored.contains(id) || machine_.unsure.contains(id))
          << id << " came back";
    }
  }
  // What this server shows to its users is what counts from now on.
  void TakeStock() {
    machine_.stored = visible_;
    machine_.unsure.clear();
  }
  const Texts& found() const { return found_; }

 private:
  static FileBackendOptions Options(bool read_only) {
    FileBackendOptions options;
    options.read_only = read_only;
    return options;
  }

  Machine& machine_;
  SealedFileBackend backend_;
  Texts found_;    // At the start.
  Texts visible_;  // As the keyring above shows it.
};

// What a server does after its start, and what there was before it.
struct Story {
  std::function<void(Machine&)> prepare;
  std::function<void(Server&)> work;
};

void StoreAndRemove(Server& server) {
  (void)server.Store("a");
  (void)server.Store("b");
  (void)server.Remove("a");
  (void)server.Store("c");
  (void)server.Remove("c");
  (void)server.Store("a");
}

void Compact(Server& server) {
  (void)server.Store("kept");
  for (int i = 0; i < 5; ++i) {
    (void)server.Store("big");
    (void)server.Remove("big");
  }
  (void)server.Store("last");
}

// As an earlier server left it.
void PrepareKeys(Machine& machine) {
  Server server(machine);
  ASSERT_TRUE(server.Start().ok());
  for (const char* id : {"1", "2", "3"}) ASSERT_TRUE(server.Store(id).ok());
}

Story Creation() {
  return {[](Machine&) {}, StoreAndRemove};
}
Story CreationInAnEmptyFile() {
  return {[](Machine& machine) { machine.files.Put(kPath, {}); },
          StoreAndRemove};
}
Story Compaction() { return {PrepareKeys, Compact}; }
Story Rewrapping() {
  return {[](Machine& machine) {
            PrepareKeys(machine);
            machine.kms.SetCurrentKey("alias/new");
          },
          StoreAndRemove};
}
Story TornEnd() {
  return {[](Machine& machine) {
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
  bool LiveAndDie(Machine& machine, size_t steps, Ending ending) {
    const size_t before = machine.files.steps();
    bool whole;
    {
      machine.files.FailAfter(steps);
      Server server(machine);
      if (server.Start().ok()) {
        server.ExpectAllThatWasPromised();
        server.TakeStock();
        story_.work(server);
      }
      whole = machine.files.steps() - before < steps;
    }
    machine.End(ending);
    return whole;
  }

  // The last server always comes after a power cut: what was promised must be
  // durable, and not only present.
  static void ExpectPromisesKept(Machine& machine) {
    for (const Ending ending : {Ending::kProcessKilled, Ending::kPowerCut}) {
      {
        Server server(machine);
        const Status status = server.Start();
        ASSERT_TRUE(status.ok()) << status.message();
        ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
        server.TakeStock();
      }
      machine.End(ending);
    }
    {
      Server server(machine);
      ASSERT_TRUE(server.Start().ok());
      ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
      ASSERT_TRUE(server.Store("on").ok());
    }
    machine.End(Ending::kPowerCut);
    Server server(machine);
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
        Machine machine;
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
          Machine machine;
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
      Machine machine;
      story_.prepare(machine);
      const size_t before = machine.files.steps();
      machine.files.TearAppends(tear);
      machine.files.FailAfter(steps);
      {
        Server server(machine);
        Status started = server.Start();
        if (started.ok()) {
          server.TakeStock();
          story_.work(server);
        }
        whole = machine.files.steps() - before < steps;
        machine.files.TearAppends(false);
        // Others can read all the while.
        Server reader(machine, true);
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
        server.TakeStock();
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
  Machine machine;
  story_.prepare(machine);
  ASSERT_TRUE(LiveAndDie(machine, kNever, Ending::kPowerCut));
  EXPECT_THAT(machine.unsure, testing::IsEmpty());
  EXPECT_THAT(machine.stored, testing::Not(testing::IsEmpty()));
  ExpectPromisesKept(machine);
  EXPECT_THAT(machine.log.Text(), testing::Not(testing::HasSubstr("failed")));
}

TEST(SealedFileCrashStoryTest, CompactionHappensInItsStory) {
  Machine machine;
  Compaction().prepare(machine);
  Server server(machine);
  ASSERT_TRUE(server.Start().ok());
  Compaction().work(server);
  EXPECT_GT(ReadSealedHeader(machine.files.Content(kPath))->header.generation,
            1u);
}

std::string StoryName(const testing::TestParamInfo<Story (*)()>& info) {
  constexpr const char* kNames[] = {"Creation", "EmptyFile", "Compaction",
                                    "Rewrapping", "TornEnd"};
  return kNames[info.index];
}

INSTANTIATE_TEST_SUITE_P(Stories, SealedFileCrashTest,
                         testing::Values(Creation, CreationInAnEmptyFile,
                                         Compaction, Rewrapping, TornEnd),
                         StoryName);

}  // namespace
}  // namespace openkeyring
