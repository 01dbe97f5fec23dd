// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_header.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>

#include "base/byte_codec.h"
#include "base/encoding.h"
#include "crypto/digest.h"

namespace openkeyring {
namespace {

constexpr size_t kFieldsAt = 14, kChecks = 64;

KeySlot Slot(uint16_t number, SlotKind kind, const std::string& name) {
  return {number, kind, name, name + " maker", {}, {7, 8}};
}

// Each test for both versions of the header.
class SealedHeaderTest : public testing::TestWithParam<int> {
 protected:
  SealedHeaderTest() {
    std::iota(header_.file_id.begin(), header_.file_id.end(), 0xa0);
    header_.generation = 3;
    header_.context = {{"a", "b"}};
    header_.slots = {{1, SlotKind::kAwsKms, "alias/k", "arn", {}, {1, 2}}};
    if (GetParam() == 2) {
      header_.put_all = true;
      header_.slots.push_back(Slot(3, SlotKind::kPublicKey, "pem"));
      header_.slots.push_back(Slot(9, static_cast<SlotKind>(77), "other"));
      header_.slots[2].parameters = {5, 6};
    }
    std::array<uint8_t, kDataKeyBytes> key;
    std::iota(key.begin(), key.end(), 0);
    data_key_ = Secret::CopyOf(ByteView(key));
  }

  Bytes Write() const { return *WriteSealedHeader(header_, data_key_); }
  // Read and proven, as a file is opened.
  Status Check(ByteView content) const { return Check(content, data_key_); }
  static Status Check(ByteView content, const Secret& data_key) {
    const Result<ReadHeader> read = ReadSealedHeader(content);
    return read ? CheckSealedHeader(content, *read, data_key) : read.error();
  }
  // The bytes with a digest and a size that are right again.
  static Bytes Digested(Bytes content) {
    content.resize(content.size() - 32);
    PutBytes(content, *Sha256(content));
    return content;
  }
  static Bytes Resized(Bytes fields) {
    Bytes size;
    PutNumber(size, static_cast<uint32_t>(fields.size()));
    std::ranges::copy(size, fields.begin() + 10);
    return Digested(std::move(fields));
  }

  SealedHeader header_;
  Secret data_key_;
};

TEST_P(SealedHeaderTest, IsWhatAnotherImplementationWrites) {
  if (GetParam() != 1) return;  // The other one is below.
  EXPECT_EQ(HexEncode(Write()),
            "894f4b52530d0a1a000100000080a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "000000000000000300010001610001620007616c6961732f6b000361726e0002"
            "0102c802fbce7f4356fe6bca6a6b29be455354516129811a6f1806cffe3c1d71"
            "b4c6365327788a376e74e2a6a8e5e816d01242a26dfa5bf7e8f9baba854919c0"
            "8090");
}

// The worked example of docs/file_formats.md.
TEST(SealedHeaderExample, IsWhatAnotherImplementationWrites) {
  SealedHeader header;
  std::iota(header.file_id.begin(), header.file_id.end(), 0xa0);
  header.generation = 3;
  header.context = {{"a", "b"}};
  header.slots = {{1, SlotKind::kAwsKms, "alias/k", "arn", {}, {1, 2}},
                  {2, SlotKind::kPublicKey, "r.pem", "SHA256:f", {}, {3, 4}}};
  std::array<uint8_t, kDataKeyBytes> key;
  std::iota(key.begin(), key.end(), 0);
  EXPECT_EQ(
      HexEncode(*WriteSealedHeader(header, Secret::CopyOf(ByteView(key)))),
      "894f4b52530d0a1a0002000000a5a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0000"
      "000000000003000000010001610001620002000100010007616c6961732f6b00"
      "0361726e000000020102000200020005722e70656d00085348413235363a6600"
      "0000020304640f890260e4beb9e0813efa3e6e9533944cacce3c38f4c779427a"
      "4e95601fce9d6e0ee64fbbfa2301cffc778acc6b5ad59177ac3b9ec2b5fcd2f9"
      "8c59581bab");
}

TEST_P(SealedHeaderTest, RoundTripsWithRecordsBehindIt) {
  header_.context["openkeyring:file-id"] = std::string(kMaxField, 'v');
  header_.context[""] = "";
  header_.generation = ~uint64_t{0};
  header_.slots[0].name = "";
  header_.slots[0].maker = "";
  header_.slots[0].blob = Bytes(kMaxField, 0xff);
  Bytes content = Write();
  const size_t size = content.size();
  PutBytes(content, AsBytes("records"));
  const Result<ReadHeader> read = ReadSealedHeader(content);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->size, size);
  EXPECT_EQ(read->version, GetParam());
  EXPECT_EQ(read->header, header_);
  EXPECT_TRUE(CheckSealedHeader(content, *read, data_key_).ok());
}

TEST_P(SealedHeaderTest, EveryFlippedBitIsDamage) {
  const Bytes content = Write();
  for (size_t bit = 0; bit < 8 * content.size(); ++bit) {
    Bytes changed = content;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_EQ(ReadSealedHeader(changed).status().code(), StatusCode::kCorrupt)
        << "bit " << bit;
  }
}

// As above, by somebody who knows the format: the digest is right again.
TEST_P(SealedHeaderTest, EveryFlippedBitUnderARightDigestIsNoticedByTheMac) {
  const Bytes content = Write();
  for (size_t bit = 0; bit < 8 * (content.size() - 32); ++bit) {
    Bytes changed = content;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const Status status = Check(Digested(changed));
    const bool is_feature =
        GetParam() == 2 && bit >= 8 * 38 && bit < 8 * 40 && bit != 8 * 39;
    const bool is_version = bit / 8 == 8 || bit / 8 == 9 || is_feature;
    EXPECT_EQ(status.code(),
              is_version ? StatusCode::kMisconfigured : StatusCode::kCorrupt)
        << "bit " << bit;
  }
}

TEST_P(SealedHeaderTest, EveryCutIsDamage) {
  const Bytes content = Write();
  for (size_t size = 0; size < content.size(); ++size) {
    EXPECT_EQ(ReadSealedHeader(ByteView(content).first(size)).status().code(),
              StatusCode::kCorrupt)
        << size;
  }
}

TEST_P(SealedHeaderTest, CutsWithAllChecksRightAreDamageToo) {
  const Bytes content = Write();
  for (size_t size = kFieldsAt + kChecks; size < content.size(); ++size) {
    EXPECT_FALSE(
        Check(Resized(Bytes(content.begin(), content.begin() + size))).ok())
        << size;
  }
}

TEST_P(SealedHeaderTest, FieldsThatDoNotFillTheHeaderAreRefused) {
  Bytes content = Write();
  content.insert(content.end() - kChecks, {0, 0});
  EXPECT_EQ(ReadSealedHeader(Resized(content)).status().code(),
            StatusCode::kCorrupt);
}

TEST_P(SealedHeaderTest, ASizeBeyondTheFileOrBelowTheFieldsIsRefused) {
  for (const uint32_t size :
       {0u, 1u, 63u, 64u, 107u, 129u, 1u << 20, 0x7fffffffu, 0xffffffffu}) {
    Bytes content = Write(), bytes;
    PutNumber(bytes, size);
    std::ranges::copy(bytes, content.begin() + 10);
    EXPECT_EQ(ReadSealedHeader(content).status().code(), StatusCode::kCorrupt)
        << size;
  }
}

TEST_P(SealedHeaderTest, ANameThatIsThereTwiceIsRefused) {
  header_.context = {{"a", "b"}, {"c", "d"}};
  Bytes content = Write();
  const Bytes name = {0, 1, 'c'};
  const auto found =
      std::search(content.begin(), content.end(), name.begin(), name.end());
  ASSERT_NE(found, content.end());
  found[2] = 'a';
  EXPECT_EQ(ReadSealedHeader(Digested(content)).status().code(),
            StatusCode::kCorrupt);
}

TEST_P(SealedHeaderTest, ANewerVersionIsNamedOnlyWhenItIsWhole) {
  Bytes content = Write();
  content[9] = 3;
  EXPECT_EQ(ReadSealedHeader(content).status().code(), StatusCode::kCorrupt)
      << "damage, since the digest is wrong";
  content = Digested(content);
  const Status status = ReadSealedHeader(content).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("version 3"), std::string::npos);
}

TEST_P(SealedHeaderTest, AnotherDataKeyIsNoticed) {
  EXPECT_TRUE(Check(Write()).ok());
  EXPECT_EQ(Check(Write(), Secret(kDataKeyBytes)).code(), StatusCode::kCorrupt);
}

// Each field of one header put into the other, which has the same data key.
TEST_P(SealedHeaderTest, FieldsOfAnotherHeaderAreNoticed) {
  const std::function<void(SealedHeader&)> changes[] = {
      [](SealedHeader& h) { h.file_id[15] ^= 1; },
      [](SealedHeader& h) { h.generation = 2; },
      [](SealedHeader& h) { h.context["a"] = "c"; },
      [](SealedHeader& h) { h.context.clear(); },
      [](SealedHeader& h) { h.slots[0].name = "alias/other"; },
      [](SealedHeader& h) { h.put_all = !h.put_all; },
      [](SealedHeader& h) {
        h.slots.push_back(Slot(10, SlotKind::kAwsKms, "mine"));
      },
      [](SealedHeader& h) { h.slots[0].parameters = {1}; },
      [](SealedHeader& h) { h.slots[0].kind = SlotKind::kLocalFile; },
      [](SealedHeader& h) {
        h.slots.push_back(Slot(11, SlotKind::kLocalFile, "twice"));
        std::swap(h.slots[0].blob, h.slots.back().blob);
      },
      [](SealedHeader& h) { h.slots[0].maker = "nra"; },
      [](SealedHeader& h) {
        h.slots[0].blob = {2, 1};
      },
      // The same bytes, with the border of two fields moved.
      [](SealedHeader& h) {
        h.slots[0].name = "alias/ka";
        h.slots[0].maker = "rn";
      }};
  const Bytes ours = Write();
  const ByteView our_checks = ByteView(ours).last(kChecks);
  for (const auto& change : changes) {
    SealedHeader other = header_;
    change(other);
    Bytes theirs = *WriteSealedHeader(other, data_key_);
    EXPECT_TRUE(Check(theirs).ok());
    std::ranges::copy(our_checks, theirs.end() - kChecks);
    EXPECT_EQ(Check(Digested(theirs)).code(), StatusCode::kCorrupt);
  }
}

TEST_P(SealedHeaderTest, TextsThatDoNotFitAreRefusedWhenWriting) {
  const std::string large(kMaxField + 1, 'x');
  const std::function<void(SealedHeader&)> changes[] = {
      [&](SealedHeader& h) { h.slots[0].name = large; },
      [&](SealedHeader& h) { h.context["a"] = large; },
      [&](SealedHeader& h) { h.context[large] = "a"; },
      [&](SealedHeader& h) { h.slots[0].maker = large; },
      [&](SealedHeader& h) { h.slots[0].blob = Bytes(large.size(), 1); },
      // Each fits, all do not.
      [&](SealedHeader& h) {
        for (const char* name : {"1", "2", "3", "4"}) {
          h.context[name] = std::string(kMaxField, 'x');
        }
      }};
  for (const auto& change : changes) {
    SealedHeader header = header_;
    change(header);
    EXPECT_EQ(WriteSealedHeader(header, data_key_).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST_P(SealedHeaderTest, WhatNoReaderWouldTakeIsNotWritten) {
  header_.slots[0].blob.clear();
  EXPECT_EQ(WriteSealedHeader(header_, data_key_).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_P(SealedHeaderTest, SlotsThatNoReaderTakesAreNotWritten) {
  const std::function<void(std::vector<KeySlot>&)> changes[] = {
      [](auto& slots) { slots.clear(); },
      [](auto& slots) { slots[0].blob.clear(); },
      [](auto& slots) { slots.push_back(slots.back()); },
      [](auto& slots) {
        slots.insert(slots.begin(), Slot(0, SlotKind::kAwsKms, "zero"));
      },
      [](auto& slots) {
        slots.insert(slots.begin(), Slot(500, SlotKind::kAwsKms, "late"));
      },
      [](auto& slots) {
        for (uint16_t number = 10; slots.size() <= kMaxSlots; ++number) {
          slots.push_back(Slot(number, SlotKind::kAwsKms, "many"));
        }
      }};
  for (const auto& change : changes) {
    SealedHeader header = header_;
    change(header.slots);
    EXPECT_EQ(WriteSealedHeader(header, data_key_).status().code(),
              StatusCode::kInvalidArgument);
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, SealedHeaderTest, testing::Values(1, 2));

TEST(SealedHeaderVersion, IsTheFirstWheneverThatCanSayIt) {
  SealedHeader header;
  header.slots = {Slot(1, SlotKind::kAwsKms, "a")};
  EXPECT_EQ(VersionOf(header), 1);
  header.slots[0].number = 5;
  EXPECT_EQ(VersionOf(header), 1) << "then it is number 1 again";
  const std::function<void(SealedHeader&)> changes[] = {
      [](SealedHeader& h) { h.put_all = true; },
      [](SealedHeader& h) {
        h.slots[0].parameters = {0, 0};
      },
      [](SealedHeader& h) { h.slots[0].kind = SlotKind::kPublicKey; },
      [](SealedHeader& h) {
        h.slots.push_back(Slot(6, SlotKind::kAwsKms, "b"));
      }};
  for (const auto& change : changes) {
    SealedHeader other = header;
    change(other);
    EXPECT_EQ(VersionOf(other), 2);
  }
}

TEST(LooksSealed, DecidesByTheFirstBytesAlone) {
  const std::string magic = "\x89OKRS\r\n\x1a";
  EXPECT_TRUE(LooksSealed(AsBytes(magic)));
  EXPECT_TRUE(LooksSealed(AsBytes(magic + "\xff\xff of a newer version")));
  for (size_t size = 1; size < magic.size(); ++size) {
    EXPECT_TRUE(LooksSealed(AsBytes(magic.substr(0, size))));
    std::string other = magic;
    other[size] = static_cast<char>(other[size] ^ 1);
    EXPECT_FALSE(LooksSealed(AsBytes(other)));
  }
  EXPECT_FALSE(LooksSealed({}));
  EXPECT_FALSE(LooksSealed(AsBytes("{\"version\":\"1.0\"}")));
  EXPECT_FALSE(LooksSealed(AsBytes("\x89OKRK\r\n\x1a")))
      << "a bound key file of MariaDB";
}

}  // namespace
}  // namespace openkeyring
