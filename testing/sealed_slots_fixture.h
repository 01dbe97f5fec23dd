// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_SEALED_SLOTS_FIXTURE_H_
#define OPENKEYRING_TESTING_SEALED_SLOTS_FIXTURE_H_

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/sealed/local_slot_key.h"
#include "storage/sealed/sealed_store.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {

// What may open a sealed file in a test: the KMS of three regions, whose keys
// are alias/a, alias/b and alias/c, and a local file. They outlive servers.
struct SlotWorld {
  SlotWorld() {
    for (size_t i = 0; i < kms.size(); ++i) {
      kms[i].SetCurrentKey(std::string("alias/") + "abc"[i]);
    }
  }

  // As the configuration names them: one letter each, "l" for the local file.
  std::unique_ptr<KeySlots> Configured(const std::string& letters) {
    std::vector<std::unique_ptr<SlotKey>> keys;
    for (const char letter : letters) keys.push_back(KeyOf(letter));
    // The clock moves whenever somebody looks whether another one is late.
    return std::make_unique<KeySlots>(std::move(keys), clock,
                                      Millis(1'000'000'000));
  }
  std::unique_ptr<SlotKey> KeyOf(char letter) {
    if (letter != 'l') return std::make_unique<KmsSlotKey>(kms[letter - 'a']);
    return std::make_unique<LocalFileSlotKey>(
        [this]() -> Result<Secret> {
          if (on_local_read) on_local_read();
          return Secret::CopyOf(std::string(kLocalSecretBytes, 's'));
        },
        "/run/secret", SystemRandom());
  }
  // One operation of FakeKeyWrapper; SetDown ends it.
  void FailAt(char letter, const std::string& operation) {
    kms[letter - 'a'].SetHook([operation](const std::string& called) {
      return called == operation
                 ? Status(StatusCode::kUnavailable, "it is down")
                 : Status::Ok();
    });
  }
  void SetDown(char letter, bool down) {
    kms[letter - 'a'].SetHook([down](const std::string&) {
      return down ? Status(StatusCode::kUnavailable, "it is down")
                  : Status::Ok();
    });
  }
  Deadline Soon() { return Deadline::After(clock, Millis(10000)); }

  std::array<FakeKeyWrapper, 3> kms;
  std::function<void()> on_local_read;
  ManualClock clock;
  MemoryLog log;
};

// A server over any file system.
inline std::unique_ptr<SealedStore> MakeSlotStore(
    SlotWorld& world, FileSystem& files, const std::string& letters,
    SealedStoreOptions options = {}) {
  options.own_context = {{"openkeyring:product", "test"}};
  return std::make_unique<SealedStore>(
      SealedStoreDependencies{files, SystemRandom(), world.log},
      world.Configured(letters),
      std::make_shared<KeyringFile>(files, SystemRandom(), "keyring",
                                    std::nullopt),
      std::move(options));
}

inline Key SlotTestKey(const std::string& id, const std::string& data) {
  return {{id, ""}, "AES", Secret::CopyOf(data)};
}

inline std::map<std::string, std::string> TextsOf(
    const SealedStore::Keys& keys) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, key] : keys) {
    texts[name.data_id] = key.data.RevealText();
  }
  return texts;
}

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_SEALED_SLOTS_FIXTURE_H_
