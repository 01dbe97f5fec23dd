// SPDX-License-Identifier: MIT
// KMIP servers that keep no Application Specific Information: keys are stored
// by their names alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "testing/kmip_keyring_fixture.h"

namespace openkeyring {
namespace {

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

}  // namespace
}  // namespace openkeyring
