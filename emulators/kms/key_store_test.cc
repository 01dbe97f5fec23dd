// SPDX-License-Identifier: MIT
#include "emulators/kms/key_store.h"

#include <gtest/gtest.h>

#include "testing/crash_file_system.h"
#include "testing/fakes.h"

namespace kms_emulator {
namespace {

const std::string kAccount = "111122223333";

Outcome<void> AddKey(KeyStore& store, const std::string& id) {
  return store.Update([&](State& state) -> Outcome<void> {
    Key key;
    key.id = id;
    key.region = "us-east-1";
    state.keys[{key.region, id}] = key;
    state.material[id] = {{std::string(64, 'a'), Bytes(32, 7), 1.5, ""}};
    state.aliases[{key.region, "alias/" + id}] = id;
    return {};
  });
}

std::vector<std::string> KeyIds(const KeyStore& store) {
  return store.View([](const State& state) {
    std::vector<std::string> ids;
    for (const auto& [name, key] : state.keys) ids.push_back(key.id);
    return ids;
  });
}

TEST(EmulatorKeyStore, KeepsEverythingInItsFile) {
  openkeyring::CrashFileSystem files;
  openkeyring::FakeRandom random;
  State before;
  {
    auto store = KeyStore::Open(files, random, "state", kAccount).value();
    ASSERT_TRUE(AddKey(*store, "k").has_value());
    (void)store->Update([](State& state) -> Outcome<void> {
      AccessKey key{"AKIA", "secret", "token", 9.5, "arn", {}};
      key.policy.allow_operations = {"Encrypt"};
      key.policy.deny_keys = {"x"};
      state.access_keys["AKIA"] = key;
      state.roles["r"] = {"r", "external", 900, {}};
      state.web_identities["t"] = {"t", "subject", 3};
      return {};
    });
    before = store->View([](const State& state) { return state; });
  }
  EXPECT_EQ(files.Permissions("state"), 0600);
  auto again = KeyStore::Open(files, random, "state", "other").value();
  EXPECT_EQ(again->View([](const State& s) { return ToJson(s); }),
            ToJson(before));
}

TEST(EmulatorKeyStore, WhatWasAnsweredSurvivesACrashAtEveryStep) {
  for (size_t steps = 0; steps < 12; ++steps) {
    openkeyring::CrashFileSystem files;
    openkeyring::FakeRandom random;
    auto store = KeyStore::Open(files, random, "state", kAccount).value();
    ASSERT_TRUE(AddKey(*store, "first").has_value());
    files.FailAfter(steps);
    const bool answered = AddKey(*store, "second").has_value();
    files.Crash();
    auto again = KeyStore::Open(files, random, "state", kAccount);
    ASSERT_TRUE(again.has_value()) << again.error().ToString();
    const auto ids = KeyIds(**again);
    EXPECT_EQ(ids.front(), "first");
    if (answered) {
      EXPECT_EQ(ids.size(), 2u) << "after " << steps << " steps";
    }
    EXPECT_EQ(files.Names(), std::vector<std::string>{"state"});
  }
}

TEST(EmulatorKeyStore, ADamagedFileIsCorruptAndStays) {
  openkeyring::CrashFileSystem files;
  openkeyring::FakeRandom random;
  const std::string text = R"({"account": "1", "keys": [{"id": 7}]})";
  files.Put("state", Bytes(text.begin(), text.end()));
  const auto store = KeyStore::Open(files, random, "state", kAccount);
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code(), StatusCode::kCorrupt);
  EXPECT_EQ(files.Content("state"), Bytes(text.begin(), text.end()));
}

TEST(EmulatorKeyStore, AFullDiskIsAnError) {
  openkeyring::CrashFileSystem files;
  openkeyring::FakeRandom random;
  auto store = KeyStore::Open(files, random, "state", kAccount).value();
  files.FailWith(Status(StatusCode::kUnavailable, "disk full"));
  const auto outcome = AddKey(*store, "k");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().http_status, 500);
}

}  // namespace
}  // namespace kms_emulator
