// SPDX-License-Identifier: MIT
// The client on fake servers: what a request becomes when servers differ,
// misbehave, or are away.
#include "kmip/client.h"

#include <gtest/gtest.h>

#include <thread>

#include "emulators/kmip/lab.h"
#include "kmip/locate_all.h"
#include "kmip/operations/activate.h"
#include "kmip/operations/create.h"
#include "kmip/operations/destroy.h"
#include "kmip/operations/get.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/locate.h"
#include "kmip/operations/query.h"
#include "kmip/operations/register.h"
#include "kmip/operations/revoke.h"

namespace openkeyring {
namespace {

using kmip_server::Behaviour;
using kmip_server::Fault;
using kmip_server::Lab;
using kmip_server::MakeFault;

KmipObject Key(std::string_view value = "0123456789abcdef") {
  KmipObject object;
  object.value = Secret::CopyOf(value);
  object.algorithm = KmipAlgorithm::kAes;
  object.length = static_cast<int32_t>(8 * value.size());
  return object;
}

KmipAttributes Named(std::string name) {
  KmipAttributes attributes;
  attributes.names = {std::move(name)};
  attributes.usage_mask = kUsageEncrypt | kUsageDecrypt;
  return attributes;
}

// Registers a key of that name; its identifier.
std::string Store(KmipClient& client, std::string name) {
  const KmipObject key = Key();
  const KmipAttributes attributes = Named(std::move(name));
  const KmipChange change =
      client.Change(MakeRegister(key, attributes), Lab::Soon());
  EXPECT_TRUE(change.status.ok()) << change.status.message();
  return change.id;
}

Status GetStatus(KmipClient& client, const std::string& id,
                 Deadline deadline = Lab::Soon()) {
  return client.Ask(MakeGet(id), ReadGet, deadline).status();
}

std::vector<KmipCall> Gets(const std::vector<std::string>& ids) {
  std::vector<KmipCall> calls;
  for (const auto& id : ids) calls.push_back(MakeGet(id));
  return calls;
}

std::vector<std::string> StoreMany(KmipClient& client, int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) {
    ids.push_back(Store(client, "k" + std::to_string(i)));
  }
  return ids;
}

void ExpectAllAnswered(const std::vector<KmipReply>& replies,
                       const std::vector<std::string>& ids) {
  ASSERT_EQ(replies.size(), ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    ASSERT_TRUE(replies[i].status.ok()) << i << replies[i].status.message();
    const auto get = ReadGet(replies[i].payload);
    ASSERT_TRUE(get);
    EXPECT_EQ(get->id, ids[i]);
  }
}

class KmipClientOf : public testing::TestWithParam<KmipVersion> {};

// The life of a key, in every version.
TEST_P(KmipClientOf, StoresFindsReadsAndRemoves) {
  Lab lab;
  Behaviour behaviour;
  behaviour.versions = {GetParam()};
  lab.server().Set(behaviour);
  KmipClient& client = lab.Client();
  const KmipObject key = Key();
  KmipAttributes attributes = Named("name");
  attributes.object_groups = {"group"};
  attributes.application_info = {{"openkeyring", "owner"}};
  attributes.vendor_attributes = {{"x", "owner", "me"}};
  const KmipChange made =
      client.Change(MakeRegister(key, attributes), Lab::Soon());
  ASSERT_TRUE(made.status.ok()) << made.status.message();
  EXPECT_EQ(client.status().version, GetParam().Text());

  EXPECT_TRUE(client.Change(MakeActivate(made.id), Lab::Soon()).status.ok());
  const auto found = LocateAll(client, attributes, 100, Lab::Soon());
  ASSERT_TRUE(found) << found.status().message();
  EXPECT_EQ(*found, std::vector<std::string>{made.id});

  const auto get = client.Ask(MakeGet(made.id), ReadGet, Lab::Soon());
  ASSERT_TRUE(get);
  EXPECT_TRUE(get->object.value.Equals(key.value));
  const auto read = client.Ask(MakeGetAttributes(made.id, {}),
                               ReadGetAttributes, Lab::Soon());
  ASSERT_TRUE(read) << read.status().message();
  EXPECT_EQ(read->state, KmipState::kActive);
  EXPECT_EQ(read->names, attributes.names);
  EXPECT_EQ(read->object_groups, attributes.object_groups);
  EXPECT_EQ(read->application_info, attributes.application_info);
  EXPECT_EQ(read->vendor_attributes, attributes.vendor_attributes);
  const auto some = client.Ask(
      MakeGetAttributes(made.id, {{KmipTag::kState, "", ""},
                                  {KmipTag::kAttribute, "x", "owner"}}),
      ReadGetAttributes, Lab::Soon());
  ASSERT_TRUE(some);
  EXPECT_EQ(some->state, KmipState::kActive);
  EXPECT_EQ(some->vendor_attributes, attributes.vendor_attributes);
  EXPECT_TRUE(some->names.empty());
  EXPECT_EQ(client.Change(MakeDestroy(made.id), Lab::Soon()).status.ok(),
            false);  // It is active.
  EXPECT_TRUE(client.Change(MakeRevoke({made.id, {}, "", {}}), Lab::Soon())
                  .status.ok());
  EXPECT_TRUE(client.Change(MakeDestroy(made.id), Lab::Soon()).status.ok());
  EXPECT_EQ(GetStatus(client, made.id).code(), StatusCode::kNotFound);
  // All over one connection, and at most three for finding the version.
  EXPECT_LE(lab.server().connections(), 4);
}

INSTANTIATE_TEST_SUITE_P(Versions, KmipClientOf,
                         testing::ValuesIn(kKmipVersions), [](const auto& one) {
                           return "V" + std::to_string(one.param.major) +
                                  std::to_string(one.param.minor);
                         });

TEST(KmipClient, CreatesKeysOnTheServer) {
  Lab lab;
  KmipClient& client = lab.Client();
  KmipAttributes attributes = Named("made there");
  attributes.algorithm = KmipAlgorithm::kAes;
  attributes.length = 256;
  const KmipChange made = client.Change(MakeCreate(attributes), Lab::Soon());
  ASSERT_TRUE(made.status.ok());
  const auto get = client.Ask(MakeGet(made.id), ReadGet, Lab::Soon());
  ASSERT_TRUE(get);
  EXPECT_EQ(get->object.value.size(), 32U);
  const auto query = client.Ask(MakeQuery(), ReadQuery, Lab::Soon());
  ASSERT_TRUE(query);
  EXPECT_TRUE(query->Supports(KmipOperation::kCreate));
}

TEST(KmipClient, PrefersVersion14AndTakesWhatIsThere) {
  Lab lab;
  EXPECT_TRUE(lab.Client().Ask(MakeQuery(), ReadQuery, Lab::Soon()));
  EXPECT_EQ(lab.Client().status().version, "");
  KmipClient& client = lab.Client();
  EXPECT_TRUE(client.Ask(MakeQuery(), ReadQuery, Lab::Soon()));
  EXPECT_EQ(client.status().version, "1.4");
}

TEST(KmipClient, AServerThatCutsUnknownVersionsIsUnderstood) {
  Lab lab;
  Behaviour behaviour;
  behaviour.versions = {{2, 1}};
  behaviour.cuts_unknown_versions = true;
  lab.server().Set(behaviour);
  KmipClient& client = lab.Client();
  const auto query = client.Ask(MakeQuery(), ReadQuery, Lab::Soon());
  EXPECT_TRUE(query) << query.status().message();
  EXPECT_EQ(client.status().version, "2.1");
}

TEST(KmipClient, AFixedVersionThatIsNotSpokenIsMisconfigured) {
  Lab lab;
  Behaviour behaviour;
  behaviour.versions = {{1, 2}};
  lab.server().Set(behaviour);
  KmipClientOptions options = lab.ClientOptions();
  options.version = KmipVersion{2, 0};
  const auto query =
      lab.Client(std::move(options)).Ask(MakeQuery(), ReadQuery, Lab::Soon());
  ASSERT_FALSE(query);
  EXPECT_NE(query.error().message().find("2.0 is not supported"),
            std::string::npos);
}

TEST(KmipClient, NoVersionInCommonIsMisconfigured) {
  Lab lab;
  Behaviour behaviour;
  behaviour.versions = {{3, 0}};
  lab.server().Set(behaviour);
  const auto query = lab.Client().Ask(MakeQuery(), ReadQuery, Lab::Soon());
  ASSERT_FALSE(query);
  EXPECT_EQ(query.error().code(), StatusCode::kMisconfigured);
}

TEST(KmipClient, AServerReplacedByAnOlderReleaseIsAskedForItsVersionAgain) {
  Lab lab;
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  Behaviour behaviour;
  behaviour.versions = {{1, 2}, {1, 1}};
  lab.server().Set(behaviour);
  EXPECT_TRUE(GetStatus(client, id).ok());
  EXPECT_EQ(client.status().version, "1.2");
  const CallStatistics seen = client.statistics()->Get();
  EXPECT_EQ(seen.retries, 1u);
  EXPECT_EQ(seen.requests - seen.retries, 2u) << "a Create and a Get";
}

TEST(KmipClient, KeepsItsConnection) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 20);
  for (const auto& id : ids) EXPECT_TRUE(GetStatus(client, id).ok());
  EXPECT_EQ(lab.server().handshakes(), 1);
  EXPECT_EQ(client.status().connections, 1);
  EXPECT_TRUE(client.status().tls.starts_with("TLSv1.3"));
}

TEST(KmipClient, WorksWithTls12) {
  Lab lab(0);
  TlsServerOptions options = lab.ServerOptions();
  options.max_version = 0x0303;
  lab.AddServer(std::move(options));
  KmipClient& client = lab.Client();
  EXPECT_TRUE(client.Ask(MakeQuery(), ReadQuery, Lab::Soon()));
  EXPECT_TRUE(client.status().tls.starts_with("TLSv1.2"));
}

TEST(KmipClient, AnotherCertificatesObjectsAreDeniedAndNotListed) {
  Lab lab;
  const std::string id = Store(lab.Client(), "n");
  KmipClient& other = lab.Client(lab.ClientOptions(), "somebody else");
  EXPECT_EQ(GetStatus(other, id).code(), StatusCode::kDenied);
  EXPECT_TRUE(LocateAll(other, {}, 10, Lab::Soon())->empty());
}

TEST(KmipClient, AConnectionThatTheServerClosedIsOpenedAgain) {
  Lab lab;
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  lab.server().CutAll();
  EXPECT_TRUE(GetStatus(client, id).ok());
  EXPECT_EQ(lab.server().handshakes(), 2);
}

TEST(KmipClient, BatchesGoOutInFewMessages) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 100);
  const int before = lab.server().requests();
  ExpectAllAnswered(client.Call(Gets(ids), Lab::Soon()), ids);
  EXPECT_EQ(lab.server().requests() - before, 2);  // 64 and 36.
}

TEST(KmipClient, EachCallOfABatchHasItsOwnError) {
  Lab lab;
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  const auto replies = client.Call(Gets({id, "object-999", id}), Lab::Soon());
  EXPECT_TRUE(replies[0].status.ok());
  EXPECT_EQ(replies[1].status.code(), StatusCode::kNotFound);
  EXPECT_TRUE(replies[2].status.ok());
}

TEST(KmipClient, NoCallsNoReplies) {
  Lab lab;
  EXPECT_TRUE(lab.Client().Call({}, Lab::Soon()).empty());
}

class KmipBatchQuirk
    : public testing::TestWithParam<std::pair<const char*, Behaviour>> {};

TEST_P(KmipBatchQuirk, EveryCallIsAnswered) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 20);
  lab.server().Set(GetParam().second);
  ExpectAllAnswered(client.Call(Gets(ids), Lab::Soon()), ids);
  ExpectAllAnswered(client.Call(Gets(ids), Lab::Soon()), ids);
}

std::pair<const char*, Behaviour> Quirk(
    const char* name, const std::function<void(Behaviour&)>& set) {
  Behaviour behaviour;
  set(behaviour);
  return {name, behaviour};
}

INSTANTIATE_TEST_SUITE_P(
    Servers, KmipBatchQuirk,
    testing::Values(
        Quirk("NoBatches", [](Behaviour& b) { b.max_batch = 1; }),
        Quirk("SmallBatches", [](Behaviour& b) { b.max_batch = 7; }),
        Quirk("SmallAnswers", [](Behaviour& b) { b.max_response = 1000; }),
        Quirk("NoIds", [](Behaviour& b) { b.omits_batch_ids = true; }),
        Quirk("TooHighCount",
              [](Behaviour& b) { b.exaggerates_batch_count = true; }),
        Quirk("Extensions", [](Behaviour& b) { b.extensions = true; })),
    [](const auto& one) { return std::string(one.param.first); });

TEST(KmipClient, WhatAServerTakesAtOnceIsRemembered) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 16);
  Behaviour behaviour;
  behaviour.max_batch = 4;
  lab.server().Set(behaviour);
  ExpectAllAnswered(client.Call(Gets(ids), Lab::Soon()), ids);
  const int before = lab.server().requests();
  ExpectAllAnswered(client.Call(Gets(ids), Lab::Soon()), ids);
  EXPECT_EQ(lab.server().requests() - before, 4);
}

TEST(KmipClient, AShortBatchIsAskedForTheRest) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 10);
  Fault fault = MakeFault("short_batch", "Get");
  fault.items = 3;
  lab.server().Push(fault);
  ExpectAllAnswered(client.Call(Gets(ids), Lab::Soon()), ids);
}

class KmipReadFault : public testing::TestWithParam<const char*> {};

// A request that changes nothing is sent again.
TEST_P(KmipReadFault, OnceDoesNotMatter) {
  Lab lab;
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  lab.server().Push(MakeFault(GetParam(), "Get"));
  const Status status = GetStatus(client, id);
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST_P(KmipReadFault, AlwaysIsUnavailableAndNeverNotFound) {
  Lab lab;
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  lab.server().Push(MakeFault(GetParam(), "Get", -1));
  const Status status = GetStatus(client, id);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.message();
}

TEST_P(KmipReadFault, OfOneServerIsMadeGoodByAnother) {
  Lab lab(2);
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  lab.server(0).Push(MakeFault(GetParam(), "Get", -1));
  EXPECT_TRUE(GetStatus(client, id).ok());
}

// What changes something is not, when it may have arrived.
TEST_P(KmipReadFault, OfAChangeIsReportedAndNotRepeated) {
  Lab lab(2);
  KmipClient& client = lab.Client();
  Store(client, "first");
  lab.server(0).Push(MakeFault(GetParam(), "Register", -1));
  lab.server(1).Push(MakeFault(GetParam(), "Register", -1));
  const KmipObject key = Key();
  const KmipAttributes attributes = Named("lost");
  const KmipChange change =
      client.Change(MakeRegister(key, attributes), Lab::Soon());
  EXPECT_EQ(change.status.code(), StatusCode::kUnavailable);
  EXPECT_TRUE(change.may_have_happened);
  EXPECT_EQ(lab.server(0).operations().at("Register") +
                lab.server(1).operations()["Register"],
            2);
  // Looking tells: the caller's way out.
  lab.server(0).ClearFaults();
  const auto found = LocateAll(client, attributes, 10, Lab::Soon());
  ASSERT_TRUE(found);
  const bool before = std::string_view(GetParam()).ends_with("_before") ||
                      std::string_view(GetParam()) == "half_close";
  EXPECT_EQ(found->size(),
            before || std::string_view(GetParam()) == "empty" ? 0U : 1U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, KmipReadFault,
                         testing::Values("cut_before", "cut_after",
                                         "reset_after", "half_close",
                                         "oversize", "garbage", "truncate",
                                         "empty", "wrong_operation"),
                         [](const auto& one) {
                           return std::string(one.param);
                         });

TEST(KmipClient, AnAnswerInManySmallPiecesIsRead) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 3);
  lab.server().Push(MakeFault("split", "Get", -1));
  ExpectAllAnswered(client.Call(Gets(ids), Lab::Soon()), ids);
}

TEST(KmipClient, AnswersWithStrangeIdsAreNotTakenForOthers) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 4);
  lab.server().Push(MakeFault("wrong_ids", "Get", 1));
  ExpectAllAnswered(client.Call(Gets(ids), Lab::Soon()), ids);
}

// A server that leaves out batch ids and the first of two answers.
TEST(KmipClient, AValueIsNeverGivenToAnotherKey) {
  Lab lab;
  KmipClient& client = lab.Client();
  const KmipObject one = Key("the value of one"), two = Key("the value of two");
  const std::string ids[] = {
      client.Change(MakeRegister(one, Named("one")), Lab::Soon()).id,
      client.Change(MakeRegister(two, Named("two")), Lab::Soon()).id};
  Behaviour behaviour;
  behaviour.omits_batch_ids = true;
  lab.server().Set(behaviour);
  lab.server().Push(MakeFault("drop_first", "Get"));
  const auto replies = client.Call(Gets({ids[0], ids[1]}), Lab::Soon());
  ASSERT_TRUE(replies[0].status.ok()) << replies[0].status.message();
  EXPECT_TRUE(ReadGet(replies[0].payload)->object.value.Equals(one.value));
  EXPECT_TRUE(ReadGet(replies[1].payload)->object.value.Equals(two.value));
  // The connection with the strange answer is not used any more.
  EXPECT_EQ(lab.server().handshakes(), 2);
}

class KmipWrongObject : public testing::TestWithParam<const char*> {};

// Answers about another object do not count, whatever the operation.
TEST_P(KmipWrongObject, IsUnavailableAndTheConnectionIsDropped) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 2);
  EXPECT_TRUE(client.Change(MakeActivate(ids[1]), Lab::Soon()).status.ok());
  const std::string operation = GetParam();
  KmipCall call = MakeGet(ids[0]);
  if (operation == "Get Attributes") call = MakeGetAttributes(ids[0], {});
  if (operation == "Activate") call = MakeActivate(ids[1]);
  if (operation == "Revoke") call = MakeRevoke({ids[0], {}, "", {}});
  if (operation == "Destroy") call = MakeDestroy(ids[1]);
  lab.server().Push(MakeFault("wrong_objects", operation, -1));
  const auto reply = std::move(client.Call({&call, 1}, Lab::Soon()).front());
  EXPECT_EQ(reply.status.code(), StatusCode::kUnavailable)
      << reply.status.message();
  EXPECT_EQ(reply.may_have_happened, !call.idempotent);
  const int before = lab.server().handshakes();
  lab.server().ClearFaults();
  EXPECT_TRUE(client.Ask(MakeQuery(), ReadQuery, Lab::Soon()));
  EXPECT_EQ(lab.server().handshakes(), before + 1);
}

INSTANTIATE_TEST_SUITE_P(Operations, KmipWrongObject,
                         testing::Values("Get", "Get Attributes", "Activate",
                                         "Revoke", "Destroy"),
                         [](const auto& one) {
                           std::string name = one.param;
                           std::erase(name, ' ');
                           return name;
                         });

TEST(KmipClient, AnswersInEachOthersPlacesAreNotUsed) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 4);
  lab.server().Push(MakeFault("wrong_objects", "Get"));
  ExpectAllAnswered(client.Call(Gets(ids), Lab::Soon()), ids);
  lab.server().Push(MakeFault("wrong_objects", "Get", -1));
  for (const KmipReply& reply : client.Call(Gets(ids), Lab::Soon())) {
    EXPECT_EQ(reply.status.code(), StatusCode::kUnavailable);
  }
}

// The second answer may come with the first, or when the next request is out.
TEST(KmipClient, ASecondAnswerIsNotOneToTheNextRequest) {
  for (const int ms : {0, 20}) {
    Lab lab;
    KmipClient& client = lab.Client();
    const std::string id = Store(client, "n");
    Fault fault = MakeFault("twice", "Locate", 1);
    fault.ms = ms;
    KmipLocateRequest nothing;
    nothing.attributes.names = {"nothing"};
    KmipLocateRequest something;
    something.attributes.names = {"n"};
    for (int round = 0; round < 5; ++round) {
      lab.server().Push(fault);
      (void)client.Ask(MakeLocate(nothing), ReadLocate, Lab::Soon());
      const auto found =
          client.Ask(MakeLocate(something), ReadLocate, Lab::Soon());
      ASSERT_TRUE(found) << found.status().message();
      EXPECT_EQ(found->ids, std::vector<std::string>{id}) << ms;
    }
  }
}

// Which of two answers is the right one is not known.
TEST(KmipClient, AnAnswerWithMoreBehindItIsNotUsed) {
  Lab lab;
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  lab.server().Push(MakeFault("twice", "Get"));
  EXPECT_TRUE(GetStatus(client, id).ok());
  EXPECT_EQ(lab.server().handshakes(), 2);
  EXPECT_EQ(lab.server().operations()["Get"], 2);
  lab.server().Push(MakeFault("twice", "Activate"));
  const KmipChange change = client.Change(MakeActivate(id), Lab::Soon());
  EXPECT_EQ(change.status.code(), StatusCode::kUnavailable);
  EXPECT_TRUE(change.may_have_happened);
}

TEST(KmipClient, PendingIsUnavailable) {
  Lab lab;
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  lab.server().Push(MakeFault("pending", "Get"));
  EXPECT_EQ(GetStatus(client, id).code(), StatusCode::kUnavailable);
}

TEST(KmipClient, AServerThatHangsCostsTheDeadlineAndNoMore) {
  Lab lab;
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  lab.server().Push(MakeFault("hang", "Get", -1));
  const SteadyTime start = SystemClock().Steady();
  const Status status = GetStatus(client, id, Lab::In(300));
  const auto took = SystemClock().Steady() - start;
  EXPECT_EQ(status.code(), StatusCode::kTimeout) << status.message();
  EXPECT_GE(took, Millis(300));
  EXPECT_LT(took, Millis(5000));
}

TEST(KmipClient, AServerThatHangsLeavesTimeForTheNext) {
  Lab lab(2);
  KmipClientOptions options = lab.ClientOptions();
  options.request_timeout = Millis(2000);  // Enough for the one that answers.
  KmipClient& client = lab.Client(std::move(options));
  const std::string id = Store(client, "n");
  lab.server(0).Push(MakeFault("hang", "*", -1));
  EXPECT_TRUE(GetStatus(client, id).ok());
  // And is passed over from now on.
  const int asked = lab.server(0).requests();
  EXPECT_TRUE(GetStatus(client, id).ok());
  EXPECT_EQ(lab.server(0).requests(), asked);
  EXPECT_EQ(client.status().server, lab.ClientOptions().servers[1].Text());
}

TEST(KmipClient, FailsOverWhenAServerStopsAndComesBack) {
  Lab lab(2);
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  EXPECT_EQ(client.status().server, lab.ClientOptions().servers[0].Text());
  lab.server(0).Stop();
  EXPECT_TRUE(GetStatus(client, id).ok());
  EXPECT_EQ(client.status().server, lab.ClientOptions().servers[1].Text());
  EXPECT_NE(lab.log.Text().find("failed"), std::string::npos);
  // Also for changes: what could not be sent was not done.
  Store(client, "another");
  lab.server(0).Start();
  lab.server(1).Stop();
  EXPECT_TRUE(GetStatus(client, id).ok());
  EXPECT_EQ(client.status().server, lab.ClientOptions().servers[0].Text());
}

TEST(KmipClient, NobodyThereIsUnavailableAndNamesAllServers) {
  Lab lab(2);
  KmipClient& client = lab.Client();
  const auto servers = lab.ClientOptions().servers;
  lab.server(0).Stop();
  lab.server(1).Stop();
  const Status status = GetStatus(client, "object-1", Lab::In(3000));
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find(servers[0].Text()), std::string::npos);
  EXPECT_NE(status.message().find(servers[1].Text()), std::string::npos);
  const KmipObject key = Key();
  const KmipAttributes attributes = Named("n");
  const KmipChange change =
      client.Change(MakeRegister(key, attributes), Lab::In(3000));
  EXPECT_EQ(change.status.code(), StatusCode::kUnavailable);
  EXPECT_FALSE(change.may_have_happened);
}

TEST(KmipClient, ManyCallsToNobodyFindThatOutOnce) {
  Lab lab;
  KmipClient& client = lab.Client();
  Store(client, "n");
  lab.server().Push(MakeFault("hang", "*", -1));
  std::vector<std::string> ids(300, "object-1");
  const SteadyTime start = SystemClock().Steady();
  const auto replies = client.Call(Gets(ids), Lab::In(300));
  EXPECT_LT(SystemClock().Steady() - start, Millis(5000));
  for (const auto& reply : replies) {
    EXPECT_EQ(reply.status.code(), StatusCode::kTimeout);
  }
}

TEST(KmipClient, AServerThatIsNotTrustedIsMisconfiguredAndAnotherIsUsed) {
  Lab lab(0);
  TestAuthority stranger(lab.directory.path(), "Stranger");
  TlsServerOptions bad = lab.ServerOptions();
  bad.certificate = stranger.Issue("IP:127.0.0.1");
  lab.AddServer(std::move(bad));
  const Status status = GetStatus(lab.Client(), "object-1");
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
  lab.AddServer(lab.ServerOptions());
  EXPECT_TRUE(lab.Client().Ask(MakeQuery(), ReadQuery, Lab::Soon()));
}

TEST(KmipClient, AClientThatIsNotTrustedIsMisconfigured) {
  Lab lab(0);
  TestAuthority stranger(lab.directory.path(), "Stranger");
  TlsServerOptions options = lab.ServerOptions();
  options.client_ca = stranger.bundle();
  lab.AddServer(std::move(options));
  const Status status = GetStatus(lab.Client(), "object-1");
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
  EXPECT_NE(status.message().find("client certificate"), std::string::npos);
}

TEST(KmipClient, StatisticsCountRequestsAndTellWhetherTheServerAnswers) {
  Lab lab;
  KmipClient& client = lab.Client();
  EXPECT_EQ(client.statistics()->Get().reachable(), std::nullopt);
  const std::string id = Store(client, "n");
  EXPECT_EQ(GetStatus(client, "no such object").code(), StatusCode::kNotFound);
  CallStatistics seen = client.statistics()->Get();
  EXPECT_EQ(seen.requests, 2u);
  EXPECT_EQ(seen.retries, 0u);
  EXPECT_EQ(seen.errors, 0u) << "what a server says is an answer";
  EXPECT_EQ(seen.reachable(), true);
  EXPECT_GT(seen.waited.count(), 0);
  lab.server().Stop();
  EXPECT_FALSE(GetStatus(client, id, Lab::In(2000)).ok());
  seen = client.statistics()->Get();
  EXPECT_EQ(seen.reachable(), false);
  EXPECT_EQ(seen.errors, 1u);
  EXPECT_GE(seen.retries, 1u);
  EXPECT_EQ(seen.requests, 3 + seen.retries);
}

TEST(KmipClient, CountsGoOnInTheNextClient) {
  Lab lab;
  KmipClient& first = lab.Client();
  Store(first, "n");
  KmipClientOptions options = lab.ClientOptions();
  options.statistics = first.statistics();
  Store(lab.Client(std::move(options)), "m");
  EXPECT_EQ(first.statistics()->Get().requests, 2u);
}

// Two servers with different objects.
class KmipSessionTest : public testing::Test {
 protected:
  KmipSessionTest() {
    lab_.AddServer(lab_.ServerOptions(), other_store_);
    client_ = &lab_.Client();
    id_ = Store(*client_, "n");
  }

  kmip_server::Store other_store_;
  Lab lab_;
  KmipClient* client_;
  std::string id_;  // An object of the first server.
};

TEST_F(KmipSessionTest, StaysWithTheServerThatAnsweredFirst) {
  KmipSession session(*client_);
  EXPECT_FALSE(session.server());
  EXPECT_TRUE(session.Ask(MakeGet(id_), ReadGet, Lab::Soon()));
  EXPECT_EQ(session.server(), 0U);
  EXPECT_EQ(session.ServerName(), lab_.ClientOptions().servers[0].Text());
  lab_.server(0).Stop();
  const auto get = session.Ask(MakeGet(id_), ReadGet, Lab::In(2000));
  EXPECT_EQ(get.error().code(), StatusCode::kUnavailable)
      << get.error().message();
  // Another operation uses the other server, which knows nothing of it.
  KmipSession other(*client_);
  EXPECT_EQ(other.Ask(MakeGet(id_), ReadGet, Lab::Soon()).error().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(other.server(), 1U);
}

TEST_F(KmipSessionTest, FailsOverUntilAServerHasAnswered) {
  lab_.server(0).Stop();
  KmipSession session(*client_);
  EXPECT_TRUE(session.Ask(MakeQuery(), ReadQuery, Lab::Soon()));
  EXPECT_EQ(session.server(), 1U);
  lab_.server(0).Start();
  EXPECT_EQ(session.Ask(MakeGet(id_), ReadGet, Lab::Soon()).error().code(),
            StatusCode::kNotFound);
}

TEST_F(KmipSessionTest, StaysWithTheServerThatMayHaveDoneIt) {
  KmipSession session(*client_);
  lab_.server(0).Push(MakeFault("cut_after", "Register"));
  const KmipObject key = Key();
  const KmipAttributes attributes = Named("lost");
  const KmipChange change =
      session.Change(MakeRegister(key, attributes), Lab::Soon());
  EXPECT_TRUE(change.may_have_happened);
  EXPECT_EQ(session.server(), 0U);
  KmipLocateRequest lost;
  lost.attributes = attributes;
  EXPECT_EQ(session.Ask(MakeLocate(lost), ReadLocate, Lab::Soon())->ids.size(),
            1U);
}

TEST_F(KmipSessionTest, BatchesOfOneCallGoToOneServer) {
  KmipClientOptions options = lab_.ClientOptions();
  options.max_batch = 2;
  KmipSession session(lab_.Client(std::move(options)));
  Fault fault = MakeFault("cut_before", "Get", -1);
  fault.skip = 1;
  lab_.server(0).Push(fault);
  const auto replies = session.Call(Gets({id_, id_, id_, id_}), Lab::In(2000));
  EXPECT_TRUE(replies[1].status.ok());
  EXPECT_EQ(replies[2].status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(replies[3].status.code(), StatusCode::kUnavailable);
}

TEST_F(KmipSessionTest, ContinuesOnTheServerOfAnother) {
  KmipSession session(*client_, 1);
  EXPECT_EQ(session.Ask(MakeGet(id_), ReadGet, Lab::Soon()).error().code(),
            StatusCode::kNotFound);
}

TEST(KmipClient, ThatAllConnectionsAreBusyIsNoVerdictOnAServer) {
  Lab lab(2);
  KmipClientOptions options = lab.ClientOptions();
  options.pool.max_in_use = 1;
  options.request_timeout = Millis(20000);
  KmipClient& client = lab.Client(std::move(options));
  const std::string id = Store(client, "n");
  Fault slow = MakeFault("slow", "Get");
  slow.ms = 1000;
  lab.server(0).Push(slow);
  std::jthread first([&] { EXPECT_TRUE(GetStatus(client, id).ok()); });
  while (lab.server(0).operations()["Get"] == 0) {
  }
  const Status status = GetStatus(client, id, Lab::In(50));
  EXPECT_EQ(status.code(), StatusCode::kTimeout);
  EXPECT_NE(status.message().find("all 1 busy"), std::string::npos)
      << status.message();
  first.join();
  EXPECT_TRUE(client.status().last_error.ok());
  EXPECT_TRUE(GetStatus(client, id).ok());
  EXPECT_EQ(client.status().server, lab.ClientOptions().servers[0].Text());
}

TEST(KmipClient, ThatACallerHasLittleTimeIsNoVerdictOnAServer) {
  Lab lab(2);
  KmipClient& client = lab.Client();
  const std::string id = Store(client, "n");
  Fault slow = MakeFault("slow", "Get", 1);
  slow.ms = 300;
  lab.server(0).Push(slow);
  lab.server(1).Push(slow);
  EXPECT_EQ(GetStatus(client, id, Lab::In(100)).code(), StatusCode::kTimeout);
  EXPECT_EQ(lab.log.Text().find("failed"), std::string::npos) << lab.log.Text();
  EXPECT_TRUE(GetStatus(client, id).ok());
  EXPECT_EQ(client.status().server, lab.ClientOptions().servers[0].Text());
}

TEST(KmipNegotiation, AServerThatDoesNotPermitTheQuestionSpeaksItsVersion) {
  for (const uint32_t reason : {0x0CU, 0x01U, 0x100U}) {
    Lab lab;
    Fault denied = MakeFault("fail", "Discover Versions", -1);
    denied.reason = reason;
    lab.server().Push(denied);
    KmipClient& client = lab.Client();
    const auto query = client.Ask(MakeQuery(), ReadQuery, Lab::Soon());
    EXPECT_TRUE(query) << query.status().message();
    EXPECT_EQ(client.status().version, "1.4");
    EXPECT_EQ(lab.server().handshakes(), 1);
  }
}

TEST(KmipNegotiation, IsDoneOverOneConnectionWhereTheServerAllowsIt) {
  Lab lab;
  Behaviour behaviour;
  behaviour.versions = {{2, 0}};
  lab.server().Set(behaviour);
  KmipClient& client = lab.Client();
  EXPECT_TRUE(client.Ask(MakeQuery(), ReadQuery, Lab::Soon()));
  EXPECT_EQ(client.status().version, "2.0");
  EXPECT_EQ(lab.server().handshakes(), 1);
}

TEST(KmipNegotiation, AServerThatClosesOverAVersionCostsOneConnectionEach) {
  Lab lab;
  Behaviour behaviour;
  behaviour.versions = {{2, 0}};
  behaviour.cuts_unknown_versions = true;
  lab.server().Set(behaviour);
  KmipClient& client = lab.Client();
  EXPECT_TRUE(client.Ask(MakeQuery(), ReadQuery, Lab::Soon()));
  EXPECT_LE(lab.server().handshakes(), 7);
}

TEST(KmipClient, ASecretThatComesBackRawHasItsValueAndType) {
  Lab lab;
  KmipClient& client = lab.Client();
  Behaviour behaviour;
  behaviour.raw_secrets = true;
  behaviour.needs_usage_mask = true;
  lab.server().Set(behaviour);
  KmipObject secret;
  secret.type = KmipObjectType::kSecretData;
  secret.format = KmipKeyFormat::kOpaque;
  secret.value = Secret::CopyOf("hush");
  const KmipAttributes attributes = Named("s");
  const KmipChange made =
      client.Change(MakeRegister(secret, attributes), Lab::Soon());
  ASSERT_TRUE(made.status.ok()) << made.status.message();
  const auto get = client.Ask(MakeGet(made.id), ReadGet, Lab::Soon());
  ASSERT_TRUE(get);
  EXPECT_EQ(get->object.value.RevealText(), "hush");
  EXPECT_EQ(get->object.type, KmipObjectType::kSecretData);
}

TEST(KmipClient, ManyThreadsShareFewConnections) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 8);
  std::vector<std::jthread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 10; ++round) {
        const auto get = client.Ask(MakeGet(ids[static_cast<size_t>(i)]),
                                    ReadGet, Lab::Soon());
        if (!get || get->id != ids[static_cast<size_t>(i)]) ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(lab.server().handshakes(), 4);
}

}  // namespace
}  // namespace openkeyring
