// SPDX-License-Identifier: MIT
// Payloads of all operations, in 1.x and 2.x: what goes out, as text, and what
// comes in.
#include <gtest/gtest.h>

#include "kmip/operations/activate.h"
#include "kmip/operations/add_attribute.h"
#include "kmip/operations/destroy.h"
#include "kmip/operations/discover_versions.h"
#include "kmip/operations/get.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/identified.h"
#include "kmip/operations/locate.h"
#include "kmip/operations/query.h"
#include "kmip/operations/register.h"
#include "kmip/operations/revoke.h"
#include "testing/ttlv_dump.h"

namespace openkeyring {
namespace {

constexpr KmipVersion k14{1, 4};
constexpr KmipVersion k20{2, 0};

// What the call writes, one item a line.
std::string Payload(const KmipCall& call, KmipVersion version) {
  TtlvWriter writer;
  call.write(writer, version);
  return DumpTtlv(writer.Finish().RevealBytes());
}

// Bytes that the lambda writes, for a reader.
Secret Bytes(const std::function<void(TtlvWriter&)>& write) {
  TtlvWriter writer;
  write(writer);
  return writer.Finish();
}

KmipObject Key(std::string_view value) {
  KmipObject object;
  object.value = Secret::CopyOf(value);
  object.algorithm = KmipAlgorithm::kAes;
  object.length = static_cast<int32_t>(8 * value.size());
  return object;
}

KmipAttributes Named(std::string name) {
  KmipAttributes attributes;
  attributes.names = {std::move(name)};
  return attributes;
}

TEST(KmipDiscoverVersions, AsksForOursAndReadsTheServers) {
  const KmipCall call = MakeDiscoverVersions({{1, 2}});
  EXPECT_EQ(Payload(call, k14),
            "ProtocolVersion\n"
            "  ProtocolVersionMajor Integer 1\n"
            "  ProtocolVersionMinor Integer 2\n");
  const Secret answer =
      Bytes([&](TtlvWriter& writer) { call.write(writer, k14); });
  EXPECT_EQ(*ReadDiscoverVersions(TtlvReader(answer.RevealBytes())),
            std::vector<KmipVersion>{(KmipVersion{1, 2})});
}

TEST(KmipQuery, ReadsOperationsTypesAndVendor) {
  EXPECT_TRUE(MakeQuery().idempotent);
  const Secret answer = Bytes([](TtlvWriter& writer) {
    writer.Enumeration(KmipTag::kOperation, KmipOperation::kGet);
    writer.Enumeration(KmipTag::kOperation, 0x1234U);
    writer.Enumeration(KmipTag::kObjectType, KmipObjectType::kSecretData);
    writer.Text(KmipTag::kVendorIdentification, "a vendor");
    const TtlvStructure information(writer, KmipTag::kServerInformation);
  });
  const auto read = ReadQuery(TtlvReader(answer.RevealBytes()));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->Supports(KmipOperation::kGet));
  EXPECT_FALSE(read->Supports(KmipOperation::kLocate));
  EXPECT_EQ(read->object_types.size(), 1U);
  EXPECT_EQ(read->vendor, "a vendor");
}

TEST(KmipRegister, HasTemplateAndObjectAndNoCompressionType) {
  const KmipObject key = Key("0123456789abcdef");
  const KmipAttributes attributes = Named("n");
  const KmipCall call = MakeRegister(key, attributes);
  EXPECT_FALSE(call.idempotent);
  EXPECT_EQ(Payload(call, k14),
            "ObjectType Enum Symmetric Key\n"
            "TemplateAttribute\n"
            "  Attribute\n"
            "    AttributeName Text \"Name\"\n"
            "    AttributeValue\n"
            "      NameValue Text \"n\"\n"
            "      NameType Enum 1\n"
            "SymmetricKey\n"
            "  KeyBlock\n"
            "    KeyFormatType Enum 1\n"
            "    KeyValue\n"
            "      KeyMaterial Bytes (16 bytes hidden)\n"
            "    CryptographicAlgorithm Enum 3\n"
            "    CryptographicLength Integer 128\n");
  EXPECT_EQ(Payload(call, k20),
            "ObjectType Enum Symmetric Key\n"
            "Attributes\n"
            "  Name\n"
            "    NameValue Text \"n\"\n"
            "    NameType Enum 1\n"
            "SymmetricKey\n"
            "  KeyBlock\n"
            "    KeyFormatType Enum 1\n"
            "    KeyValue\n"
            "      KeyMaterial Bytes (16 bytes hidden)\n"
            "    CryptographicAlgorithm Enum 3\n"
            "    CryptographicLength Integer 128\n");
}

TEST(KmipLocate, OffsetIsSentSince13Only) {
  KmipLocateRequest request;
  request.attributes.object_type = KmipObjectType::kSecretData;
  request.maximum_items = 10;
  request.offset_items = 20;
  const KmipCall call = MakeLocate(request);
  EXPECT_EQ(Payload(call, k14),
            "MaximumItems Integer 10\n"
            "OffsetItems Integer 20\n"
            "Attribute\n"
            "  AttributeName Text \"Object Type\"\n"
            "  AttributeValue Enum 7\n");
  EXPECT_EQ(Payload(call, {1, 2}).find("OffsetItems"), std::string::npos);
  EXPECT_EQ(Payload(call, k20),
            "MaximumItems Integer 10\n"
            "OffsetItems Integer 20\n"
            "Attributes\n"
            "  ObjectType Enum Secret Data\n");
}

TEST(KmipLocate, ReadsIdentifiersWithAndWithoutACount) {
  const Secret answer = Bytes([](TtlvWriter& writer) {
    writer.Integer(KmipTag::kLocatedItems, 0);
    writer.Text(KmipTag::kUniqueIdentifier, "a");
    writer.Text(KmipTag::kUniqueIdentifier, "b");
  });
  const auto read = ReadLocate(TtlvReader(answer.RevealBytes()));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->ids, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read->located_items, 0);
  const auto none = ReadLocate(TtlvReader());
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->ids.empty());
  EXPECT_FALSE(none->located_items);
}

// The answer of a Get for that object.
Secret GetAnswer(const KmipObject& object) {
  return Bytes([&](TtlvWriter& writer) {
    writer.Enumeration(KmipTag::kObjectType, object.type);
    writer.Text(KmipTag::kUniqueIdentifier, "id");
    WriteKmipObject(writer, object);
  });
}

TEST(KmipGet, ReadsEveryKindOfObject) {
  KmipObject objects[3];
  objects[0] = Key("0123456789abcdef");
  objects[1].type = KmipObjectType::kSecretData;
  objects[1].format = KmipKeyFormat::kOpaque;
  objects[1].secret_type = KmipSecretDataType::kSeed;
  objects[1].value = Secret::CopyOf("hush");
  objects[2].type = KmipObjectType::kOpaqueObject;
  objects[2].value = Secret::CopyOf("odd");
  for (const KmipObject& object : objects) {
    const Secret answer = GetAnswer(object);
    const auto read = ReadGet(TtlvReader(answer.RevealBytes()));
    ASSERT_TRUE(read) << read.status().message();
    EXPECT_EQ(read->id, "id");
    EXPECT_EQ(read->object.type, object.type);
    EXPECT_TRUE(read->object.value.Equals(object.value));
    EXPECT_EQ(read->object.length, object.length);
    EXPECT_EQ(read->object.algorithm, object.algorithm);
    EXPECT_EQ(read->object.secret_type, object.secret_type);
    EXPECT_EQ(read->object.format, object.format);
  }
}

TEST(KmipGet, ASecretThatComesBackRawIsRead) {
  KmipObject object;
  object.type = KmipObjectType::kSecretData;
  object.format = KmipKeyFormat::kRaw;
  object.value = Secret::CopyOf("hush");
  const Secret answer = GetAnswer(object);
  const auto read = ReadGet(TtlvReader(answer.RevealBytes()));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->object.value.RevealText(), "hush");
}

// Get answer with a key block that the lambda writes.
Status ReadBlock(const std::function<void(TtlvWriter&)>& block,
                 Secret* value = nullptr) {
  const Secret answer = Bytes([&](TtlvWriter& writer) {
    writer.Enumeration(KmipTag::kObjectType, KmipObjectType::kSymmetricKey);
    writer.Text(KmipTag::kUniqueIdentifier, "id");
    const TtlvStructure key(writer, KmipTag::kSymmetricKey);
    const TtlvStructure frame(writer, KmipTag::kKeyBlock);
    block(writer);
  });
  auto read = ReadGet(TtlvReader(answer.RevealBytes()));
  if (read && value != nullptr) *value = std::move(read->object.value);
  return read.status();
}

TEST(KmipGet, ATransparentKeyIsRead) {
  Secret value;
  const Status status = ReadBlock(
      [](TtlvWriter& writer) {
        writer.Enumeration(KmipTag::kKeyFormatType,
                           KmipKeyFormat::kTransparentSymmetricKey);
        const TtlvStructure key_value(writer, KmipTag::kKeyValue);
        const TtlvStructure material(writer, KmipTag::kKeyMaterial);
        writer.ByteString(KmipTag::kKey, AsBytes("0123456789abcdef"));
      },
      &value);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(value.RevealText(), "0123456789abcdef");
}

TEST(KmipGet, AWrappedKeyIsRefusedWithTheCure) {
  const Status status = ReadBlock([](TtlvWriter& writer) {
    writer.Enumeration(KmipTag::kKeyFormatType, KmipKeyFormat::kRaw);
    writer.ByteString(KmipTag::kKeyValue, AsBytes("wrapped"));
    const TtlvStructure wrapping(writer, KmipTag::kKeyWrappingData);
  });
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("in the clear"), std::string::npos);
}

TEST(KmipGet, UnknownFormatsAndTypesAreNamedAndMissingValuesAreCorrupt) {
  EXPECT_EQ(ReadBlock([](TtlvWriter& writer) {
              writer.Enumeration(KmipTag::kKeyFormatType, 4U);
              const TtlvStructure value(writer, KmipTag::kKeyValue);
            }).message(),
            "KMIP key format 4 is not supported");
  EXPECT_EQ(ReadBlock([](TtlvWriter& writer) {
              writer.Enumeration(KmipTag::kKeyFormatType, KmipKeyFormat::kRaw);
            }).code(),
            StatusCode::kCorrupt);
  const Secret certificate = Bytes([](TtlvWriter& writer) {
    writer.Enumeration(KmipTag::kObjectType, KmipObjectType::kCertificate);
    writer.Text(KmipTag::kUniqueIdentifier, "id");
  });
  EXPECT_EQ(ReadGet(TtlvReader(certificate.RevealBytes())).error().code(),
            StatusCode::kInvalidArgument);
}

TEST(KmipGetAttributes, AsksByNameOrByTag) {
  const KmipCall call = MakeGetAttributes(
      "id", {{KmipTag::kState, "", ""}, {KmipTag::kAttribute, "x", "owner"}});
  EXPECT_EQ(Payload(call, k14),
            "UniqueIdentifier Text \"id\"\n"
            "AttributeName Text \"State\"\n"
            "AttributeName Text \"x-owner\"\n");
  EXPECT_EQ(Payload(call, k20),
            "UniqueIdentifier Text \"id\"\n"
            "AttributeReference Enum State\n"
            "AttributeReference\n"
            "  VendorIdentification Text \"x\"\n"
            "  AttributeName Text \"owner\"\n");
}

TEST(KmipGetAttributes, ReadsBothFrames) {
  KmipAttributes wanted = Named("n");
  wanted.state = KmipState::kActive;
  for (const KmipVersion version : {k14, k20}) {
    const Secret answer = Bytes([&](TtlvWriter& writer) {
      writer.Text(KmipTag::kUniqueIdentifier, "id");
      if (version.HasTypedAttributes()) {
        WriteKmipTemplate(writer, version, wanted);
      } else {
        WriteKmipAttributes(writer, version, wanted);
      }
    });
    const auto read = ReadGetAttributes(TtlvReader(answer.RevealBytes()));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->unique_identifier, "id");
    EXPECT_EQ(read->names, wanted.names);
    EXPECT_EQ(read->state, wanted.state);
  }
}

TEST(KmipAddAttribute, IsFramedInVersion2) {
  const KmipAttributes name = Named("n");
  const KmipCall call = MakeAddAttribute("id", name);
  EXPECT_FALSE(call.idempotent);
  EXPECT_EQ(Payload(call, k14),
            "UniqueIdentifier Text \"id\"\n"
            "Attribute\n"
            "  AttributeName Text \"Name\"\n"
            "  AttributeValue\n"
            "    NameValue Text \"n\"\n"
            "    NameType Enum 1\n");
  EXPECT_EQ(Payload(call, k20),
            "UniqueIdentifier Text \"id\"\n"
            "NewAttribute\n"
            "  Name\n"
            "    NameValue Text \"n\"\n"
            "    NameType Enum 1\n");
}

TEST(KmipRevoke, HasReasonAndMessageAndDateOnlyWhenGiven) {
  EXPECT_EQ(
      Payload(MakeRevoke({"id", KmipRevocationReason::kUnspecified, "", {}}),
              k14),
      "UniqueIdentifier Text \"id\"\n"
      "RevocationReason\n"
      "  RevocationReasonCode Enum 1\n");
  KmipRevokeRequest request;
  request.id = "id";
  request.reason = KmipRevocationReason::kKeyCompromise;
  request.message = "leaked";
  request.compromise_occurrence = KmipTime(std::chrono::seconds(9));
  EXPECT_EQ(Payload(MakeRevoke(request), k14),
            "UniqueIdentifier Text \"id\"\n"
            "RevocationReason\n"
            "  RevocationReasonCode Enum 2\n"
            "  RevocationMessage Text \"leaked\"\n"
            "CompromiseOccurrenceDate DateTime 9\n");
}

TEST(KmipIdentifier, IsInTheRequestAndExpectedInTheAnswer) {
  for (const KmipCall& call :
       {MakeActivate("id"), MakeDestroy("id"), MakeGet("id"),
        MakeGetAttributes("id", {}), MakeRevoke({"id", {}, "", {}})}) {
    EXPECT_EQ(call.object_id, "id");
    EXPECT_TRUE(Payload(call, k14).starts_with("UniqueIdentifier Text \"id\""));
  }
  EXPECT_EQ(ReadKmipIdentifier(TtlvReader()).error().code(),
            StatusCode::kCorrupt);
}

}  // namespace
}  // namespace openkeyring
