// SPDX-License-Identifier: MIT
// What a server was told about keys must still hold after it died at any step:
// JsonFileBackend over a file system that forgets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "storage/percona/json_file_backend.h"
#include "testing/keyring_crash_machine.h"

namespace openkeyring {
namespace {

constexpr char kPath[] = "keyring";
constexpr char kBackup[] = "keyring.backup";

struct Machine : CrashMachine {
  FakeRandom random;
  std::map<std::string, Bytes> blobs;

  // A file with a key for each letter.
  Bytes FileWith(std::string_view letters) {
    JsonKeyring keyring;
    for (const char c : letters) {
      const std::string id(1, c);
      Bytes& blob = blobs[id];
      if (blob.empty()) {
        blob = kms.Wrap(Secret::CopyOf(CrashDataOf(id)), {}, Soon())->blob;
      }
      EXPECT_TRUE(keyring.Add({id, ""}, "AES", {blob, ""}).ok());
    }
    return *keyring.Write();
  }
  void Promise(std::string_view letters) {
    for (const char c : letters) {
      stored[std::string(1, c)] = CrashDataOf(std::string(1, c));
    }
  }
};

CrashServer MakeServer(Machine& machine) {
  FileBackendOptions options;
  options.parallelism = 1;  // So that step n is the same in every run.
  const FileBackendDependencies dependencies = {machine.kms, machine.files,
                                                machine.random, machine.log};
  return {machine, std::make_unique<JsonFileBackend>(
                       dependencies, machine.clock,
                       std::make_shared<KeyringFile>(
                           machine.files, machine.random, kPath, std::nullopt),
                       options)};
}

using Work = std::function<void(CrashServer&)>;

// One life of a server that dies before its step `steps`. True when it came to
// its own end before.
bool LiveAndDie(Machine& machine, size_t steps, Ending ending,
                const Work& work) {
  const size_t before = machine.files.steps();
  bool whole;
  {
    machine.files.FailAfter(steps);
    CrashServer server = MakeServer(machine);
    if (server.Start().ok()) work(server);
    whole = machine.files.steps() - before < steps;
  }
  machine.End(ending);
  return whole;
}

// The last server always comes after a power cut: what was promised must be
// durable, and not only present.
void ExpectPromisesKept(Machine& machine) {
  for (const Ending ending : {Ending::kProcessKilled, Ending::kPowerCut}) {
    {
      CrashServer server = MakeServer(machine);
      const Status status = server.Start();
      ASSERT_TRUE(status.ok()) << status.message();
      ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
    }
    machine.End(ending);
  }
  {
    CrashServer server = MakeServer(machine);
    ASSERT_TRUE(server.Start().ok());
    ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
    (void)server.Store("last");
    ASSERT_TRUE(machine.stored.contains("last"));
  }
  CrashServer server = MakeServer(machine);
  ASSERT_TRUE(server.Start().ok());
  ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
}

// Dies at every step, in every way; and then once more, at every 13th step,
// another 13th for each first one: a second's worth.
void DieEverywhere(const std::function<void(Machine&)>& prepare,
                   const Work& work) {
  size_t round = 0;
  for (const Ending first : kEndings) {
    for (const Ending second : {Ending::kProcessKilled, Ending::kPowerCut}) {
      bool whole = false;
      for (size_t steps = 0; !whole; ++steps) {
        bool second_whole = false;
        // The same step is torn in one round and not in the next.
        const bool tear = (steps + round) % 2 == 0;
        for (size_t more = steps % 13; !second_whole; more += 13) {
          SCOPED_TRACE(testing::Message() << steps << ", then " << more);
          Machine machine;
          prepare(machine);
          machine.files.TearAppends(tear);
          whole = LiveAndDie(machine, steps, first, work);
          machine.files.TearAppends(tear);
          second_whole = LiveAndDie(machine, more, second, [](CrashServer&) {});
          machine.files.TearAppends(false);
          ASSERT_NO_FATAL_FAILURE(ExpectPromisesKept(machine));
          ASSERT_LT(steps, 200u);
          ASSERT_LT(more, 200u);
        }
      }
      ++round;
    }
  }
}

TEST(JsonFileBackendCrashTest, NoStoredKeyIsLostWhereverTheServerDies) {
  DieEverywhere([](Machine&) {},
                [](CrashServer& server) {
                  (void)server.Store("a");
                  (void)server.Store("b");
                  (void)server.Remove("a");
                  (void)server.Store("c");
                });
}

TEST(JsonFileBackendCrashTest, NoKeyIsLostWhileABackupIsDealtWith) {
  struct Case {
    std::string_view main, backup, promised;
    char damage;  // The file that is cut: 'm', 'b' or none.
  };
  for (const Case& c : {Case{"", "ab", "ab", 'm'},
                        Case{"ab", "abc", "abc", 'm'}, Case{"a", "ab", "ab", 0},
                        Case{"ab", "ab", "ab", 0}, Case{"ab", "ab", "ab", 'b'},
                        Case{"ab", "ac", "ab", 0}, Case{"-", "ab", "ab", 0}}) {
    SCOPED_TRACE(std::string(c.main) + " " + std::string(c.backup));
    ASSERT_NO_FATAL_FAILURE(DieEverywhere(
        [&](Machine& machine) {
          for (const bool is_main : {true, false}) {
            const std::string_view letters = is_main ? c.main : c.backup;
            if (letters == "-") continue;
            Bytes content = machine.FileWith(letters);
            if (c.damage == (is_main ? 'm' : 'b')) {
              content.resize(letters.empty() ? 0 : content.size() / 2);
            }
            machine.files.Put(is_main ? kPath : kBackup, content);
          }
          machine.Promise(c.promised);
        },
        [](CrashServer& server) { (void)server.Store("n"); }));
  }
}

TEST(JsonFileBackendCrashTest, NoKeyIsLostWhileKeysAreWrappedAnew) {
  DieEverywhere(
      [](Machine& machine) {
        machine.files.Put(kPath, machine.FileWith("abc"));
        machine.Promise("abc");
        machine.kms.SetCurrentKey("alias/new");
      },
      [](CrashServer& server) { (void)server.Store("n"); });
}

TEST(JsonFileBackendCrashTest, RunWithoutACrashPromisesWhatItSays) {
  Machine machine;
  ASSERT_TRUE(
      LiveAndDie(machine, kNever, Ending::kPowerCut, [](CrashServer& server) {
        (void)server.Store("a");
        (void)server.Store("b");
        (void)server.Remove("a");
      }));
  EXPECT_EQ(machine.stored,
            (std::map<std::string, std::string>{{"b", "b-data"}}));
  EXPECT_THAT(machine.unsure, testing::IsEmpty());
  ExpectPromisesKept(machine);
}

// Any part of what was not synced reaches the disk: bytes, and changes of the
// directory.
TEST(JsonFileBackendCrashTest, NoKeyIsLostWhateverAPowerCutLeaves) {
  for (uint64_t number = 0; number < 3000; ++number) {
    SCOPED_TRACE(testing::Message() << "history " << number);
    std::mt19937_64 random(number);
    Machine machine;
    if (number % 3 == 0) {
      machine.files.Put(kPath, machine.FileWith("a"));
      machine.files.Put(kBackup, machine.FileWith("ab"));
      machine.Promise("ab");
    }
    for (int life = 0; life < 3; ++life) {
      {
        machine.files.FailAfter(random() % 30);
        CrashServer server = MakeServer(machine);
        if (server.Start().ok()) {
          ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
          server.PromiseWhatIsVisible();
          for (int i = 0; i < 3; ++i) {
            const std::string id(1, static_cast<char>('a' + random() % 4));
            (void)(random() % 3 == 0 ? server.Remove(id) : server.Store(id));
          }
        }
      }
      machine.files.CrashPartially(random, random() % 2 == 0 ? 512 : 4096);
    }
    ASSERT_NO_FATAL_FAILURE(ExpectPromisesKept(machine));
  }
}

}  // namespace
}  // namespace openkeyring
