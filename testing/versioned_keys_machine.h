// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_VERSIONED_KEYS_MACHINE_H_
#define OPENKEYRING_TESTING_VERSIONED_KEYS_MACHINE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "keyring/versioned_keys.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/keyring_crash_machine.h"
#include "testing/manual_clock.h"

// What crash tests of MariaDB's keys share: a machine that outlives its
// servers, and a server on it, VersionedKeys over a store on a file system that
// forgets. What a server was told about keys must still hold after it died at
// any step.
namespace openkeyring {

// A backend, and what a server does with it before anything else.
struct KeyStoreOnTrial {
  std::unique_ptr<VersionedBackend> backend;
  std::function<Status()> prepare;
  // Complains about leftovers and incomplete files.
  std::function<void()> check_files;
};

// Everything that outlives a server, and what its servers were told.
struct VersionedKeysMachine {
  using MakeStore = std::function<KeyStoreOnTrial(VersionedKeysMachine&)>;
  explicit VersionedKeysMachine(MakeStore make) : make_store(std::move(make)) {}

  const MakeStore make_store;
  CrashFileSystem files;
  FakeKeyWrapper kms;
  ManualClock clock;
  FakeRandom random;
  MemoryLog log;
  std::map<KeyVersion, std::string> used;  // Plaintexts that were handed out.
  std::map<uint32_t, uint32_t> latest;     // By id.

  Deadline Soon() { return Deadline::After(clock, Millis(1000)); }
  void End(Ending ending) {
    if (ending == Ending::kProcessKilled) return files.FailAfter(kNever);
    files.Crash(ending == Ending::kLuckyPowerCut);
  }
};

// One run of a server on that machine.
class VersionedKeysServer {
 public:
  explicit VersionedKeysServer(VersionedKeysMachine& machine)
      : machine_(machine),
        store_(machine.make_store(machine)),
        // One at a time, so that step n is the same step in every run.
        keys_(*store_.backend, machine.clock, machine.random, machine.log,
              {[] { return size_t{16}; }, [] { return Millis(5000); }, 1}) {}

  Status Start() {
    Status status = store_.prepare();
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
    store_.check_files();
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

  VersionedKeysMachine& machine_;
  const KeyStoreOnTrial store_;
  VersionedKeys keys_;
};

// One life of a server that dies before its step `steps`. True when it came to
// its own end before.
inline bool LiveAndDie(VersionedKeysMachine& machine, size_t steps,
                       Ending ending) {
  const size_t before = machine.files.steps();
  bool whole;
  {
    machine.files.FailAfter(steps);
    VersionedKeysServer server(machine);
    if (server.Start().ok()) server.CreateAndRotate();
    whole = machine.files.steps() - before < steps;
  }
  machine.End(ending);
  return whole;
}

// The last server always comes after a power cut: what was promised must be
// durable, and not only present.
inline void ExpectPromisesKept(VersionedKeysMachine& machine) {
  for (const Ending ending : {Ending::kProcessKilled, Ending::kPowerCut}) {
    VersionedKeysServer server(machine);
    ASSERT_TRUE(server.Start().ok());
    server.ExpectAllThatWasPromised();
    machine.End(ending);
  }
  VersionedKeysServer server(machine);
  ASSERT_TRUE(server.Start().ok());
  server.ExpectAllThatWasPromised();
  server.CreateAndRotate();
  server.ExpectAllThatWasPromised();
  EXPECT_THAT(machine.log.Text(), testing::Not(testing::HasSubstr("passed")));
}

// Stops a server at each step, and after each a second one at every fourth.
inline void DieAtEveryStep(const VersionedKeysMachine::MakeStore& make) {
  for (const Ending ending : kEndings) {
    bool whole = false;
    for (size_t steps = 0; !whole; ++steps) {
      SCOPED_TRACE("step " + std::to_string(steps));
      VersionedKeysMachine machine(make);
      whole = LiveAndDie(machine, steps, ending);
      ASSERT_NO_FATAL_FAILURE(ExpectPromisesKept(machine));
      ASSERT_LT(steps, 500u);
    }
  }
}

inline void DieTwiceAtEveryStep(const VersionedKeysMachine::MakeStore& make,
                                size_t stride) {
  for (const Ending first : kEndings) {
    for (const Ending second : kEndings) {
      bool first_whole = false;
      for (size_t steps = 0; !first_whole; ++steps) {
        bool second_whole = false;
        // Another part for each first step: a second's worth.
        for (size_t more = steps % stride; !second_whole; more += stride) {
          SCOPED_TRACE(testing::Message() << steps << ", then " << more);
          VersionedKeysMachine machine(make);
          first_whole = LiveAndDie(machine, steps, first);
          second_whole = LiveAndDie(machine, more, second);
          ASSERT_NO_FATAL_FAILURE(ExpectPromisesKept(machine));
          ASSERT_LT(more, 500u);
        }
      }
    }
  }
}

// That the run which is stopped above does what it should.
inline void LiveToTheEnd(const VersionedKeysMachine::MakeStore& make) {
  VersionedKeysMachine machine(make);
  ASSERT_TRUE(LiveAndDie(machine, kNever, Ending::kPowerCut));
  EXPECT_EQ(machine.latest, (std::map<uint32_t, uint32_t>{
                                {1, 3}, {2, 2}, {3, 2}, {4294967295u, 1}}));
  EXPECT_EQ(machine.used.size(), 8u);
  ExpectPromisesKept(machine);
}

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_VERSIONED_KEYS_MACHINE_H_
