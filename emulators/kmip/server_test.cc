// SPDX-License-Identifier: MIT
// The fake server itself: what src/kmip/client_test.cc relies on, and what it
// does not see.
#include "emulators/kmip/server.h"

#include <gtest/gtest.h>

#include "emulators/kmip/control.h"
#include "emulators/kmip/lab.h"
#include "kmip/operations/create.h"
#include "kmip/operations/destroy.h"
#include "kmip/operations/get.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/identified.h"
#include "kmip/operations/locate.h"
#include "kmip/operations/register.h"
#include "kmip/operations/revoke.h"

namespace kmip_server {
namespace {

using openkeyring::KmipAlgorithm;
using openkeyring::KmipCall;
using openkeyring::KmipChange;
using openkeyring::KmipClient;
using openkeyring::KmipState;
using openkeyring::StatusCode;

KmipObject AesKey(size_t bytes) {
  KmipObject object;
  object.value = Secret(bytes);
  object.algorithm = KmipAlgorithm::kAes;
  object.length = static_cast<int32_t>(8 * bytes);
  return object;
}

KmipChange Register(KmipClient& client, const KmipObject& object,
                    const KmipAttributes& attributes) {
  return client.Change(openkeyring::MakeRegister(object, attributes),
                       Lab::Soon());
}

KmipAttributes Read(KmipClient& client, const std::string& id) {
  return client
      .Ask(openkeyring::MakeGetAttributes(id, {}),
           openkeyring::ReadGetAttributes, Lab::Soon())
      .value_or(KmipAttributes());
}

// One control call; its JSON.
Json Ask(Control& control, const std::string& method, const std::string& path,
         const Json& body = Json::object()) {
  emulators::HttpMessage message;
  message.method = method;
  message.path = path;
  message.body = body.dump();
  return Json::parse(control.Handle(message).body);
}

TEST(KmipServer, AnActivationDateInThePastMakesAnObjectActive) {
  Lab lab;
  KmipClient& client = lab.Client();
  KmipAttributes attributes;
  attributes.activation_date = openkeyring::KmipTime(std::chrono::seconds(1));
  const auto active = Register(client, AesKey(16), attributes);
  EXPECT_EQ(Read(client, active.id).state, KmipState::kActive);
  const auto waiting = Register(client, AesKey(16), {});
  EXPECT_EQ(Read(client, waiting.id).state, KmipState::kPreActive);
}

TEST(KmipServer, RevokeNeedsAnActiveObjectUnlessItIsCompromised) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto made = Register(client, AesKey(16), {});
  openkeyring::KmipRevokeRequest revoke;
  revoke.id = made.id;
  EXPECT_EQ(
      client.Change(openkeyring::MakeRevoke(revoke), Lab::Soon()).status.code(),
      StatusCode::kDenied);
  revoke.reason = openkeyring::KmipRevocationReason::kKeyCompromise;
  EXPECT_TRUE(
      client.Change(openkeyring::MakeRevoke(revoke), Lab::Soon()).status.ok());
  EXPECT_EQ(Read(client, made.id).state, KmipState::kCompromised);
}

TEST(KmipServer, StrictServersRefuse) {
  Lab lab;
  KmipClient& client = lab.Client();
  Behaviour behaviour;
  behaviour.strict_lengths = true;
  behaviour.needs_usage_mask = true;
  behaviour.unique_names = true;
  behaviour.no_vendor_attributes = true;
  lab.server().Set(behaviour);
  KmipAttributes good;
  good.names = {"n"};
  good.usage_mask = 12;
  EXPECT_FALSE(Register(client, AesKey(64), good).status.ok());
  EXPECT_FALSE(Register(client, AesKey(16), {}).status.ok());
  KmipAttributes custom = good;
  custom.vendor_attributes = {{"x", "a", "b"}};
  EXPECT_FALSE(Register(client, AesKey(16), custom).status.ok());
  EXPECT_TRUE(Register(client, AesKey(16), good).status.ok());
  EXPECT_FALSE(Register(client, AesKey(16), good).status.ok());
}

TEST(KmipServer, AttributesMayComeBackChanged) {
  Lab lab;
  KmipClient& client = lab.Client();
  Behaviour behaviour;
  behaviour.adds_usage_bits = true;
  behaviour.fewer_attributes = true;
  lab.server().Set(behaviour);
  KmipAttributes attributes;
  attributes.object_groups = {"g"};
  attributes.usage_mask = 12;
  const auto read = Read(client, Register(client, AesKey(16), attributes).id);
  EXPECT_EQ(read.usage_mask, 12 | 0x40);
  EXPECT_TRUE(read.object_groups.empty());
}

TEST(KmipServer, ADestroyedObjectMayBeKeptWithItsName) {
  Lab lab;
  KmipClient& client = lab.Client();
  Behaviour behaviour;
  behaviour.keeps_destroyed = true;
  behaviour.unique_names = true;
  lab.server().Set(behaviour);
  KmipAttributes attributes;
  attributes.names = {"n"};
  const std::string id = Register(client, AesKey(16), attributes).id;
  EXPECT_TRUE(
      client.Change(openkeyring::MakeDestroy(id), Lab::Soon()).status.ok());
  EXPECT_EQ(Read(client, id).state, KmipState::kDestroyed);
  EXPECT_EQ(
      client.Ask(openkeyring::MakeGet(id), openkeyring::ReadGet, Lab::Soon())
          .error()
          .code(),
      StatusCode::kNotFound);
  EXPECT_FALSE(
      client.Change(openkeyring::MakeDestroy(id), Lab::Soon()).status.ok());
  EXPECT_FALSE(Register(client, AesKey(16), attributes).status.ok());
}

TEST(KmipServer, ADeactivationDateTakesEffectWhenItHasCome) {
  Lab lab;
  KmipClient& client = lab.Client();
  Control control(lab.servers);
  KmipAttributes attributes;
  attributes.activation_date = openkeyring::KmipTime(std::chrono::seconds(1));
  const std::string id = Register(client, AesKey(16), attributes).id;
  Ask(control, "POST", "/objects",
      {{"id", id}, {"deactivation_date", 253402300799}});
  EXPECT_EQ(Read(client, id).state, KmipState::kActive);
  Ask(control, "POST", "/objects", {{"id", id}, {"deactivation_date", 2}});
  EXPECT_EQ(Read(client, id).state, KmipState::kDeactivated);
  EXPECT_EQ(Ask(control, "GET", "/objects")["objects"][0]["state"],
            "Deactivated");
  EXPECT_TRUE(
      Ask(control, "POST", "/objects", {{"id", "none"}}).contains("error"));
}

TEST(KmipServer, ApplicationSpecificInformationMayBeDroppedOrRefused) {
  Lab lab;
  KmipClient& client = lab.Client();
  KmipAttributes attributes;
  attributes.application_info = {{"space", "data"}};
  Behaviour behaviour;
  behaviour.drops_application_info = true;
  lab.server().Set(behaviour);
  const auto made = Register(client, AesKey(16), attributes);
  EXPECT_TRUE(Read(client, made.id).application_info.empty());
  behaviour = {};
  behaviour.refuses_application_info = true;
  lab.server().Set(behaviour);
  EXPECT_EQ(Register(client, AesKey(16), attributes).status.code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(Register(client, AesKey(16), {}).status.ok());
}

TEST(KmipServer, LocateByWhatItDoesNotSearchIsRefused) {
  Lab lab;
  KmipClient& client = lab.Client();
  openkeyring::KmipLocateRequest request;
  request.attributes.activation_date =
      openkeyring::KmipTime(std::chrono::seconds(1));
  const auto found = client.Ask(openkeyring::MakeLocate(request),
                                openkeyring::ReadLocate, Lab::Soon());
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message().find("Activation Date"), std::string::npos)
      << found.error().message();
}

TEST(KmipServer, OnlyCreateTellsTheTypeOfWhatItMade) {
  Lab lab;
  KmipClient& client = lab.Client();
  const KmipObject key = AesKey(16);
  KmipAttributes attributes;
  attributes.algorithm = KmipAlgorithm::kAes;
  attributes.length = 128;
  attributes.usage_mask = 12;
  const KmipCall calls[] = {openkeyring::MakeRegister(key, attributes),
                            openkeyring::MakeCreate(attributes)};
  const auto replies = client.Call(calls, Lab::Soon());
  EXPECT_FALSE(replies[0].payload.Find(openkeyring::KmipTag::kObjectType));
  EXPECT_TRUE(replies[1].payload.Find(openkeyring::KmipTag::kObjectType));
}

TEST(KmipServer, AFaultIsSkippedAndCounted) {
  FaultQueue queue;
  queue.Push(*FaultFromJson(
      {{"kind", "slow"}, {"operation", "Get"}, {"skip", 1}, {"count", 2}}));
  EXPECT_FALSE(queue.Take({"Locate"}));
  EXPECT_FALSE(queue.Take({"Get"}));
  EXPECT_TRUE(queue.Take({"Locate", "Get"}));
  EXPECT_TRUE(queue.Take({"Get"}));
  EXPECT_FALSE(queue.Take({"Get"}));
}

TEST(KmipServer, UnknownFaultsAndBehavioursAreRefused) {
  EXPECT_FALSE(FaultFromJson({{"kind", "nonsense"}}));
  EXPECT_FALSE(FaultFromJson({{"kind", "slow"}, {"ms", "long"}}));
  EXPECT_FALSE(FaultFromJson({{"kind", "slow"}, {"other", 1}}));
  Behaviour behaviour;
  EXPECT_FALSE(ChangeBehaviour({{"nonsense", true}}, behaviour).ok());
  EXPECT_FALSE(ChangeBehaviour({{"locate_cap", true}}, behaviour).ok());
  EXPECT_FALSE(ChangeBehaviour({{"versions", {"9.9"}}}, behaviour).ok());
  EXPECT_TRUE(
      ChangeBehaviour({{"versions", {"1.2"}}, {"locate_cap", 3}}, behaviour)
          .ok());
  EXPECT_EQ(behaviour.locate_cap, 3);
  EXPECT_EQ(behaviour.versions.size(), 1U);
}

TEST(KmipServer, TheControlApiReachesEveryServer) {
  Lab lab(2);
  Control control(lab.servers);
  KmipClient& client = lab.Client();
  KmipAttributes attributes;
  attributes.names = {"n"};
  ASSERT_TRUE(Register(client, AesKey(16), attributes).status.ok());
  const Json objects = Ask(control, "GET", "/objects");
  EXPECT_EQ(objects["objects"][0]["names"][0], "n");
  EXPECT_EQ(objects["objects"][0]["owner"], "client");
  EXPECT_EQ(objects.dump().find("value"), std::string::npos);
  EXPECT_EQ(
      Ask(control, "GET", "/counters")["servers"][0]["operations"]["Register"],
      1);
  Ask(control, "POST", "/stop", {{"server", 0U}});
  EXPECT_TRUE(Register(client, AesKey(16), attributes).status.ok());
  EXPECT_EQ(
      Ask(control, "GET", "/counters")["servers"][1]["operations"]["Register"],
      1);
  Ask(control, "POST", "/start", {{"server", 0U}});
  Ask(control, "POST", "/behaviour", {{"unique_names", true}, {"server", 1U}});
  EXPECT_TRUE(lab.server(1).behaviour().unique_names);
  EXPECT_TRUE(
      Ask(control, "POST", "/faults", {{"kind", "no"}}).contains("error"));
  EXPECT_TRUE(Ask(control, "POST", "/cut", {{"server", 7U}}).contains("error"));
  EXPECT_TRUE(Ask(control, "GET", "/nowhere").contains("error"));
}

}  // namespace
}  // namespace kmip_server
