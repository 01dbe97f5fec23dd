// SPDX-License-Identifier: MIT
// How KmipKeyringBackend stores: once, by one of several, or not at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <set>
#include <thread>

#include "testing/kmip_keyring_fixture.h"

namespace openkeyring {
namespace {

TEST_F(KmipKeyringBackendTest, AnEmptyValueIsRefusedBeforeTheServerIsAsked) {
  const Status status =
      KeyringBackend().Store(MakeKey("empty", "", "SECRET", ""), Lab::Soon());
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("holds no empty value"), std::string::npos);
}

TEST_F(KmipKeyringBackendTest, AnActivationThatIsRefusedLeavesNothing) {
  KmipKeyringBackend backend = KeyringBackend();
  lab_.server().Push(MakeFault("fail", "Activate"));
  const Status status = backend.Store(Aes("k"), Lab::Soon());
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(lab_.store.size(), 0U);
}

TEST_F(KmipKeyringBackendTest, WhatAFailedStoreLeftMustGoBeforeTheNextStore) {
  KmipKeyringBackend backend = KeyringBackend();
  lab_.server().Push(MakeFault("fail", "Activate"));
  lab_.server().Push(MakeFault("fail", "Destroy", 2));
  EXPECT_FALSE(backend.Store(Aes("k"), Lab::Soon()).ok());
  const Status status = backend.Store(Aes("k"), Lab::Soon());
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("what an earlier try left"),
            std::string::npos);
  EXPECT_EQ(lab_.store.size(), 1U);
  EXPECT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 1U);
}

TEST_F(KmipKeyringBackendTest,
       WhatAFailedStoreLeftIsNoKeyAndGoesWithTheNextStore) {
  KmipKeyringBackend backend = KeyringBackend();
  lab_.server().Push(MakeFault("fail", "Activate"));
  lab_.server().Push(MakeFault("fail", "Destroy"));
  EXPECT_FALSE(backend.Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 1U);
  EXPECT_TRUE(Loaded().empty());
  EXPECT_NE(lab_.log.Text().find("left by stores that failed"),
            std::string::npos);
  ASSERT_TRUE(backend.Store(Aes("other"), Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 1U);
  EXPECT_EQ(Loaded().size(), 1U);
}

TEST_F(KmipKeyringBackendTest, ARefusedStoreDestroysNothingOfAnybodyElse) {
  const auto type = KmipObjectType::kSymmetricKey;
  Revoke(RegisterAsPercona("k", type, "an archive's key", true, "g"));
  Revoke(RegisterAsPercona("k", type, "an archive's key", true, "other"));
  for (const uint32_t reason :
       {static_cast<uint32_t>(KmipResultReason::kInvalidField),
        static_cast<uint32_t>(KmipResultReason::kObjectAlreadyExists)}) {
    Fault fault = MakeFault("fail", "Register", -1);
    fault.reason = reason;
    lab_.server().Push(fault);
    EXPECT_FALSE(KeyringBackend({}, "g").Store(Aes("k"), Lab::Soon()).ok());
    EXPECT_FALSE(KeyringBackend({}, "h").Store(Aes("k"), Lab::Soon()).ok());
    lab_.server().ClearFaults();
    EXPECT_EQ(lab_.store.size(), 2U);
  }
}

TEST_F(KmipKeyringBackendTest, AFailedAttemptThatHoldsTheNameIsDestroyed) {
  Set(&Behaviour::unique_names);
  lab_.server().Push(MakeFault("fail", "Activate"));
  lab_.server().Push(MakeFault("fail", "Destroy"));
  EXPECT_FALSE(KeyringBackend().Store(Aes("k"), Lab::Soon()).ok());
  ASSERT_TRUE(KeyringBackend().Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 1U);
  KmipObjects objects(session_, lab_.log);
  EXPECT_EQ(objects.FindByName("k", Lab::Soon())->size(), 1U);
}

TEST_F(KmipKeyringBackendTest, AnUnfinishedObjectOfAnotherKeyIsNotDestroyed) {
  Set(&Behaviour::unique_names);
  KmipObject object;
  object.value = Secret::CopyOf("0123456789abcdef");
  object.algorithm = KmipAlgorithm::kAes;
  KmipAttributes attributes;
  attributes.names = {"k"};
  attributes.application_info = {{"openkeyring-mysql", "1;AES;x;;0123"}};
  RegisterAs(object, attributes, /*activate=*/false);
  ASSERT_TRUE(KeyringBackend().Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 2U);
}

TEST_F(KmipKeyringBackendTest, AFailedAttemptThatWasActivatedMeanwhileStays) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  KmipObjects objects(session_, lab_.log);
  const auto ids = objects.FindByName("k", Lab::Soon());
  EXPECT_FALSE(objects.DestroyPreActive(ids->front(), Lab::Soon()).ok());
  EXPECT_EQ(Loaded().size(), 1U);
}

TEST_F(KmipKeyringBackendTest, WhereNamesAreUniqueEachGroupHasAKeyOfThatName) {
  Set(&Behaviour::unique_names);
  for (const char* group : {"one", "two", "three"}) {
    const Status status = KeyringBackend({}, group).Store(
        MakeKey("persisted_variables_key", "", "SECRET", group), Lab::Soon());
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  for (const std::string group : {"one", "two", "three"}) {
    EXPECT_EQ(
        Loaded({}, group),
        std::vector<std::string>{"persisted_variables_key||SECRET|" + group});
    // Whatever its name is, there is one of it.
    EXPECT_EQ(KeyringBackend({}, group)
                  .Store(MakeKey("persisted_variables_key", "", "SECRET", "x"),
                         Lab::Soon())
                  .code(),
              StatusCode::kAlreadyExists);
  }
  EXPECT_NE(lab_.log.Text().find("KMIP object \"object-1\" has it"),
            std::string::npos)
      << lab_.log.Text();
}

TEST_F(KmipKeyringBackendTest, ManyRemovedObjectsOfANameDoNotBlockIt) {
  KmipKeyringOptions options;
  options.max_objects = 3;
  KmipKeyringBackend backend = KeyringBackend(options);
  Fault fault = MakeFault("fail", "Destroy", -1);
  fault.reason = static_cast<uint32_t>(KmipResultReason::kPermissionDenied);
  lab_.server().Push(fault);
  for (int i = 0; i < 105; ++i) {
    ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok()) << i;
    ASSERT_TRUE(backend.Remove({"k", ""}, Lab::Soon()).ok()) << i;
  }
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 106U);
  EXPECT_EQ(Loaded(options).size(), 1U);
}

TEST_F(KmipKeyringBackendTest, ANameThatADestroyedObjectKeepsIsStoredAgain) {
  Behaviour behaviour;
  behaviour.unique_names = behaviour.keeps_destroyed = true;
  lab_.server().Set(behaviour);
  KmipKeyringBackend backend = KeyringBackend();
  for (int i = 0; i < 3; ++i) {
    const Status status = backend.Store(Aes("k"), Lab::Soon());
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(Loaded().size(), 1U);
    ASSERT_TRUE(backend.Remove({"k", ""}, Lab::Soon()).ok());
    EXPECT_TRUE(Loaded().empty());
  }
  EXPECT_EQ(lab_.store.size(), 3U);
}

TEST_F(KmipKeyringBackendTest, ARefusalOfTheServerIsNotAnOrdinaryFailure) {
  for (const auto reason :
       {KmipResultReason::kInvalidField, KmipResultReason::kIllegalOperation}) {
    Fault fault = MakeFault("fail", "Register", -1);
    fault.reason = static_cast<uint32_t>(reason);
    lab_.server().Push(fault);
    const Status status = KeyringBackend().Store(Aes("k", "a@b"), Lab::Soon());
    EXPECT_EQ(status.code(), StatusCode::kDenied) << status.ToString();
    lab_.server().ClearFaults();
  }
}

// The answer of each step is lost after its effect, or the request before it.
class KmipKeyringBackendCut
    : public KmipKeyringBackendTest,
      public testing::WithParamInterface<std::tuple<const char*, const char*>> {
};

TEST_P(KmipKeyringBackendCut, AStoreIsDoneOnceOrNotAtAll) {
  const auto [kind, operation] = GetParam();
  for (const int count : {1, 2, 20}) {
    KmipKeyringBackend backend = KeyringBackend();
    lab_.server().Push(MakeFault(kind, operation, count));
    const std::string id = "k" + std::to_string(count);
    const Status status = backend.Store(Aes(id), Lab::In(3000));
    EXPECT_NE(status.code(), StatusCode::kNotFound);
    lab_.server().ClearFaults();
    const auto keys = Loaded();
    const size_t seen = std::count_if(
        keys.begin(), keys.end(),
        [&](const std::string& key) { return key.starts_with(id + "|"); });
    if (status.ok()) {
      EXPECT_EQ(seen, 1U) << operation << count;
      continue;
    }
    // Whatever is there, a second try never makes a second key.
    EXPECT_LE(seen, 1U) << operation << count;
    EXPECT_TRUE(backend.Store(Aes(id), Lab::Soon()).ok());
    const auto after = Loaded();
    EXPECT_EQ(std::count_if(after.begin(), after.end(),
                            [&](const std::string& key) {
                              return key.starts_with(id + "|");
                            }),
              1)
        << operation << count;
  }
}

TEST_P(KmipKeyringBackendCut, ARemovalIsDoneOrTheKeyIsThere) {
  const auto [kind, operation] = GetParam();
  KmipKeyringBackend backend = KeyringBackend();
  for (const int count : {1, 2, 20}) {
    ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
    lab_.server().Push(MakeFault(kind, operation, count));
    const Status status = backend.Remove({"k", ""}, Lab::In(3000));
    lab_.server().ClearFaults();
    EXPECT_NE(status.code(), StatusCode::kNotFound);
    if (!status.ok()) {
      EXPECT_TRUE(backend.Remove({"k", ""}, Lab::Soon()).ok());
    }
    EXPECT_TRUE(Loaded().empty()) << operation << count;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Steps, KmipKeyringBackendCut,
    testing::Combine(testing::Values("cut_before", "cut_after"),
                     testing::Values("Register", "Activate", "Get",
                                     "Get Attributes", "Locate", "Revoke",
                                     "Destroy")));

TEST_F(KmipKeyringBackendTest,
       AStoreOnServersWithUniqueNamesDoesNotStumbleOverRests) {
  Set(&Behaviour::unique_names);
  KmipKeyringBackend backend = KeyringBackend();
  lab_.server().Push(MakeFault("fail", "Activate"));
  lab_.server().Push(MakeFault("fail", "Destroy"));
  EXPECT_FALSE(backend.Store(Aes("k"), Lab::Soon()).ok());
  // Another process, which knows nothing of it.
  EXPECT_TRUE(KeyringBackend().Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(Loaded().size(), 1U);
}

TEST_F(KmipKeyringBackendTest, AKeyThatSomebodyElseStoredExistsAlready) {
  for (const bool unique : {true, false}) {
    Behaviour behaviour;
    behaviour.unique_names = unique;
    lab_.server().Set(behaviour);
    KmipKeyringBackend one = KeyringBackend(), two = KeyringBackend();
    const std::string id = unique ? "u" : "n";
    ASSERT_TRUE(one.Load(Lab::Soon()) && two.Load(Lab::Soon()));
    ASSERT_TRUE(one.Store(Aes(id), Lab::Soon()).ok());
    const Status status =
        two.Store(MakeKey(id, "", "AES", "sixteen bytes..."), Lab::Soon());
    EXPECT_EQ(status.code(), StatusCode::kAlreadyExists) << status.ToString();
    EXPECT_NE(lab_.log.Text().find("stored by somebody else"),
              std::string::npos);
    EXPECT_EQ(lab_.store.size(), unique ? 1U : 2U);
  }
}

TEST_F(KmipKeyringBackendTest, AServerThatGivesFewAttributesWillDo) {
  Set(&Behaviour::fewer_attributes);
  EXPECT_TRUE(KeyringBackend().Store(Aes("k"), Lab::Soon()).ok());
}

TEST_F(KmipKeyringBackendTest, AKeyThatTheServerKeepsWronglyIsNotStored) {
  Set(&Behaviour::spoils_values);
  const Status status = KeyringBackend().Store(Aes("k"), Lab::Soon());
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("returns another value"), std::string::npos)
      << status.message();
  EXPECT_TRUE(KeyringBackend().Load(Lab::Soon())->empty());
}

TEST_F(KmipKeyringBackendTest, TwoServersWithOneUuidDoNotStoreOneKeyTwice) {
  KmipKeyringOptions options;
  options.server_uuid = [] { return "ca43a29e-e8a9-11f1-b637-02fc00000001"; };
  const char* id = "INNODBKey-ca43a29e-e8a9-11f1-b637-02fc00000001-1";
  KmipKeyringBackend one = KeyringBackend(options);
  KmipKeyringBackend other = KeyringBackend(options);
  ASSERT_TRUE(one.Load(Lab::Soon())->empty());
  ASSERT_TRUE(other.Load(Lab::Soon())->empty());
  ASSERT_TRUE(one.Store(Aes(id), Lab::Soon()).ok());
  const Status refused = other.Store(Aes(id), Lab::Soon());
  EXPECT_EQ(refused.code(), StatusCode::kAlreadyExists);
  EXPECT_NE(refused.message().find("has the same server_uuid"),
            std::string::npos)
      << refused.message();
  EXPECT_EQ(KeyringBackend(options).Load(Lab::Soon())->size(), 1U);
  // The key of a user is another matter.
  const Status users = KeyringBackend().Store(Aes(id), Lab::Soon());
  EXPECT_EQ(users.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(users.message().find("server_uuid"), std::string::npos);
}

TEST_F(KmipKeyringBackendTest, WithoutTheSearchForAnotherNothingIsStored) {
  KmipKeyringOptions options;
  options.server_uuid = [] { return "ca43a29e-e8a9-11f1-b637-02fc00000001"; };
  Fault fault = MakeFault("fail", "Locate", -1);
  fault.reason = static_cast<uint32_t>(KmipResultReason::kGeneralFailure);
  lab_.server().Push(fault);
  for (const char* id :
       {"k", "MySQLReplicationKey_ca43a29e-e8a9-11f1-b637-02fc00000001_12"}) {
    const Status status = KeyringBackend(options).Store(Aes(id), Lab::Soon());
    EXPECT_TRUE(status.IsTransient()) << status.ToString();
  }
  lab_.server().ClearFaults();
  EXPECT_EQ(lab_.store.size(), 0U);
}

TEST_F(KmipKeyringBackendTest,
       ASearchThatDoesNotShowTheOwnObjectProvesNothing) {
  Set(&Behaviour::finds_active_only);
  const Status status = KeyringBackend().Store(Aes("k"), Lab::Soon());
  EXPECT_TRUE(status.IsTransient()) << status.ToString();
  EXPECT_NE(status.message().find("just made, is not found"), std::string::npos)
      << status.message();
  EXPECT_EQ(lab_.store.size(), 0U);
}

// Whoever has loaded a key uses it at once.
TEST_F(KmipKeyringBackendTest, WhatOneHasLoadedIsNotGivenUpByItsMaker) {
  for (int round = 0; round < 15; ++round) {
    const std::string id = "k" + std::to_string(round);
    std::deque<KmipKeyringBackend> backends;
    std::atomic<int> writing = 3;
    std::vector<std::thread> threads;
    for (int writer = 0; writer < 3; ++writer) {
      backends.emplace_back(client_, Group(), SystemClock(), SystemRandom(),
                            lab_.log, KmipKeyringOptions{});
      threads.emplace_back([&, writer, &backend = backends.back()] {
        const Key key =
            MakeKey(id, "", "AES", "value of writer" + std::to_string(writer));
        (void)backend.Store(key, Lab::Soon());
        --writing;
      });
    }
    std::set<std::string> seen;
    while (writing > 0) {
      const auto keys = Loaded();
      std::copy_if(keys.begin(), keys.end(), std::inserter(seen, seen.end()),
                   [&](const auto& key) { return key.starts_with(id + "|"); });
    }
    for (auto& thread : threads) thread.join();
    const auto keys = Loaded();
    for (const std::string& one : seen) {
      EXPECT_EQ(std::count(keys.begin(), keys.end(), one), 1) << one;
    }
  }
}

TEST_F(KmipKeyringBackendTest,
       WhatMayHaveBeenLoadedIsWithdrawnAndNotDestroyed) {
  KmipKeyringBackend backend = KeyringBackend();
  Fault fault = MakeFault("fail", "Get", 1);
  lab_.server().Push(fault);
  EXPECT_FALSE(backend.Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 1U);
  EXPECT_TRUE(Loaded().empty());
  EXPECT_NE(lab_.log.Text().find("another server may have loaded it"),
            std::string::npos);
  KmipObjects objects(session_, lab_.log);
  const auto ids = objects.FindByName("k", Lab::Soon());
  ASSERT_EQ(ids->size(), 1U);
  const auto values = objects.GetValues(*ids, Lab::Soon());
  ASSERT_TRUE(values.front());
  EXPECT_TRUE(values.front()->Equals(Aes("k").data));
  // It is in nobody's way.
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(Loaded().size(), 1U);
  EXPECT_EQ(lab_.store.size(), 2U);
}

}  // namespace
}  // namespace openkeyring
