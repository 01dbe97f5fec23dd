// SPDX-License-Identifier: MIT
// What a server was told about keys must still hold after it died at any step:
// VersionedKeys over KeyFileBackend over a file system that forgets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>

#include "keyring/versioned_keys.h"
#include "storage/mariadb_files/key_file_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

constexpr size_t kNever = std::numeric_limits<size_t>::max();

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
  std::map<KeyVersion, std::string> used;  // Plaintexts that were handed out.
  std::map<uint32_t, uint32_t> latest;     // By id.

  void End(Ending ending) {
    if (ending == Ending::kProcessKilled) return files.FailAfter(kNever);
    files.Crash(ending == Ending::kLuckyPowerCut);
  }
};

// One run of a server on that machine.
class Server {
 public:
  explicit Server(Machine& machine)
      : machine_(machine),
        backend_(machine.kms, machine.files, machine.random, machine.log,
                 {{}, [] { return BindPolicy::kOn; }}),
        // One at a time, so that step n is the same step in every run.
        keys_(backend_, machine.clock, machine.random, machine.log,
              {[] { return size_t{16}; }, [] { return Millis(5000); }, 1}) {}

  Status Start() {
    Status status = backend_.Prepare();
    return status.ok() ? keys_.LoadAll(Millis(0)) : status;
  }

  // As MariaDB: asks for the latest version, then encrypts with it.
  void Encrypt(uint32_t id) {
    const Result<uint32_t> version = keys_.LatestVersion(id);
    if (version) Use({id, *version});
  }

  void CreateAndRotate() {
    Encrypt(1);
    Encrypt(2);
    if (keys_.Rotate(1)) Encrypt(1);
    Encrypt(3);
    for (const auto& rotated : keys_.RotateAll()) {
      if (rotated.version) Encrypt(rotated.id);
    }
    Encrypt(4294967295u);
  }

  void ExpectAllThatWasPromised() {
    for (const auto& [key, plaintext] : machine_.used) {
      const Result<const Secret*> now = keys_.Get(key);
      ASSERT_TRUE(now) << key.id << "." << key.version
                       << " is lost: " << now.error().message();
      ASSERT_EQ((*now)->RevealText(), plaintext) << "a key has changed";
    }
    for (const auto& [id, version] : machine_.latest) {
      const Result<uint32_t> now = keys_.LatestVersion(id);
      ASSERT_TRUE(now) << now.error().message();
      ASSERT_GE(*now, version) << "data of a newer version exists";
    }
    for (const std::string& name : machine_.files.Names()) {
      ASSERT_THAT(name, testing::StartsWith("aws-kms-key")) << "a leftover";
      if (!ParseKeyFileName(name)) continue;
      ASSERT_TRUE(ReadKeyFile(machine_.files.Content(name))) << "half a file";
    }
  }

 private:
  void Use(KeyVersion key) {
    const Result<const Secret*> plaintext = keys_.Get(key);
    ASSERT_TRUE(plaintext) << "the latest version cannot be had";
    const auto [known, is_new] =
        machine_.used.try_emplace(key, (*plaintext)->RevealText());
    ASSERT_EQ(known->second, (*plaintext)->RevealText()) << "a forked key";
    uint32_t& latest = machine_.latest[key.id];
    ASSERT_GE(key.version, latest);
    latest = key.version;
  }

  Machine& machine_;
  KeyFileBackend backend_;
  VersionedKeys keys_;
};

// One life of a server that dies before its step `steps`. True when it came to
// its own end before.
bool LiveAndDie(Machine& machine, size_t steps, Ending ending) {
  const size_t before = machine.files.steps();
  bool whole;
  {
    machine.files.FailAfter(steps);
    Server server(machine);
    if (server.Start().ok()) server.CreateAndRotate();
    whole = machine.files.steps() - before < steps;
  }
  machine.End(ending);
  return whole;
}

// The last server always comes after a power cut: what was promised must be
// durable, and not only present.
void ExpectPromisesKept(Machine& machine) {
  for (const Ending ending : {Ending::kProcessKilled, Ending::kPowerCut}) {
    Server server(machine);
    ASSERT_TRUE(server.Start().ok());
    server.ExpectAllThatWasPromised();
    machine.End(ending);
  }
  Server server(machine);
  ASSERT_TRUE(server.Start().ok());
  server.ExpectAllThatWasPromised();
  server.CreateAndRotate();
  server.ExpectAllThatWasPromised();
  EXPECT_THAT(machine.log.Text(), testing::Not(testing::HasSubstr("passed")));
}

TEST(VersionedKeysCrashTest, NothingUsedIsLostWhereverOneServerDies) {
  for (const Ending ending : kEndings) {
    bool whole = false;
    for (size_t steps = 0; !whole; ++steps) {
      SCOPED_TRACE("step " + std::to_string(steps));
      Machine machine;
      whole = LiveAndDie(machine, steps, ending);
      ASSERT_NO_FATAL_FAILURE(ExpectPromisesKept(machine));
      ASSERT_LT(steps, 500u);
    }
  }
}

TEST(VersionedKeysCrashTest, NothingUsedIsLostWhereverTheNextOneDiesToo) {
  for (const Ending first : kEndings) {
    for (const Ending second : kEndings) {
      bool first_whole = false;
      for (size_t steps = 0; !first_whole; ++steps) {
        bool second_whole = false;
        // Every fourth, another fourth for each first step: a second's worth.
        for (size_t more = steps % 4; !second_whole; more += 4) {
          SCOPED_TRACE(testing::Message() << steps << ", then " << more);
          Machine machine;
          first_whole = LiveAndDie(machine, steps, first);
          second_whole = LiveAndDie(machine, more, second);
          ASSERT_NO_FATAL_FAILURE(ExpectPromisesKept(machine));
          ASSERT_LT(more, 500u);
        }
      }
    }
  }
}

TEST(VersionedKeysCrashTest, RunWithoutACrashUsesWhatItSays) {
  Machine machine;
  ASSERT_TRUE(LiveAndDie(machine, kNever, Ending::kPowerCut));
  EXPECT_EQ(machine.latest, (std::map<uint32_t, uint32_t>{
                                {1, 3}, {2, 2}, {3, 2}, {4294967295u, 1}}));
  EXPECT_EQ(machine.used.size(), 8u);
  ExpectPromisesKept(machine);
}

}  // namespace
}  // namespace openkeyring
