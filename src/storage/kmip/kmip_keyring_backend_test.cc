// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_keyring_backend.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "testing/kmip_keyring_fixture.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

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

TEST_F(KmipKeyringBackendTest,
       AnObjectThatIsListedAndHasNoAttributesIsUnknown) {
  KmipKeyringBackend backend = KeyringBackend();
  ASSERT_TRUE(backend.Store(Aes("k"), Lab::Soon()).ok());
  Fault fault = MakeFault("fail", "Get Attributes", -1);
  fault.reason = static_cast<uint32_t>(KmipResultReason::kItemNotFound);
  lab_.server().Push(fault);
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.ToString();
  EXPECT_NE(status.message().find("found by Locate and not by Get Attributes"),
            std::string::npos);
  lab_.server().ClearFaults();
  EXPECT_EQ(Loaded().size(), 1U);
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
    Fault fault = MakeFault("fail", operation, -1);
    fault.reason = static_cast<uint32_t>(KmipResultReason::kPermissionDenied);
    lab_.server().Push(fault);
    const Status status = LoadError();
    lab_.server().ClearFaults();
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
  EXPECT_LE(lab_.server().requests() - before, 20);
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
  const Status status = backend.Store(Aes("k"), Lab::In(6000));
  EXPECT_TRUE(status.ok()) << status.ToString();
  // From then on it is passed over.
  const int asked = lab.server(0).requests();
  EXPECT_TRUE(backend.Store(Aes("l"), Lab::Soon()).ok());
  EXPECT_EQ(lab.server(0).requests(), asked);
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
