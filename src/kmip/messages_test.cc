// SPDX-License-Identifier: MIT
#include "kmip/messages.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "kmip/operations/create.h"
#include "kmip/operations/destroy.h"
#include "kmip/operations/get.h"
#include "kmip/operations/identified.h"
#include "testing/ttlv_dump.h"

namespace openkeyring {
namespace {

std::string Request(KmipVersion version, std::span<const KmipCall> calls) {
  return HexEncode(
      WriteKmipRequest({version, 0, std::nullopt}, calls).RevealBytes());
}

// KMIP 1.0 test cases, section 3.1.1 ("Create / Destroy").
TEST(KmipMessages, CreateIsTheOneOfTheTestCases) {
  KmipAttributes attributes;
  attributes.algorithm = KmipAlgorithm::kAes;
  attributes.length = 128;
  attributes.usage_mask = kUsageEncrypt | kUsageDecrypt;
  const KmipCall call = MakeCreate(attributes);
  EXPECT_EQ(
      Request({1, 0}, {&call, 1}),
      "42007801000001204200770100000038420069010000002042006a0200000004"
      "000000010000000042006b0200000004000000000000000042000d0200000004"
      "000000010000000042000f01000000d842005c05000000040000000100000000"
      "42007901000000c0420057050000000400000002000000004200910100"
      "0000a8420008010000003042000a070000001743727970746f677261706869632041"
      "6c676f726974686d0042000b05000000040000000300000000420008010000003042"
      "000a070000001443727970746f67726170686963204c656e6774680000000042000b"
      "02000000040000008000000000420008010000003042000a07000000184372797074"
      "6f67726170686963205573616765204d61736b42000b02000000040000000c000000"
      "00");
}

TEST(KmipMessages, DestroyIsTheOneOfTheTestCases) {
  const KmipCall call = MakeDestroy("fb4b5b9c-6188-4c63-8142-fe9c328129fc");
  EXPECT_EQ(Request({1, 0}, {&call, 1}),
            "42007801000000904200770100000038420069010000002042006a02000000040"
            "00000010000000042006b0200000004000000000000000042000d020000000400"
            "0000010000000042000f010000004842005c05000000040000001400000000420"
            "0790100000030420094070000002466623462356239632d363138382d34633633"
            "2d383134322d66653963333238313239666300000000");
}

TEST(KmipMessages, ABatchIsNumberedOrderedAndContinues) {
  const KmipCall calls[] = {MakeGet("a"), MakeGet("b")};
  const Secret request = WriteKmipRequest({{1, 2}, 4096, 0x0102}, calls);
  EXPECT_TRUE(CheckTtlv(request.RevealBytes()).ok());
  EXPECT_EQ(DumpTtlv(request.RevealBytes()),
            "RequestMessage\n"
            "  RequestHeader\n"
            "    ProtocolVersion\n"
            "      ProtocolVersionMajor Integer 1\n"
            "      ProtocolVersionMinor Integer 2\n"
            "    MaximumResponseSize Integer 4096\n"
            "    BatchErrorContinuationOption Enum 1\n"
            "    BatchOrderOption Boolean true\n"
            "    BatchCount Integer 2\n"
            "  BatchItem\n"
            "    Operation Enum Get\n"
            "    UniqueBatchItemID Bytes 00000102\n"
            "    RequestPayload\n"
            "      UniqueIdentifier Text \"a\"\n"
            "  BatchItem\n"
            "    Operation Enum Get\n"
            "    UniqueBatchItemID Bytes 00000103\n"
            "    RequestPayload\n"
            "      UniqueIdentifier Text \"b\"\n");
}

// A response as servers write it; `items` writes the batch items.
Secret Response(const std::function<void(TtlvWriter&)>& items,
                int32_t count = 1) {
  TtlvWriter writer;
  {
    const TtlvStructure message(writer, KmipTag::kResponseMessage);
    {
      const TtlvStructure header(writer, KmipTag::kResponseHeader);
      {
        const TtlvStructure version(writer, KmipTag::kProtocolVersion);
        writer.Integer(KmipTag::kProtocolVersionMajor, 1);
        writer.Integer(KmipTag::kProtocolVersionMinor, 4);
      }
      writer.DateTime(KmipTag::kTimeStamp, KmipTime());
      writer.Integer(KmipTag::kBatchCount, count);
    }
    items(writer);
  }
  return writer.Finish();
}

TEST(KmipMessages, AResponseIsReadWithAllItsItems) {
  const Secret bytes = Response([](TtlvWriter& writer) {
    const TtlvStructure item(writer, KmipTag::kBatchItem);
    writer.Enumeration(KmipTag::kOperation, KmipOperation::kGet);
    writer.ByteString(KmipTag::kUniqueBatchItemID,
                      AsBytes(std::string_view("\0\0\0\x02", 4)));
    writer.Enumeration(KmipTag::kResultStatus, KmipResultStatus::kSuccess);
    const TtlvStructure payload(writer, KmipTag::kResponsePayload);
    writer.Text(KmipTag::kUniqueIdentifier, "id");
  });
  const auto response = ReadKmipResponse(bytes.RevealBytes());
  ASSERT_TRUE(response) << response.status().message();
  EXPECT_EQ(response->version, (KmipVersion{1, 4}));
  ASSERT_EQ(response->items.size(), 1U);
  const KmipResponseItem& item = response->items.front();
  EXPECT_EQ(item.operation, KmipOperation::kGet);
  ASSERT_TRUE(item.batch_item);
  EXPECT_EQ(item.batch_item->size(), 4U);
  EXPECT_TRUE(KmipItemStatus(KmipOperation::kGet, item).ok());
  EXPECT_TRUE(item.payload.Find(KmipTag::kUniqueIdentifier));
}

TEST(KmipMessages, TheBatchCountIsNotBelieved) {
  const Secret bytes = Response(
      [](TtlvWriter& writer) {
        const TtlvStructure item(writer, KmipTag::kBatchItem);
        writer.Enumeration(KmipTag::kResultStatus, KmipResultStatus::kSuccess);
      },
      3);
  const auto response = ReadKmipResponse(bytes.RevealBytes());
  ASSERT_TRUE(response);
  EXPECT_EQ(response->items.size(), 1U);
}

TEST(KmipMessages, WhatIsNoResponseIsCorrupt) {
  const KmipCall call = MakeGet("a");
  const Secret request =
      WriteKmipRequest({{1, 4}, 0, std::nullopt}, {&call, 1});
  EXPECT_EQ(ReadKmipResponse(request.RevealBytes()).error().code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(ReadKmipResponse({}).error().code(), StatusCode::kCorrupt);
  const Secret bytes = Response([](TtlvWriter& writer) {
    const TtlvStructure item(writer, KmipTag::kBatchItem);
    writer.Enumeration(KmipTag::kOperation, KmipOperation::kGet);
  });
  const auto response = ReadKmipResponse(bytes.RevealBytes());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().message(), "KMIP: ResultStatus is missing");
}

// An item of a response; what is empty is left out.
struct Answer {
  std::string batch_item;
  std::optional<KmipOperation> operation = KmipOperation::kGet;
  std::string object_id;
  bool failed = false;
};

void Write(TtlvWriter& writer, const Answer& answer) {
  const TtlvStructure item(writer, KmipTag::kBatchItem);
  if (answer.operation) {
    writer.Enumeration(KmipTag::kOperation, *answer.operation);
  }
  if (!answer.batch_item.empty()) {
    writer.ByteString(KmipTag::kUniqueBatchItemID, AsBytes(answer.batch_item));
  }
  writer.Enumeration(KmipTag::kResultStatus,
                     answer.failed ? KmipResultStatus::kOperationFailed
                                   : KmipResultStatus::kSuccess);
  const TtlvStructure payload(writer, KmipTag::kResponsePayload);
  if (!answer.object_id.empty()) {
    writer.Text(KmipTag::kUniqueIdentifier, answer.object_id);
  }
}

struct Matched {
  KmipFit fit;
  std::vector<std::string> ids;  // In the calls' order.
};

// What these answers are to a Get of each of `asked`; items count from 7.
Matched MatchOf(const std::vector<std::string>& asked,
                const std::vector<Answer>& answers) {
  std::vector<KmipCall> calls;
  for (const std::string& id : asked) calls.push_back(MakeGet(id));
  const Secret bytes = Response([&](TtlvWriter& writer) {
    for (const Answer& answer : answers) Write(writer, answer);
  });
  auto response = ReadKmipResponse(bytes.RevealBytes());
  Matched found;
  found.fit = MatchKmipResponse({{1, 4}, 0, 7}, calls, *response);
  for (const KmipResponseItem& item : response->items) {
    found.ids.push_back(ReadKmipIdentifier(item.payload).value_or(""));
  }
  return found;
}

std::string ItemId(uint8_t number) {
  return {'\0', '\0', '\0', static_cast<char>(number)};
}

TEST(KmipFit, AnswersComeIntoTheOrderOfTheCalls) {
  const auto get = KmipOperation::kGet;
  const Matched in_order =
      MatchOf({"a", "b"}, {{ItemId(7), get, "a"}, {ItemId(8), get, "b"}});
  EXPECT_EQ(in_order.fit, KmipFit::kAnswers);
  const Matched turned =
      MatchOf({"a", "b"}, {{ItemId(8), get, "b"}, {ItemId(7), get, "a"}});
  EXPECT_EQ(turned.fit, KmipFit::kAnswers);
  EXPECT_EQ(turned.ids, (std::vector<std::string>{"a", "b"}));
}

TEST(KmipFit, WithoutIdsTheOrderCounts) {
  EXPECT_EQ(MatchOf({"a", "b"}, {{"", {}, "a"}, {"", {}, "b"}}).fit,
            KmipFit::kAnswers);
  // An error has no identifier.
  EXPECT_EQ(MatchOf({"a", "b"}, {{"", {}, "", true}, {"", {}, "b"}}).fit,
            KmipFit::kAnswers);
}

TEST(KmipFit, AnAnswerAboutAnotherObjectIsForeign) {
  const auto get = KmipOperation::kGet;
  EXPECT_EQ(MatchOf({"a"}, {{"", get, "b"}}).fit, KmipFit::kForeign);
  EXPECT_EQ(MatchOf({"a"}, {{ItemId(7), get, "b"}}).fit, KmipFit::kForeign);
  EXPECT_EQ(MatchOf({"a"}, {{ItemId(7), get, ""}}).fit, KmipFit::kForeign);
  EXPECT_EQ(MatchOf({"a", "b"}, {{"", get, "b"}, {"", get, "a"}}).fit,
            KmipFit::kForeign);
  EXPECT_EQ(
      MatchOf({"a", "b"}, {{ItemId(7), get, "b"}, {ItemId(8), get, "a"}}).fit,
      KmipFit::kForeign);
}

TEST(KmipFit, AnAnswerToAnotherRequestIsForeign) {
  const auto get = KmipOperation::kGet;
  EXPECT_EQ(MatchOf({"a"}, {{ItemId(6), get, "a"}}).fit, KmipFit::kForeign);
  EXPECT_EQ(MatchOf({"a"}, {{ItemId(8), get, "a"}}).fit, KmipFit::kForeign);
  EXPECT_EQ(MatchOf({"a"}, {{"7", get, "a"}}).fit, KmipFit::kForeign);
  EXPECT_EQ(MatchOf({"a"}, {{"", KmipOperation::kDestroy, "a"}}).fit,
            KmipFit::kForeign);
}

TEST(KmipFit, TwoAnswersToOneCallAreForeign) {
  const auto get = KmipOperation::kGet;
  EXPECT_EQ(
      MatchOf({"a", "b"}, {{ItemId(7), get, "a"}, {ItemId(7), get, "a"}}).fit,
      KmipFit::kForeign);
  EXPECT_EQ(MatchOf({"a"}, {{"", get, "a"}, {"", get, "a"}}).fit,
            KmipFit::kForeign);
}

TEST(KmipFit, AMissingAnswerMakesThePlacesOfTheOthersUnknown) {
  EXPECT_EQ(MatchOf({"a", "b"}, {{"", {}, "b"}}).fit, KmipFit::kPartial);
  EXPECT_EQ(MatchOf({"a"}, {}).fit, KmipFit::kPartial);
}

TEST(KmipFit, OneFailureForSeveralCallsIsARefusalOfAll) {
  EXPECT_EQ(MatchOf({"a", "b"}, {{"", {}, "", true}}).fit, KmipFit::kRefusal);
  EXPECT_EQ(MatchOf({"a"}, {{"", {}, "", true}}).fit, KmipFit::kAnswers);
}

TEST(KmipQuoted, ControlCharactersAndLengthDoNotReachALog) {
  EXPECT_EQ(KmipQuoted("a-1"), "\"a-1\"");
  EXPECT_EQ(KmipQuoted("a\n\"b\\\xff"), "\"a\\x0a\\x22b\\x5c\\xff\"");
  EXPECT_EQ(KmipQuoted(std::string(100000, 'x')).size(), 128U + 5);
}

KmipResponseItem Failure(std::optional<KmipResultReason> reason,
                         std::string message = "") {
  KmipResponseItem item;
  item.operation = KmipOperation::kGet;
  item.status = KmipResultStatus::kOperationFailed;
  item.reason = reason;
  item.message = std::move(message);
  return item;
}

TEST(KmipItemStatus, NotFoundOnlyAboutAnObjectThatWasAskedFor) {
  const KmipResponseItem failure = Failure(KmipResultReason::kItemNotFound);
  for (const auto operation :
       {KmipOperation::kGet, KmipOperation::kGetAttributes,
        KmipOperation::kActivate, KmipOperation::kRevoke,
        KmipOperation::kDestroy}) {
    EXPECT_EQ(KmipItemStatus(operation, failure).code(), StatusCode::kNotFound);
  }
  for (const auto operation :
       {KmipOperation::kLocate, KmipOperation::kCreate, KmipOperation::kQuery,
        KmipOperation::kRegister, KmipOperation::kDiscoverVersions}) {
    EXPECT_EQ(KmipItemStatus(operation, failure).code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(KmipItemStatus, ReasonsBecomeCodesThatAServerCanActOn) {
  using enum KmipResultReason;
  const std::pair<KmipResultReason, StatusCode> cases[] = {
      {kPermissionDenied, StatusCode::kDenied},
      {kAuthenticationNotSuccessful, StatusCode::kDenied},
      {kNotExtractable, StatusCode::kDenied},
      {kObjectAlreadyExists, StatusCode::kAlreadyExists},
      {kNonUniqueNameAttribute, StatusCode::kAlreadyExists},
      {kOperationNotSupported, StatusCode::kMisconfigured},
      {kUnsupportedProtocolVersion, StatusCode::kMisconfigured},
      {kGeneralFailure, StatusCode::kUnavailable},
      {kInternalServerError, StatusCode::kUnavailable},
      {kInvalidField, StatusCode::kInvalidArgument},
      {kWrongKeyLifecycleState, StatusCode::kInvalidArgument},
      {static_cast<KmipResultReason>(0x80000001), StatusCode::kInvalidArgument},
  };
  for (const auto& [reason, code] : cases) {
    EXPECT_EQ(KmipItemStatus(KmipOperation::kGet, Failure(reason)).code(), code)
        << KmipName(reason);
  }
  EXPECT_EQ(KmipItemStatus(KmipOperation::kGet, Failure(std::nullopt)).code(),
            StatusCode::kUnavailable);
}

TEST(KmipItemStatus, TheTextIsTheServersMadePrintableAndShort) {
  const auto status =
      KmipItemStatus(KmipOperation::kGet,
                     Failure(KmipResultReason::kPermissionDenied, "no\nway"));
  EXPECT_EQ(status.message(), "KMIP Get: Permission Denied: no?way");
  const auto long_one = KmipItemStatus(
      KmipOperation::kGet,
      Failure(KmipResultReason::kPermissionDenied, std::string(100000, 'x')));
  EXPECT_LT(long_one.message().size(), 400U);
}

TEST(KmipItemStatus, PendingIsNotSuccess) {
  KmipResponseItem item = Failure(std::nullopt);
  item.status = KmipResultStatus::kOperationPending;
  EXPECT_EQ(KmipItemStatus(KmipOperation::kGet, item).code(),
            StatusCode::kUnavailable);
}

TEST(KmipMessages, ARefusedVersionIsToldFromARefusedOperation) {
  KmipResponseItem item = Failure(KmipResultReason::kInvalidMessage);
  EXPECT_FALSE(IsVersionRefusal(item));
  item.operation.reset();
  EXPECT_TRUE(IsVersionRefusal(item));
  item = Failure(KmipResultReason::kUnsupportedProtocolVersion);
  EXPECT_TRUE(IsVersionRefusal(item));
}

}  // namespace
}  // namespace openkeyring
