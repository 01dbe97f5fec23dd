// SPDX-License-Identifier: MIT
#include "kmip/attributes.h"

#include <gtest/gtest.h>

#include "testing/ttlv_dump.h"

namespace openkeyring {
namespace {

KmipTime At(int64_t seconds) { return KmipTime(std::chrono::seconds(seconds)); }

KmipAttributes Everything() {
  KmipAttributes all;
  all.names = {"one", "two"};
  all.object_groups = {"group"};
  all.application_info = {{"openkeyring", "owner"}, {"other", ""}};
  all.vendor_attributes = {{"x", "owner", "me"}, {"y", "set-by", "server"}};
  all.unique_identifier = "id-1";
  all.object_type = KmipObjectType::kSymmetricKey;
  all.state = KmipState::kActive;
  all.algorithm = KmipAlgorithm::kAes;
  all.length = 256;
  all.usage_mask = kUsageEncrypt | kUsageDecrypt;
  all.initial_date = At(1);
  all.activation_date = At(-2);
  all.deactivation_date = At(3);
  all.compromise_date = At(4);
  all.destroy_date = At(5);
  return all;
}

Secret Written(KmipVersion version, const KmipAttributes& attributes) {
  TtlvWriter writer;
  WriteKmipAttributes(writer, version, attributes);
  return writer.Finish();
}

class KmipAttributesOf : public testing::TestWithParam<KmipVersion> {};

TEST_P(KmipAttributesOf, AllAreReadAsTheyWereWritten) {
  const KmipAttributes all = Everything();
  const Secret bytes = Written(GetParam(), all);
  const auto read = ReadKmipAttributes(TtlvReader(bytes.RevealBytes()));
  ASSERT_TRUE(read) << read.status().message();
  EXPECT_EQ(*read, all);
}

TEST_P(KmipAttributesOf, NothingSetIsNothingWritten) {
  EXPECT_EQ(Written(GetParam(), KmipAttributes()).size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Versions, KmipAttributesOf,
                         testing::ValuesIn(kKmipVersions), [](const auto& one) {
                           return "V" + std::to_string(one.param.major) +
                                  std::to_string(one.param.minor);
                         });

TEST(KmipAttributes, FramesOf1xAndOf2xDiffer) {
  KmipAttributes some;
  some.names = {"n"};
  some.vendor_attributes = {{"x", "owner", "me"}};
  EXPECT_EQ(DumpTtlv(Written({1, 4}, some).RevealBytes()),
            "Attribute\n"
            "  AttributeName Text \"Name\"\n"
            "  AttributeValue\n"
            "    NameValue Text \"n\"\n"
            "    NameType Enum 1\n"
            "Attribute\n"
            "  AttributeName Text \"x-owner\"\n"
            "  AttributeValue Text \"me\"\n");
  EXPECT_EQ(DumpTtlv(Written({2, 0}, some).RevealBytes()),
            "Name\n"
            "  NameValue Text \"n\"\n"
            "  NameType Enum 1\n"
            "Attribute\n"
            "  VendorIdentification Text \"x\"\n"
            "  AttributeName Text \"owner\"\n"
            "  AttributeValue Text \"me\"\n");
}

// PyKMIP refuses a template with two values of one attribute otherwise.
TEST(KmipAttributes, ATemplateOf1xNumbersFurtherValues) {
  KmipAttributes two;
  two.object_groups = {"g", "h"};
  two.application_info = {{"a", "b"}};
  TtlvWriter writer;
  WriteKmipTemplate(writer, {1, 4}, two);
  EXPECT_EQ(DumpTtlv(writer.Finish().RevealBytes()),
            "TemplateAttribute\n"
            "  Attribute\n"
            "    AttributeName Text \"Object Group\"\n"
            "    AttributeValue Text \"g\"\n"
            "  Attribute\n"
            "    AttributeName Text \"Object Group\"\n"
            "    AttributeIndex Integer 1\n"
            "    AttributeValue Text \"h\"\n"
            "  Attribute\n"
            "    AttributeName Text \"Application Specific Information\"\n"
            "    AttributeValue\n"
            "      ApplicationNamespace Text \"a\"\n"
            "      ApplicationData Text \"b\"\n");
}

TEST(KmipAttributes, UnknownOnesAreLeftOutAndIndexesDoNotMatter) {
  TtlvWriter writer;
  for (const char* name : {"Lease Time", "Name", "x-count", "strange"}) {
    const TtlvStructure attribute(writer, KmipTag::kAttribute);
    writer.Text(KmipTag::kAttributeName, name);
    writer.Integer(KmipTag::kAttributeIndex, 7);
    if (std::string_view(name) == "Name") {
      const TtlvStructure value(writer, KmipTag::kAttributeValue);
      writer.Text(KmipTag::kNameValue, "n");
      writer.Enumeration(KmipTag::kNameType, KmipNameType::kUri);
    } else {
      writer.Integer(KmipTag::kAttributeValue, 1);
    }
  }
  writer.Interval(KmipTag::kLeaseTime, 3600);
  const Secret bytes = writer.Finish();
  const auto read = ReadKmipAttributes(TtlvReader(bytes.RevealBytes()));
  ASSERT_TRUE(read) << read.status().message();
  KmipAttributes wanted;
  wanted.names = {"n"};
  EXPECT_EQ(*read, wanted);
}

TEST(KmipAttributes, AWrongTypeIsCorruptAndNamed) {
  TtlvWriter writer;
  {
    const TtlvStructure attribute(writer, KmipTag::kAttribute);
    writer.Text(KmipTag::kAttributeName, "State");
    writer.Integer(KmipTag::kAttributeValue, 2);
  }
  const Secret bytes = writer.Finish();
  const auto read = ReadKmipAttributes(TtlvReader(bytes.RevealBytes()));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), StatusCode::kCorrupt);
  EXPECT_NE(read.error().message().find("attribute State"), std::string::npos);
}

TEST(KmipAttributes, NamesAndReferencesGoBothWays) {
  for (const char* name :
       {"Name", "State", "Cryptographic Usage Mask", "x-owner", "y-a-b"}) {
    EXPECT_EQ(KmipAttributeName(KmipAttributeOfName(name)), name);
  }
  EXPECT_EQ(KmipAttributeName(KmipAttributeOfName("Sensitive")), "Sensitive");
  EXPECT_EQ(KmipAttributeName({KmipTag::kBatchItem, "", ""}), "");
}

}  // namespace
}  // namespace openkeyring
