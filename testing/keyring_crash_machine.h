// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_KEYRING_CRASH_MACHINE_H_
#define OPENKEYRING_TESTING_KEYRING_CRASH_MACHINE_H_

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "keyring/keyring_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

// What crash tests of keyring files share: a machine that outlives its servers,
// and a server on it that remembers what its users were told about their keys.
namespace openkeyring {

constexpr size_t kNever = std::numeric_limits<size_t>::max();

// What becomes of the disk when a server stops.
enum class Ending {
  kProcessKilled,  // The kernel lives on; nothing is lost, nor made durable.
  kPowerCut,       // What was not synced is lost.
  kLuckyPowerCut,  // All of it happened to reach the disk.
};
constexpr Ending kEndings[] = {Ending::kProcessKilled, Ending::kPowerCut,
                               Ending::kLuckyPowerCut};

using KeyTexts = std::map<std::string, std::string>;  // Data by id.

// Everything that outlives a server, and what its servers' users were told.
struct CrashMachine {
  CrashFileSystem files;
  FakeKeyWrapper kms;
  ManualClock clock;
  MemoryLog log;
  KeyTexts stored;               // Must be there.
  std::set<std::string> unsure;  // May be there, with what they were told.

  Deadline Soon() { return Deadline::After(clock, Millis(1000)); }
  void End(Ending ending) {
    if (ending == Ending::kProcessKilled) return files.FailAfter(kNever);
    files.Crash(ending == Ending::kLuckyPowerCut);
  }
};

// The data of a key. Large for some, which fill a log soon.
inline std::string CrashDataOf(const std::string& id) {
  return id + "-data" +
         std::string(id.starts_with("big") ? kMaxKeyBytes - 100 : 0, 'x');
}

// One run of a server on that machine.
class CrashServer {
 public:
  CrashServer(CrashMachine& machine, std::unique_ptr<KeyringBackend> backend)
      : machine_(machine), backend_(std::move(backend)) {}

  Status Start() {
    Result<std::vector<Key>> keys = backend_->Load(machine_.Soon());
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
    const std::string data = CrashDataOf(id);
    Status status = backend_->Store({{id, ""}, "AES", Secret::CopyOf(data)},
                                    machine_.Soon());
    if (status.ok()) {
      visible_[id] = machine_.stored[id] = data;
      machine_.unsure.erase(id);
    } else {
      machine_.unsure.insert(id);
    }
    return status;
  }
  Status Remove(const std::string& id) {
    if (!visible_.contains(id)) return Status::Ok();
    Status status = backend_->Remove({id, ""}, machine_.Soon());
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
      ASSERT_EQ(data, CrashDataOf(id)) << "a wrong key";
      ASSERT_TRUE(machine_.stored.contains(id) || machine_.unsure.contains(id))
          << id << " came back";
    }
  }
  // What this server shows to its users is what counts from now on.
  void PromiseWhatIsVisible() {
    machine_.stored = visible_;
    machine_.unsure.clear();
  }
  const KeyTexts& found() const { return found_; }

 private:
  CrashMachine& machine_;
  const std::unique_ptr<KeyringBackend> backend_;
  KeyTexts found_;    // At the start.
  KeyTexts visible_;  // As the keyring above shows it.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_KEYRING_CRASH_MACHINE_H_
