// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_versioned_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "emulators/kmip/lab.h"
#include "kmip/operations/activate.h"
#include "kmip/operations/register.h"
#include "storage/kmip/mariadb_key_identity.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using kmip_server::Behaviour;
using kmip_server::Fault;
using kmip_server::Lab;
using kmip_server::MakeFault;

class KmipVersionedBackendTest : public testing::Test {
 protected:
  std::unique_ptr<KmipVersionedBackend> KeyringBackend(
      std::string group = "g", Clock& clock = SystemClock()) {
    KmipGroupOptions options;
    options.object_group = std::move(group);
    const std::lock_guard lock(groups_mutex_);
    groups_.push_back(std::make_unique<KmipGroup>(client_, PosixFileSystem(),
                                                  SystemRandom(), lab_.log,
                                                  std::move(options)));
    return std::make_unique<KmipVersionedBackend>(
        client_, *groups_.back(), clock, SystemRandom(), lab_.log,
        KmipVersionedBackend::Options{100, [] { return Millis(5000); }});
  }
  std::vector<KeyVersion> Listed(std::string group = "g") {
    auto keys = KeyringBackend(std::move(group))->List();
    EXPECT_TRUE(keys) << keys.error().ToString();
    if (!keys) return {};
    std::sort(keys->begin(), keys->end());
    return *keys;
  }
  Status Create(KeyVersion key, size_t bytes = 32) {
    return KeyringBackend()->Create(key, bytes, Lab::Soon());
  }
  std::string Value(KeyVersion key) {
    auto value = KeyringBackend()->Fetch(key, Lab::Soon());
    EXPECT_TRUE(value) << value.error().ToString();
    return value ? std::string(value->RevealText()) : "";
  }
  std::string IdOf(KeyVersion key) {
    KmipObjects objects(session_, lab_.log);
    const auto found =
        objects.Find("openkeyring-mariadb/g/" + std::to_string(key.id) + "/" +
                         std::to_string(key.version),
                     "g", KmipObjectType::kSymmetricKey, Lab::Soon());
    EXPECT_EQ(found->size(), 1U);
    return *found->front().unique_identifier;
  }

  Lab lab_;
  KmipClient& client_ = lab_.Client();
  KmipSession session_{client_};
  std::mutex groups_mutex_;
  std::vector<std::unique_ptr<KmipGroup>> groups_;
};

TEST_F(KmipVersionedBackendTest, KeysAreMadeByTheServerAndComeBack) {
  for (const size_t bytes : {16, 24, 32}) {
    const KeyVersion key = {static_cast<uint32_t>(bytes), 1};
    ASSERT_TRUE(Create(key, bytes).ok());
    EXPECT_EQ(Value(key).size(), bytes);
    EXPECT_EQ(Value(key), Value(key));
  }
  EXPECT_EQ(lab_.server().operations()["Create"], 3);
  EXPECT_EQ(Listed(), (std::vector<KeyVersion>{{16, 1}, {24, 1}, {32, 1}}));
  EXPECT_TRUE(Listed("another group").empty());
}

TEST_F(KmipVersionedBackendTest, WhatWasMadeIsReadBackWithoutAnotherList) {
  const auto backend = KeyringBackend();
  ASSERT_TRUE(backend->List());
  ASSERT_TRUE(backend->Create({1, 1}, 32, Lab::Soon()).ok());
  const auto before = lab_.server().operations()["Locate"];
  const auto value = backend->Fetch({1, 1}, Lab::Soon());
  ASSERT_TRUE(value) << value.error().ToString();
  EXPECT_EQ(value->RevealText(), Value({1, 1}));
  EXPECT_EQ(backend->List()->size(), 1u);
  EXPECT_EQ(lab_.server().operations()["Get"], 2);
  ASSERT_TRUE(backend->Create({1, 2}, 32, Lab::Soon()).ok());
  const auto made = lab_.server().operations()["Locate"];
  ASSERT_TRUE(backend->Fetch({1, 2}, Lab::Soon()));
  EXPECT_EQ(lab_.server().operations()["Locate"], made);
  EXPECT_GT(made, before);
}

TEST_F(KmipVersionedBackendTest, AVersionIsMadeOnce) {
  ASSERT_TRUE(Create({1, 1}).ok());
  const std::string value = Value({1, 1});
  EXPECT_EQ(Create({1, 1}).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Value({1, 1}), value);
  EXPECT_EQ(lab_.store.size(), 1U);
}

TEST_F(KmipVersionedBackendTest,
       WhatIsNotThereIsNotFoundOnlyWhenTheServerSaysSo) {
  EXPECT_EQ(KeyringBackend()->Fetch({1, 1}, Lab::Soon()).status().code(),
            StatusCode::kNotFound);
  lab_.server().Stop();
  EXPECT_TRUE(
      KeyringBackend()->Fetch({1, 1}, Lab::In(1000)).status().IsTransient());
  EXPECT_TRUE(KeyringBackend()->List().status().IsTransient());
  EXPECT_TRUE(
      KeyringBackend()->Create({1, 1}, 16, Lab::In(1000)).IsTransient());
}

TEST_F(KmipVersionedBackendTest,
       ARevokedVersionIsReadWithAWarningAndNotMadeAgain) {
  ASSERT_TRUE(Create({1, 1}).ok());
  const std::string value = Value({1, 1}), id = IdOf({1, 1});
  KmipObjects objects(session_, lab_.log);
  lab_.server().Push(MakeFault("fail", "Destroy"));
  ASSERT_TRUE(
      objects.Retire(id, KmipObjectType::kSymmetricKey, Lab::Soon()).ok());
  EXPECT_EQ(Listed(), (std::vector<KeyVersion>{{1, 1}}));
  auto backend = KeyringBackend();
  ASSERT_TRUE(backend->List());
  EXPECT_EQ(backend->Fetch({1, 1}, Lab::Soon())->RevealText(), value);
  EXPECT_NE(lab_.log.Text().find("rotate the key"), std::string::npos);
  EXPECT_EQ(Create({1, 1}).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(lab_.store.size(), 1U);
}

TEST_F(KmipVersionedBackendTest, AnIdentityThatCannotBeReadFailsTheList) {
  for (const char* data :
       {"", "2;1;1;n", "1;0;1;n", "1;1;0;n", "1;1;1;", "1;1;1", "1;01;1;n",
        "1;1;4294967295;n", "1;4294967296;1;n", "1;-1;1;n", "1;1;1x;n"}) {
    KmipObject object;
    object.value = Secret::CopyOf("0123456789abcdef");
    object.algorithm = KmipAlgorithm::kAes;
    KmipAttributes attributes;
    attributes.object_groups = {"g"};
    attributes.application_info = {{"openkeyring-mariadb", data}};
    const KmipChange change =
        client_.Change(MakeRegister(object, attributes), Lab::Soon());
    ASSERT_TRUE(
        client_.Change(MakeActivate(change.id), Lab::Soon()).status.ok());
    const Status status = KeyringBackend()->List().status();
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << data;
    EXPECT_NE(status.message().find(change.id), std::string::npos);
    KmipObjects objects(session_, lab_.log);
    ASSERT_TRUE(objects.Retire(change.id, object.type, Lab::Soon()).ok());
  }
}

TEST_F(KmipVersionedBackendTest, TwoValuesOfOneVersionAreCorrupt) {
  for (const char* value : {"0123456789abcdef", "another value..."}) {
    KmipObject object;
    object.value = Secret::CopyOf(value);
    object.algorithm = KmipAlgorithm::kAes;
    KmipAttributes attributes;
    attributes.object_groups = {"g"};
    attributes.names = {"openkeyring-mariadb/g/1/1"};
    attributes.application_info = {WriteMariaDbKeyIdentity({{1, 1}, value})};
    const KmipChange change =
        client_.Change(MakeRegister(object, attributes), Lab::Soon());
    ASSERT_TRUE(
        client_.Change(MakeActivate(change.id), Lab::Soon()).status.ok());
  }
  const Status status = KeyringBackend()->Fetch({1, 1}, Lab::Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_NE(status.message().find("duplicate"), std::string::npos);
}

TEST_F(KmipVersionedBackendTest, AFailedAttemptThatIsRememberedIsNoVersion) {
  Behaviour behaviour;
  behaviour.unique_names = behaviour.keeps_destroyed = true;
  lab_.server().Set(behaviour);
  lab_.server().Push(MakeFault("fail", "Activate"));
  EXPECT_FALSE(Create({1, 1}).ok());
  EXPECT_EQ(lab_.store.size(), 1U);
  EXPECT_TRUE(Listed().empty());
  // Its name is taken.
  const Status status = Create({1, 1});
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Listed(), (std::vector<KeyVersion>{{1, 1}}));
  EXPECT_EQ(Value({1, 1}).size(), 32U);
  EXPECT_EQ(Create({1, 1}).code(), StatusCode::kAlreadyExists);
}

TEST_F(KmipVersionedBackendTest, WhatAnEarlierLifeLeftIsToldAndDestroyed) {
  lab_.server().Push(MakeFault("fail", "Activate"));
  lab_.server().Push(MakeFault("fail", "Destroy"));
  EXPECT_FALSE(Create({1, 1}).ok());
  ASSERT_EQ(lab_.store.size(), 1U);
  for (const int minutes : {9, 11}) {
    const size_t said = lab_.log.Text().size();
    ClockAhead clock(minutes);
    const auto backend = KeyringBackend("g", clock);
    ASSERT_TRUE(backend->List());
    EXPECT_NE(lab_.log.Text().find("left by stores that failed", said),
              std::string::npos);
    const size_t before = lab_.store.size();
    ASSERT_TRUE(
        backend->Create({2, static_cast<uint32_t>(minutes)}, 32, Lab::Soon())
            .ok());
    // Younger ones may be of somebody who is at it.
    EXPECT_EQ(lab_.store.size(), before + (minutes == 9 ? 1 : 0));
  }
}

TEST_F(KmipVersionedBackendTest, WhatIsBeingMadeIsNotTakenForALeftover) {
  const auto backend = KeyringBackend();
  ASSERT_TRUE(backend->List());
  lab_.server().Push(MakeFault("fail", "Activate"));
  lab_.server().Push(MakeFault("fail", "Destroy"));
  EXPECT_FALSE(Create({1, 1}).ok());
  ASSERT_TRUE(backend->List());
  EXPECT_EQ(lab_.log.Text().find("left by stores that failed"),
            std::string::npos);
}

TEST_F(KmipVersionedBackendTest, ADestroyedVersionThatIsRememberedStaysTaken) {
  Behaviour behaviour;
  behaviour.keeps_destroyed = true;
  lab_.server().Set(behaviour);
  ASSERT_TRUE(Create({1, 1}).ok());
  KmipObjects objects(session_, lab_.log);
  ASSERT_TRUE(
      objects.Retire(IdOf({1, 1}), KmipObjectType::kSymmetricKey, Lab::Soon())
          .ok());
  EXPECT_EQ(Listed(), (std::vector<KeyVersion>{{1, 1}}));
  EXPECT_EQ(Create({1, 1}).code(), StatusCode::kAlreadyExists);
  const Status status = KeyringBackend()->Fetch({1, 1}, Lab::Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
}

TEST_F(KmipVersionedBackendTest, AServerThatForgetsIdentitiesIsRefused) {
  for (const auto member : {&Behaviour::drops_application_info,
                            &Behaviour::refuses_application_info}) {
    Behaviour behaviour;
    behaviour.*member = true;
    lab_.server().Set(behaviour);
    const Status status = Create({1, 1});
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.code(), StatusCode::kNotFound);
    EXPECT_EQ(lab_.store.size(), 0U);
  }
}

TEST_F(KmipVersionedBackendTest, AnObjectThatIsAnotherKeyNowIsNotRead) {
  ASSERT_TRUE(Create({1, 1}).ok());
  auto backend = KeyringBackend();
  ASSERT_TRUE(backend->List());
  lab_.store.With(IdOf({1, 1}), "client", [](auto& stored) {
    stored.attributes.application_info = {
        WriteMariaDbKeyIdentity({{2, 1}, "0011223344556677"})};
  });
  EXPECT_EQ(backend->Fetch({1, 1}, Lab::Soon()).status().code(),
            StatusCode::kUnavailable);
}

class KmipVersionedBackendCut
    : public KmipVersionedBackendTest,
      public testing::WithParamInterface<
          std::tuple<const char*, const char*, bool>> {};

TEST_P(KmipVersionedBackendCut, AVersionIsMadeOnceOrNotAtAll) {
  const auto [kind, operation, unique] = GetParam();
  Behaviour behaviour;
  behaviour.unique_names = unique;
  lab_.server().Set(behaviour);
  for (const int count : {1, 2, 20}) {
    const KeyVersion key = {static_cast<uint32_t>(count), 1};
    lab_.server().Push(MakeFault(kind, operation, count));
    const Status status = KeyringBackend()->Create(key, 16, Lab::In(3000));
    EXPECT_NE(status.code(), StatusCode::kNotFound);
    lab_.server().ClearFaults();
    if (!status.ok()) {
      const Status again = Create(key);
      EXPECT_TRUE(again.ok() || again.code() == StatusCode::kAlreadyExists)
          << again.ToString();
    }
    EXPECT_EQ(Value(key), Value(key));
    const auto listed = Listed();
    EXPECT_EQ(std::count(listed.begin(), listed.end(), key), 1)
        << operation << count;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Steps, KmipVersionedBackendCut,
    testing::Combine(testing::Values("cut_before", "cut_after"),
                     testing::Values("Create", "Activate", "Get Attributes",
                                     "Locate", "Destroy"),
                     testing::Bool()));

TEST_F(KmipVersionedBackendTest, AStoredKeyKeepsItsValueAndItsVersion) {
  const Secret value = Secret::CopyOf("sixteen bytes. 1");
  const Secret other = Secret::CopyOf("sixteen bytes. 2");
  ASSERT_TRUE(KeyringBackend()->Store({3, 2}, value, Lab::Soon()).ok());
  EXPECT_EQ(Value({3, 2}), "sixteen bytes. 1");
  EXPECT_EQ(Listed(), (std::vector<KeyVersion>{{3, 2}}));
  EXPECT_EQ(KeyringBackend()->Store({3, 2}, other, Lab::Soon()).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(Value({3, 2}), "sixteen bytes. 1");
  EXPECT_EQ(lab_.server().operations()["Create"], 0);
}

TEST_F(KmipVersionedBackendTest, OnlyAnAesKeyIsStored) {
  const Secret odd = Secret::CopyOf("not an AES key");
  const auto backend = KeyringBackend();
  EXPECT_EQ(backend->Store({3, 1}, odd, Lab::Soon()).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(lab_.server().operations()["Register"], 0);
}

TEST_F(KmipVersionedBackendTest, AStoreWithoutAnswerIsNoKeyAndNoSecondOne) {
  const Secret value = Secret::CopyOf("sixteen bytes. 1");
  for (const char* cut : {"cut_before", "cut_after"}) {
    const KeyVersion key = {std::string(cut) == "cut_before" ? 1U : 2U, 1};
    lab_.server().Push(MakeFault(cut, "Register"));
    const Status status = KeyringBackend()->Store(key, value, Lab::Soon());
    if (!status.ok()) {
      EXPECT_TRUE(status.IsTransient()) << status.ToString();
      const Status again = KeyringBackend()->Store(key, value, Lab::Soon());
      EXPECT_TRUE(again.ok() || again.code() == StatusCode::kAlreadyExists)
          << again.ToString();
    }
    EXPECT_EQ(Value(key), "sixteen bytes. 1");
  }
  EXPECT_EQ(Listed(), (std::vector<KeyVersion>{{1, 1}, {2, 1}}));
}

TEST_F(KmipVersionedBackendTest, ManyThatMakeOneVersionAtOnceHaveOneKey) {
  for (uint32_t id = 1; id <= 5; ++id) {
    std::vector<std::thread> threads;
    std::vector<Status> outcomes(4);
    for (auto& outcome : outcomes) {
      threads.emplace_back([&, id] { outcome = Create({id, 1}); });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(IdOf({id, 1}), IdOf({id, 1}));
    EXPECT_EQ(Value({id, 1}), Value({id, 1}));
    for (const Status& status : outcomes) {
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kAlreadyExists)
          << status.ToString();
    }
    EXPECT_LE(std::count_if(outcomes.begin(), outcomes.end(),
                            [](const Status& s) { return s.ok(); }),
              1);
  }
}

// Whoever has seen a version uses it at once.
TEST_F(KmipVersionedBackendTest, WhatOneHasReadIsNotGivenUpByItsMaker) {
  for (uint32_t id = 1; id <= 20; ++id) {
    std::vector<std::thread> threads;
    std::vector<std::string> read(4);
    for (auto& value : read) {
      threads.emplace_back([&, id] {
        const auto backend = KeyringBackend();
        (void)backend->Create({id, 1}, 32, Lab::Soon());
        const auto key = backend->Fetch({id, 1}, Lab::Soon());
        if (key) value = std::string(key->RevealText());
      });
    }
    for (auto& thread : threads) thread.join();
    const std::string value = Value({id, 1});
    for (const std::string& one : read) {
      EXPECT_TRUE(one.empty() || one == value) << "key " << id << " is lost";
    }
  }
}

}  // namespace
}  // namespace openkeyring
