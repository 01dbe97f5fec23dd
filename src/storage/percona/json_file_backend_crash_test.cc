// SPDX-License-Identifier: MIT
// What a server was told about keys must still hold after it died at any step:
// JsonFileBackend over a file system that forgets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>
#include <set>

#include "storage/percona/json_file_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

constexpr size_t kNever = std::numeric_limits<size_t>::max();
constexpr char kPath[] = "keyring";
constexpr char kBackup[] = "keyring.backup";

// What becomes of the disk when the server stops.
enum class Ending {
  kProcessKilled,  // The kernel lives on; nothing is lost, nor made durable.
  kPowerCut,       // What was not synced is lost.
  kLuckyPowerCut,  // All of it happened to reach the disk.
};
constexpr Ending kEndings[] = {Ending::kProcessKilled, Ending::kPowerCut,
                               Ending::kLuckyPowerCut};

// Everything that outlives a server, and what its servers were told.
struct Machine {
  CrashFileSystem files;
  FakeKeyWrapper kms;
  ManualClock clock;
  FakeRandom random;
  MemoryLog log;
  std::map<std::string, std::string> stored;  // Must be there.
  std::set<std::string> unsure;               // May be there.
  std::map<std::string, Bytes> blobs;

  Deadline Soon() { return Deadline::After(clock, Millis(1000)); }
  void End(Ending ending) {
    if (ending == Ending::kProcessKilled) return files.FailAfter(kNever);
    files.Crash(ending == Ending::kLuckyPowerCut);
  }
  // A file with a key for each letter.
  Bytes FileWith(std::string_view letters) {
    JsonKeyring keyring;
    for (const char c : letters) {
      const std::string id(1, c);
      Bytes& blob = blobs[id];
      if (blob.empty()) {
        blob = kms.Wrap(Secret::CopyOf(id + "-data"), {}, Soon())->blob;
      }
      EXPECT_TRUE(keyring.Add({id, ""}, "AES", {blob, ""}).ok());
    }
    return *keyring.Write();
  }
  void Promise(std::string_view letters) {
    for (const char c : letters) {
      stored[std::string(1, c)] = std::string(1, c) + "-data";
    }
  }
};

// One run of a server on that machine.
class Server {
 public:
  explicit Server(Machine& machine)
      : machine_(machine),
        backend_({machine.kms, machine.files, machine.random, machine.log},
                 machine.clock,
                 std::make_shared<KeyringFile>(machine.files, machine.random,
                                               kPath, std::nullopt),
                 OneAtATime()) {}

  Status Start() {
    Result<std::vector<Key>> keys = backend_.Load(machine_.Soon());
    if (!keys) return keys.error();
    for (const Key& key : *keys) {
      found_[key.name.data_id] = key.data.RevealText();
    }
    return Status::Ok();
  }

  void Store(const std::string& id) {
    const std::string data = id + "-data";
    if (backend_.Store({{id, ""}, "AES", Secret::CopyOf(data)}, machine_.Soon())
            .ok()) {
      machine_.stored[id] = data;
    } else {
      machine_.unsure.insert(id);
    }
  }
  void Remove(const std::string& id) {
    if (!machine_.stored.contains(id)) return;
    if (backend_.Remove({id, ""}, machine_.Soon()).ok()) {
      machine_.stored.erase(id);
      machine_.unsure.erase(id);
    } else {
      // It was told that the removal failed, so it may count on the key; but
      // for the worst case: the step that failed was the last one.
      machine_.unsure.insert(id);
      machine_.stored.erase(id);
    }
  }

  void ExpectAllThatWasPromised() const {
    for (const auto& [id, data] : machine_.stored) {
      const auto found = found_.find(id);
      ASSERT_NE(found, found_.end()) << id << " is lost";
      ASSERT_EQ(found->second, data);
    }
    for (const auto& [id, data] : found_) {
      ASSERT_EQ(data, id + "-data");
      ASSERT_TRUE(machine_.stored.contains(id) || machine_.unsure.contains(id))
          << id << " came back";
    }
  }

 private:
  // So that step n is the same in every run.
  static FileBackendOptions OneAtATime() {
    FileBackendOptions options;
    options.parallelism = 1;
    return options;
  }

  Machine& machine_;
  JsonFileBackend backend_;
  std::map<std::string, std::string> found_;
};

using Work = std::function<void(Server&)>;

// One life of a server that dies before its step `steps`. True when it came to
// its own end before.
bool LiveAndDie(Machine& machine, size_t steps, Ending ending,
                const Work& work) {
  const size_t before = machine.files.steps();
  bool whole;
  {
    machine.files.FailAfter(steps);
    Server server(machine);
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
      Server server(machine);
      const Status status = server.Start();
      ASSERT_TRUE(status.ok()) << status.message();
      ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
    }
    machine.End(ending);
  }
  {
    Server server(machine);
    ASSERT_TRUE(server.Start().ok());
    ASSERT_NO_FATAL_FAILURE(server.ExpectAllThatWasPromised());
    server.Store("last");
    ASSERT_TRUE(machine.stored.contains("last"));
  }
  Server server(machine);
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
          second_whole = LiveAndDie(machine, more, second, [](Server&) {});
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
                [](Server& server) {
                  server.Store("a");
                  server.Store("b");
                  server.Remove("a");
                  server.Store("c");
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
        [](Server& server) { server.Store("n"); }));
  }
}

TEST(JsonFileBackendCrashTest, NoKeyIsLostWhileKeysAreWrappedAnew) {
  DieEverywhere(
      [](Machine& machine) {
        machine.files.Put(kPath, machine.FileWith("abc"));
        machine.Promise("abc");
        machine.kms.SetCurrentKey("alias/new");
      },
      [](Server& server) { server.Store("n"); });
}

TEST(JsonFileBackendCrashTest, RunWithoutACrashPromisesWhatItSays) {
  Machine machine;
  ASSERT_TRUE(
      LiveAndDie(machine, kNever, Ending::kPowerCut, [](Server& server) {
        server.Store("a");
        server.Store("b");
        server.Remove("a");
      }));
  EXPECT_EQ(machine.stored,
            (std::map<std::string, std::string>{{"b", "b-data"}}));
  EXPECT_THAT(machine.unsure, testing::IsEmpty());
  ExpectPromisesKept(machine);
}

}  // namespace
}  // namespace openkeyring
