// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_KEY_SET_FIXTURE_H_
#define OPENKEYRING_TESTING_KEY_SET_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/sealed/key_set_backend.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/spy_file_system.h"

namespace openkeyring {

// A directory for a key set, two KMS that make keys, of which the first opens
// the set, and servers that use it.
class KeySetTest : public testing::Test {
 protected:
  std::unique_ptr<KeySetBackend> Make(FileSystem& files) {
    KeySetOptions options = options_;
    options.makers = {&kms_, &second_kms_};
    options.slots = [this] {
      std::vector<std::unique_ptr<SlotKey>> keys;
      keys.push_back(std::make_unique<KmsSlotKey>(kms_));
      return std::make_unique<KeySlots>(std::move(keys), clock_);
    };
    return std::make_unique<KeySetBackend>(
        KeySetDependencies{files, SystemRandom(), clock_, log_},
        std::move(options));
  }
  std::unique_ptr<KeySetBackend> Make() { return Make(files_); }
  std::unique_ptr<KeySetBackend> MakePrepared() {
    auto backend = Make();
    const Status status = backend->Prepare();
    EXPECT_TRUE(status.ok()) << status.message();
    return backend;
  }
  // mariadb-backup's.
  std::unique_ptr<KeySetBackend> MakeReader() {
    const bool before = options_.keys.read_only;
    options_.keys.read_only = true;
    auto backend = MakePrepared();
    options_.keys.read_only = before;
    return backend;
  }
  // Each in a backend of its own.
  void MakeKeys(const std::vector<KeyVersion>& keys) {
    auto backend = MakePrepared();
    for (const KeyVersion key : keys) {
      const Status status = backend->Create(key, 16, Soon());
      ASSERT_TRUE(status.ok()) << status.message();
    }
  }
  Status PrepareError() { return Make()->Prepare(); }
  std::string TextOf(KeySetBackend& backend, KeyVersion key) {
    const Result<Secret> secret = backend.Fetch(key, Soon());
    EXPECT_TRUE(secret) << secret.error().message();
    return secret ? std::string(secret->RevealText()) : std::string();
  }
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }
  int Calls() const {
    int calls = 0;
    for (const char* name : {"Generate", "Wrap", "Unwrap", "IsCurrent"}) {
      calls += kms_.calls(name);
    }
    return calls;
  }
  void FailKms(const std::string& name, Status status) {
    kms_.SetHook([name, status](const std::string& called) {
      return called == name ? status : Status::Ok();
    });
  }

  void FailSecondKms() {
    second_kms_.SetHook([](const std::string&) {
      return Status(StatusCode::kUnavailable, "the second neither");
    });
  }

  SpyFileSystem files_;
  FakeKeyWrapper kms_;
  FakeKeyWrapper second_kms_;  // Makes keys when the first one does not.
  ManualClock clock_;
  MemoryLog log_;
  KeySetOptions options_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_KEY_SET_FIXTURE_H_
