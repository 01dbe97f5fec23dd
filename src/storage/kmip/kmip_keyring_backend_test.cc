// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_keyring_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <set>
#include <thread>

#include "emulators/kmip/lab.h"
#include "kmip/operations/activate.h"
#include "kmip/operations/register.h"
#include "kmip/operations/revoke.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using kmip_server::Behaviour;
using kmip_server::Fault;
using kmip_server::Lab;
using kmip_server::MakeFault;

Key MakeKey(std::string data_id, std::string auth_id, std::string type,
            std::string_view data) {
  return {{std::move(data_id), std::move(auth_id)},
          std::move(type),
          Secret::CopyOf(data)};
}

Key Aes(std::string data_id, std::string auth_id = "") {
  return MakeKey(std::move(data_id), std::move(auth_id), "AES",
                 "0123456789abcdef0123456789abcdef");
}

class KmipKeyringBackendTest : public testing::Test {
 protected:
  KmipKeyringBackend KeyringBackend(KmipKeyringOptions options = {},
                                    std::string group = "") {
    return KmipKeyringBackend(client_, Group(std::move(group)), SystemClock(),
                              SystemRandom(), lab_.log, std::move(options));
  }
  KmipGroup& Group(std::string group = "") {
    KmipGroupOptions options;
    options.object_group = std::move(group);
    groups_.push_back(std::make_unique<KmipGroup>(client_, PosixFileSystem(),
                                                  SystemRandom(), lab_.log,
                                                  std::move(options)));
    return *groups_.back();
  }
  // What a fresh backend loads: "data_id|auth_id|type|data", sorted.
  std::vector<std::string> Loaded(KmipKeyringOptions options = {},
                                  std::string group = "") {
    KmipKeyringBackend backend =
        KeyringBackend(std::move(options), std::move(group));
    Result<std::vector<Key>> keys = backend.Load(Lab::Soon());
    EXPECT_TRUE(keys) << keys.error().ToString();
    return keys ? Texts(*keys) : std::vector<std::string>{"failed"};
  }
  static std::string Text(const Key& key) {
    return key.name.data_id + "|" + key.name.auth_id + "|" + key.type + "|" +
           std::string(key.data.RevealText());
  }
  static std::vector<std::string> Texts(const std::vector<Key>& keys) {
    std::vector<std::string> texts;
    for (const Key& key : keys) texts.push_back(Text(key));
    std::sort(texts.begin(), texts.end());
    return texts;
  }
  Status LoadError(KmipKeyringOptions options = {}) {
    KmipKeyringBackend backend = KeyringBackend(std::move(options));
    return backend.Load(Lab::Soon()).status();
  }
  // As Percona's component registers it.
  std::string RegisterAsPercona(const std::string& name, KmipObjectType type,
                                std::string_view value, bool activate = true,
                                const std::string& group = "") {
    KmipObject object;
    object.type = type;
    object.value = Secret::CopyOf(value);
    KmipAttributes attributes;
    if (!name.empty()) attributes.names = {name};
    if (!group.empty()) attributes.object_groups = {group};
    attributes.usage_mask = 0x0C;
    if (type == KmipObjectType::kSymmetricKey) {
      object.algorithm = attributes.algorithm = KmipAlgorithm::kAes;
      object.length = attributes.length = static_cast<int>(value.size() * 8);
    } else {
      object.format = KmipKeyFormat::kOpaque;
    }
    return RegisterAs(object, attributes, activate);
  }
  std::string RegisterAs(const KmipObject& object,
                         const KmipAttributes& attributes,
                         bool activate = true) {
    const KmipChange change =
        client_.Change(MakeRegister(object, attributes), Lab::Soon());
    EXPECT_TRUE(change.status.ok()) << change.status.ToString();
    if (activate) Do(MakeActivate(change.id));
    return change.id;
  }
  void Do(const KmipCall& call) {
    const KmipChange change = client_.Change(call, Lab::Soon());
    EXPECT_TRUE(change.status.ok()) << change.status.ToString();
  }
  void Revoke(const std::string& id) {
    KmipRevokeRequest request;
    request.id = id;
    Do(MakeRevoke(request));
  }
  void Set(bool Behaviour::*member) {
    Behaviour behaviour;
    behaviour.*member = true;
    lab_.server().Set(behaviour);
  }

  Lab lab_;
  KmipClient& client_ = lab_.Client();
  KmipSession session_{client_};
  std::vector<std::unique_ptr<KmipGroup>> groups_;
};

TEST_F(KmipKeyringBackendTest, OwnersAndTypesAndLengthsComeBack) {
  KmipKeyringBackend backend = KeyringBackend();
  EXPECT_TRUE(backend.Load(Lab::Soon())->empty());
  const std::string long_value(kMaxKeyBytes, 'x');
  std::vector<std::string> stored;
  const Key keys[] = {
      Aes("INNODBKey-1"),
      Aes("k", "root@localhost"),
      Aes("k", "app@%"),
      MakeKey("k", "", "SECRET", std::string_view("a pass\0word", 11)),
      MakeKey("odd", "", "AES", "seventeen bytes.."),
      MakeKey("short", "", "AES", "sixteen bytes..."),
      MakeKey("rsa", "me@here", "RSA", "1"),
      MakeKey("typed; strangely/100%", "a;b", "x;y", "data"),
      MakeKey("long", "", "SECRET", long_value)};
  for (const Key& key : keys) {
    Status status = backend.Store(key, Lab::Soon());
    EXPECT_TRUE(status.ok()) << status.ToString();
    stored.push_back(Text(key));
  }
  std::sort(stored.begin(), stored.end());
  EXPECT_EQ(Loaded(), stored);
}

TEST_F(KmipKeyringBackendTest, AnEmptyValueIsRefusedBeforeTheServerIsAsked) {
  const Status status =
      KeyringBackend().Store(MakeKey("empty", "", "SECRET", ""), Lab::Soon());
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("holds no empty value"), std::string::npos);
}

TEST_F(KmipKeyringBackendTest, AKeyWithoutOwnerIsCalledAsPerconaCallsIt) {
  ASSERT_TRUE(KeyringBackend().Store(Aes("INNODBKey-1"), Lab::Soon()).ok());
  KmipObjects objects(session_, lab_.log);
  const auto found = objects.Find("INNODBKey-1", "",
                                  KmipObjectType::kSymmetricKey, Lab::Soon());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), 1U);
}

TEST_F(KmipKeyringBackendTest, PerconasObjectsAreRead) {
  RegisterAsPercona("k1", KmipObjectType::kSymmetricKey, "0123456789abcdef");
  RegisterAsPercona("s1", KmipObjectType::kSecretData, "a secret");
  EXPECT_EQ(Loaded(), (std::vector<std::string>{"k1||AES|0123456789abcdef",
                                                "s1||SECRET|a secret"}));
}

TEST_F(KmipKeyringBackendTest, PerconasPreActiveKeysAreReadWithAWarning) {
  RegisterAsPercona("k1", KmipObjectType::kSymmetricKey, "0123456789abcdef",
                    /*activate=*/false);
  EXPECT_EQ(Loaded().size(), 1U);
  EXPECT_NE(lab_.log.Text().find("Pre-Active"), std::string::npos);
  KmipKeyringOptions options;
  options.activate_pre_active = true;
  EXPECT_EQ(Loaded(options).size(), 1U);
  KmipObjects objects(session_, lab_.log);
  const auto found =
      objects.Find("k1", "", KmipObjectType::kSymmetricKey, Lab::Soon());
  EXPECT_EQ(found->front().state, KmipState::kActive);
}

TEST_F(KmipKeyringBackendTest, WhatIsNoKeyOrNoLongerOneIsPassedOverAndCounted) {
  RegisterAsPercona("", KmipObjectType::kSymmetricKey, "0123456789abcdef");
  const std::string gone = RegisterAsPercona(
      "gone", KmipObjectType::kSymmetricKey, "0123456789abcdef");
  lab_.server().Push(MakeFault("fail", "Destroy"));
  KmipObjects objects(session_, lab_.log);
  ASSERT_TRUE(
      objects.Retire(gone, KmipObjectType::kSymmetricKey, Lab::Soon()).ok());
  KmipObject other;
  other.value = Secret::CopyOf("012345678901234567890123");
  other.algorithm = KmipAlgorithm::kTripleDes;
  KmipAttributes attributes;
  attributes.names = {"of another algorithm"};
  attributes.algorithm = KmipAlgorithm::kTripleDes;
  RegisterAs(other, attributes);
  attributes = {};
  attributes.names = {"of another product"};
  attributes.application_info = {{"openkeyring-mariadb", "1;1"}};
  other.algorithm = attributes.algorithm = KmipAlgorithm::kAes;
  RegisterAs(other, attributes);
  RegisterAsPercona("k", KmipObjectType::kSymmetricKey, "0123456789abcdef");
  EXPECT_EQ(Loaded(), (std::vector<std::string>{"k||AES|0123456789abcdef"}));
  const std::string text = lab_.log.Text();
  EXPECT_NE(text.find("1 removed or destroyed"), std::string::npos) << text;
  EXPECT_NE(text.find("3 that are not MySQL keys"), std::string::npos) << text;
}

TEST_F(KmipKeyringBackendTest, AnIdentityOfOursThatCannotBeReadFailsTheLoad) {
  for (const char* data : {"2;AES;k;;n", "1;AES;k;", "1;AES;;;n", "1;AES;k;;",
                           "1;AES;%6B;;n", "1;AES;k;;n;more", ""}) {
    KmipObject object;
    object.value = Secret::CopyOf("0123456789abcdef");
    object.algorithm = KmipAlgorithm::kAes;
    KmipAttributes attributes;
    attributes.names = {"k"};
    attributes.application_info = {{"openkeyring-mysql", data}};
    const std::string id = RegisterAs(object, attributes);
    for (const bool deactivated : {false, true}) {
      if (deactivated) Revoke(id);
      const Status status = LoadError();
      EXPECT_EQ(status.code(), StatusCode::kCorrupt) << data << deactivated;
      EXPECT_NE(status.message().find('"' + id + '"'), std::string::npos);
    }
    lab_.store.Forget(id);
  }
}

TEST_F(KmipKeyringBackendTest, OfTwoGroupsEachHasItsOwn) {
  KmipKeyringBackend one = KeyringBackend({}, "one"),
                     two = KeyringBackend({}, "two");
  ASSERT_TRUE(one.Store(MakeKey("k", "", "SECRET", "1"), Lab::Soon()).ok());
  ASSERT_TRUE(two.Store(MakeKey("k", "", "SECRET", "2"), Lab::Soon()).ok());
  EXPECT_EQ(Loaded({}, "one"), (std::vector<std::string>{"k||SECRET|1"}));
  EXPECT_EQ(Loaded({}, "two"), (std::vector<std::string>{"k||SECRET|2"}));
}

TEST_F(KmipKeyringBackendTest, TwoValuesOfOneKeyFailTheLoadAndEqualOnesDoNot) {
  const auto type = KmipObjectType::kSymmetricKey;
  RegisterAsPercona("k", type, "0123456789abcdef");
  RegisterAsPercona("k", type, "0123456789abcdef");
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_EQ(backend.Load(Lab::Soon())->size(), 1U);
  const std::string other = RegisterAsPercona("k", type, "another value...");
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_NE(status.message().find('"' + other + '"'), std::string::npos);
  KmipObjects objects(session_, lab_.log);
  ASSERT_TRUE(objects.Retire(other, type, Lab::Soon()).ok());
  // Both copies go.
  ASSERT_TRUE(backend.Remove({"k", ""}, Lab::Soon()).ok());
  EXPECT_TRUE(Loaded().empty());
}

TEST_F(KmipKeyringBackendTest, ARemovedKeyIsGoneFromTheServer) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k", "o@h"), Lab::Soon()).ok());
  ASSERT_TRUE(backend.Remove({"k", "o@h"}, Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 0U);
  ASSERT_TRUE(backend.Store(Aes("k", "o@h"), Lab::Soon()).ok());
  EXPECT_EQ(Loaded().size(), 1U);
}

TEST_F(KmipKeyringBackendTest, ARemovalThatTheServerRefusesFails) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  Fault fault = MakeFault("fail", "Revoke");
  fault.reason = static_cast<uint32_t>(KmipResultReason::kPermissionDenied);
  lab_.server().Push(fault);
  const Status status = backend.Remove({"k", ""}, Lab::Soon());
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("key \"k\""), std::string::npos);
  EXPECT_EQ(Loaded().size(), 1U);
  EXPECT_TRUE(backend.Remove({"k", ""}, Lab::Soon()).ok());
  EXPECT_TRUE(Loaded().empty());
}

TEST_F(KmipKeyringBackendTest, AKeyThatIsRevokedAndNotDestroyedIsRemoved) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  Fault fault = MakeFault("fail", "Destroy");
  fault.reason = static_cast<uint32_t>(KmipResultReason::kPermissionDenied);
  lab_.server().Push(fault);
  EXPECT_TRUE(backend.Remove({"k", ""}, Lab::Soon()).ok());
  EXPECT_NE(lab_.log.Text().find("did not destroy it"), std::string::npos);
  EXPECT_TRUE(Loaded().empty());
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

TEST_F(KmipKeyringBackendTest, AnObjectThatIsGoneWhenItIsAskedForIsNoError) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  ASSERT_TRUE(backend.Store(MakeKey("s", "", "SECRET", "1"), Lab::Soon()).ok());
  ASSERT_TRUE(backend.Store(Aes("l"), Lab::Soon()).ok());
  // Removed between Locate and Get Attributes.
  lab_.server().Push(MakeFault("vanish", "Get Attributes"));
  EXPECT_EQ(Loaded(), std::vector<std::string>{"s||SECRET|1"});
  ASSERT_TRUE(backend.Store(Aes("m"), Lab::Soon()).ok());
  Fault fault = MakeFault("fail", "Get");
  fault.reason = static_cast<uint32_t>(KmipResultReason::kItemNotFound);
  lab_.server().Push(fault);
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("disappeared"), std::string::npos);
}

TEST_F(KmipKeyringBackendTest, AnObjectWithoutAValueIsNamedAsSuch) {
  ASSERT_TRUE(KeyringBackend().Store(Aes("k"), Lab::Soon()).ok());
  Fault fault = MakeFault("fail", "Get");
  fault.reason = static_cast<uint32_t>(KmipResultReason::kKeyValueNotPresent);
  lab_.server().Push(fault);
  const Status status = LoadError();
  EXPECT_NE(status.message().find("metadata only"), std::string::npos)
      << status.ToString();
}

TEST_F(KmipKeyringBackendTest, ADeactivatedKeyIsLoadedWithAWarning) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k", "o@h"), Lab::Soon()).ok());
  Revoke("object-1");
  Revoke(RegisterAsPercona("p", KmipObjectType::kSymmetricKey,
                           "0123456789abcdef"));
  EXPECT_EQ(Loaded().size(), 2U);
  EXPECT_NE(lab_.log.Text().find("2 keys are deactivated"), std::string::npos);
  // The row is of the last load.
  const auto count = [&] {
    for (const auto& [name, value] : backend.Describe()) {
      if (name == "Deactivated_keys") return value;
    }
    return std::string("no such row");
  };
  EXPECT_EQ(count(), "0");
  ASSERT_TRUE(backend.Load(Lab::Soon()));
  EXPECT_EQ(count(), "2");
  // Nobody makes another in its place.
  EXPECT_EQ(KeyringBackend().Store(Aes("k", "o@h"), Lab::Soon()).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(lab_.store.size(), 2U);
  // Removing it is possible.
  KmipKeyringBackend again = KeyringBackend();
  ASSERT_TRUE(again.Load(Lab::Soon()));
  ASSERT_TRUE(again.Remove({"k", "o@h"}, Lab::Soon()).ok());
  EXPECT_EQ(Loaded().size(), 1U);
}

TEST_F(KmipKeyringBackendTest, ADeactivatedKeyThatCannotBeReadIsNotReplaced) {
  const auto type = KmipObjectType::kSymmetricKey;
  Revoke(RegisterAsPercona("k", type, "0123456789abcdef"));
  Fault fault = MakeFault("fail", "Get");
  fault.reason = static_cast<uint32_t>(KmipResultReason::kPermissionDenied);
  lab_.server().Push(fault);
  KmipKeyringBackend backend = KeyringBackend();
  EXPECT_TRUE(backend.Load(Lab::Soon())->empty());
  EXPECT_NE(lab_.log.Text().find("no key is made in its place"),
            std::string::npos);
  EXPECT_EQ(backend.Store(Aes("k"), Lab::Soon()).code(), StatusCode::kDenied);
  // Neither one whose value cannot be told.
  Revoke(RegisterAsPercona("k", type, "another value..."));
  KmipKeyringBackend again = KeyringBackend();
  EXPECT_TRUE(again.Load(Lab::Soon())->empty());
  EXPECT_EQ(again.Store(Aes("k"), Lab::Soon()).code(), StatusCode::kDenied);
  EXPECT_EQ(lab_.store.size(), 2U);
}

TEST_F(KmipKeyringBackendTest, AnActiveKeyIsPreferredToDeactivatedOnes) {
  const auto type = KmipObjectType::kSymmetricKey;
  Revoke(RegisterAsPercona("k", type, "another value..."));
  RegisterAsPercona("k", type, "0123456789abcdef");
  EXPECT_EQ(Loaded(), std::vector<std::string>{"k||AES|0123456789abcdef"});
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

TEST_F(KmipKeyringBackendTest, AnIdentityThatIsRefusedIsLeftOutWhereNamesDo) {
  Fault fault = MakeFault("fail", "Register", 2);
  fault.reason = static_cast<uint32_t>(
      KmipResultReason::kApplicationNamespaceNotSupported);
  lab_.server().Push(fault);
  KmipKeyringBackend backend = KeyringBackend();
  const Status status = backend.Store(Aes("k"), Lab::Soon());
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_NE(lab_.log.Text().find("by their names alone"), std::string::npos);
  const std::pair<std::string, std::string> row = {
      "Application_specific_information", "No"};
  const auto rows = backend.Describe();
  EXPECT_EQ(std::ranges::count(rows, row), 1);
  EXPECT_EQ(Loaded().size(), 1U);
  fault.count = 3;
  lab_.server().Push(fault);
  const Status refused = backend.Store(Aes("k", "o@h"), Lab::Soon());
  EXPECT_EQ(refused.code(), StatusCode::kMisconfigured);
  lab_.server().ClearFaults();
  EXPECT_EQ(lab_.store.size(), 1U);
}

class KmipKeyringBackendWithoutInfo
    : public KmipKeyringBackendTest,
      public testing::WithParamInterface<bool Behaviour::*> {};

TEST_P(KmipKeyringBackendWithoutInfo, KeysThatNamesDoForAreStoredAllTheSame) {
  Set(GetParam());
  KmipKeyringBackend backend = KeyringBackend();
  std::vector<std::string> stored;
  const Key keys[] = {Aes("k"), Aes("l"),
                      MakeKey("s", "", "SECRET", "a secret")};
  for (const Key& key : keys) {
    const Status status = backend.Store(key, Lab::Soon());
    EXPECT_TRUE(status.ok()) << status.ToString();
    stored.push_back(Text(key));
  }
  EXPECT_EQ(Loaded(), stored);
  EXPECT_NE(lab_.log.Text().find("by their names alone"), std::string::npos);
  // What the name does not say would be lost.
  const Key others[] = {Aes("k", "o@h"), MakeKey("t", "", "DSA", "x"),
                        MakeKey("u", "", "AES", "seventeen bytes..")};
  for (const Key& key : others) {
    const Status status = backend.Store(key, Lab::Soon());
    EXPECT_FALSE(status.ok()) << key.name.data_id;
    EXPECT_NE(status.code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Loaded(), stored);
  // And there is one of each.
  EXPECT_EQ(KeyringBackend().Store(Aes("k"), Lab::Soon()).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(lab_.store.size(), 3U);
}

TEST_P(KmipKeyringBackendWithoutInfo, AnObjectWhoseAnswerWasLostIsFound) {
  Set(GetParam());
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("first"), Lab::Soon()).ok());
  lab_.server().Push(MakeFault("cut_after", "Register"));
  const Status status = backend.Store(Aes("k"), Lab::Soon());
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(lab_.store.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(All, KmipKeyringBackendWithoutInfo,
                         testing::Values(&Behaviour::refuses_application_info,
                                         &Behaviour::drops_application_info));

// A name that nobody else can have does not say which key it is.
TEST_P(KmipKeyringBackendWithoutInfo,
       AKeyWhoseNameIsTakenIsNotStoredUnderAnother) {
  Behaviour behaviour;
  behaviour.unique_names = behaviour.keeps_destroyed = true;
  behaviour.*GetParam() = true;
  lab_.server().Set(behaviour);
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  ASSERT_TRUE(backend.Remove({"k", ""}, Lab::Soon()).ok());
  const std::vector<std::string> other = {Text(Aes("other"))};
  ASSERT_TRUE(backend.Store(Aes("other"), Lab::Soon()).ok());
  for (KmipKeyringBackend& one :
       std::array<KmipKeyringBackend, 2>{KeyringBackend(), KeyringBackend()}) {
    const Status status = one.Store(Aes("k"), Lab::Soon());
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.code(), StatusCode::kAlreadyExists);
    EXPECT_EQ(Loaded(), other) << status.ToString();
  }
  const Status status = backend.Store(Aes("k"), Lab::Soon());
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("the name \"k\" is held by"),
            std::string::npos)
      << status.message();
  EXPECT_EQ(Loaded(), other);
}

TEST_F(KmipKeyringBackendTest,
       AnObjectThatIsListedAndHasNoAttributesIsUnknown) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  Fault fault = MakeFault("fail", "Get Attributes");
  fault.reason = static_cast<uint32_t>(KmipResultReason::kItemNotFound);
  lab_.server().Push(fault);
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.ToString();
  EXPECT_NE(status.message().find("found by Locate and not by Get Attributes"),
            std::string::npos);
  EXPECT_EQ(Loaded().size(), 1U);
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

TEST_F(KmipKeyringBackendTest, DestroyedObjectsDoNotCountAgainstTheLimit) {
  Set(&Behaviour::keeps_destroyed);
  KmipKeyringOptions options;
  options.max_objects = 2;
  KmipKeyringBackend backend = KeyringBackend(options);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
    ASSERT_TRUE(backend.Remove({"k", ""}, Lab::Soon()).ok());
  }
  EXPECT_TRUE(Loaded(options).empty());
}

TEST_F(KmipKeyringBackendTest, AKeyWhoseDeactivationDateHasComeIsLoaded) {
  KmipObject object;
  object.value = Secret::CopyOf("0123456789abcdef");
  object.algorithm = KmipAlgorithm::kAes;
  KmipAttributes attributes;
  attributes.names = {"k"};
  attributes.deactivation_date = std::chrono::floor<std::chrono::seconds>(
      SystemClock().Now() - std::chrono::hours(1));
  RegisterAs(object, attributes);
  EXPECT_EQ(Loaded(), std::vector<std::string>{"k||AES|0123456789abcdef"});
  EXPECT_NE(lab_.log.Text().find("deactivated"), std::string::npos);
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

TEST_F(KmipKeyringBackendTest, AnObjectThatIsAnotherKeyNowIsNotRetired) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  // As on a server that was restored with other identifiers.
  lab_.store.With("object-1", "client", [](auto& stored) {
    stored.attributes.application_info = {
        {"openkeyring-mysql", "1;AES;other;;0011223344556677"}};
  });
  EXPECT_FALSE(backend.Remove({"k", ""}, Lab::Soon()).ok());
  EXPECT_EQ(Loaded().size(), 1U);
}

TEST_F(KmipKeyringBackendTest, WhatAnEarlierLifeLeftIsToldAndDestroyed) {
  lab_.server().Push(MakeFault("fail", "Activate"));
  lab_.server().Push(MakeFault("fail", "Destroy"));
  EXPECT_FALSE(KeyringBackend().Store(Aes("k"), Lab::Soon()).ok());
  for (const int minutes : {9, 11}) {
    ClockAhead clock(minutes);
    KmipKeyringBackend backend(client_, Group(), clock, SystemRandom(),
                               lab_.log, {});
    ASSERT_TRUE(backend.Load(Lab::Soon()));
    EXPECT_NE(lab_.log.Text().find("left by stores that failed"),
              std::string::npos);
    const size_t before = lab_.store.size();
    ASSERT_TRUE(backend.Store(Aes(std::to_string(minutes)), Lab::Soon()).ok());
    // Younger ones may be of somebody who is at it.
    EXPECT_EQ(lab_.store.size(), before + (minutes == 9 ? 1 : 0));
  }
}

TEST_F(KmipKeyringBackendTest, AReadOnlyKeyringActivatesNothing) {
  RegisterAsPercona("k", KmipObjectType::kSymmetricKey, "0123456789abcdef",
                    /*activate=*/false);
  KmipKeyringOptions options;
  options.activate_pre_active = options.read_only = true;
  EXPECT_EQ(Loaded(options).size(), 1U);
  EXPECT_EQ(lab_.server().operations()["Activate"], 0);
  EXPECT_NE(lab_.log.Text().find("because of read_only"), std::string::npos);
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

TEST_F(KmipKeyringBackendTest,
       WhereRemovedObjectsCannotBeMarkedTheyAreDestroyed) {
  Set(&Behaviour::drops_application_info);
  KmipKeyringBackend backend = KeyringBackend();
  lab_.server().Push(MakeFault("fail", "Get", 1));
  Fault refusal = MakeFault("fail", "Add Attribute", -1);
  refusal.reason = static_cast<uint32_t>(KmipResultReason::kInvalidField);
  lab_.server().Push(refusal);
  EXPECT_FALSE(backend.Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 0U);
  // Or where the server says that it marks them, and does not.
  lab_.server().ClearFaults();
  lab_.server().Push(MakeFault("fail", "Get", 1));
  EXPECT_FALSE(backend.Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(lab_.store.size(), 0U);
}

TEST_F(KmipKeyringBackendTest, ADeadServerIsUnavailableNotEmpty) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  lab_.server().Stop();
  const Status load = KeyringBackend().Load(Lab::In(2000)).status();
  EXPECT_TRUE(load.IsTransient()) << load.ToString();
  const Status store = backend.Store(Aes("other"), Lab::In(2000));
  EXPECT_TRUE(store.IsTransient()) << store.ToString();
  const Status removal = backend.Remove({"k", ""}, Lab::In(2000));
  EXPECT_TRUE(removal.IsTransient()) << removal.ToString();
  lab_.server().Start();
  EXPECT_EQ(Loaded().size(), 1U);
}

TEST_F(KmipKeyringBackendTest, AKeyThatCannotBeReadFailsTheLoadAndIsNamed) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  for (const char* operation : {"Get", "Get Attributes"}) {
    Fault fault = MakeFault("fail", operation);
    fault.reason = static_cast<uint32_t>(KmipResultReason::kPermissionDenied);
    lab_.server().Push(fault);
    const Status status = LoadError();
    EXPECT_EQ(status.code(), StatusCode::kDenied) << operation;
    EXPECT_NE(status.message().find("KMIP object"), std::string::npos);
  }
}

TEST_F(KmipKeyringBackendTest, MoreObjectsThanAllowedFailTheLoad) {
  KmipKeyringBackend backend = KeyringBackend();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(backend.Store(Aes(std::to_string(i)), Lab::Soon()).ok());
  }
  KmipKeyringOptions options;
  options.max_objects = 2;
  EXPECT_FALSE(LoadError(options).ok());
}

TEST_F(KmipKeyringBackendTest, ManyKeysTakeFewMessages) {
  for (int i = 0; i < 200; ++i) {
    RegisterAsPercona("k" + std::to_string(i), KmipObjectType::kSymmetricKey,
                      "0123456789abcdef");
  }
  const int before = lab_.server().requests();
  EXPECT_EQ(Loaded().size(), 200U);
  EXPECT_LE(lab_.server().requests() - before, 14);
}

TEST(KmipKeyringBackendStandby, AFirstServerThatHangsLeavesTimeForTheSecond) {
  Lab lab(2);
  KmipClient& client = lab.Client();
  KmipGroupOptions options;
  options.note_path = lab.directory.path() + "/note";
  KmipGroup group(client, PosixFileSystem(), SystemRandom(), lab.log, options);
  KmipKeyringBackend backend(client, group, SystemClock(), SystemRandom(),
                             lab.log, {});
  ASSERT_TRUE(backend.Load(Lab::Soon()));
  lab.server(0).Push(MakeFault("hang", "*", -1));
  const Status status = backend.Store(Aes("k"), Lab::In(3000));
  EXPECT_TRUE(status.ok()) << status.ToString();
  // From then on it is passed over.
  EXPECT_TRUE(backend.Store(Aes("l"), Lab::In(1000)).ok());
  EXPECT_EQ(backend.Load(Lab::Soon())->size(), 2U);
}

class KmipKeyringBackendVersions : public testing::TestWithParam<KmipVersion> {
};

TEST_P(KmipKeyringBackendVersions, EveryVersionKeepsAKeyWhole) {
  Lab lab;
  KmipClientOptions options = lab.ClientOptions();
  options.version = GetParam();
  KmipClient& client = lab.Client(options);
  KmipGroup group(client, PosixFileSystem(), SystemRandom(), lab.log,
                  {"g", "", std::nullopt});
  KmipKeyringBackend backend(client, group, SystemClock(), SystemRandom(),
                             lab.log, {});
  ASSERT_TRUE(backend.Store(Aes("k", "o@h"), Lab::Soon()).ok());
  ASSERT_TRUE(backend.Store(MakeKey("s", "", "SECRET", "x"), Lab::Soon()).ok());
  KmipKeyringBackend again(client, group, SystemClock(), SystemRandom(),
                           lab.log, {});
  auto keys = again.Load(Lab::Soon());
  ASSERT_TRUE(keys) << keys.error().ToString();
  ASSERT_EQ(keys->size(), 2U);
  EXPECT_EQ(keys->front().name, (KeyName{"k", "o@h"}));
  ASSERT_TRUE(again.Remove({"k", "o@h"}, Lab::Soon()).ok());
  EXPECT_EQ(lab.store.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, KmipKeyringBackendVersions,
                         testing::ValuesIn(kKmipVersions));

}  // namespace
}  // namespace openkeyring
