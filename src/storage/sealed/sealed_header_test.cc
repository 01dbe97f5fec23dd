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

class SealedHeaderTest : public testing::Test {
 protected:
  SealedHeaderTest() {
    std::iota(header_.file_id.begin(), header_.file_id.end(), 0xa0);
    header_.generation = 3;
    header_.context = {{"a", "b"}};
    header_.slots = {{1, SlotKind::kAwsKms, "alias/k", "arn", {}, {1, 2}}};
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

TEST_F(SealedHeaderTest, IsWhatAnotherImplementationWrites) {
  EXPECT_EQ(HexEncode(Write()),
            "894f4b52530d0a1a000100000080a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "000000000000000300010001610001620007616c6961732f6b000361726e0002"
            "0102c802fbce7f4356fe6bca6a6b29be455354516129811a6f1806cffe3c1d71"
            "b4c6365327788a376e74e2a6a8e5e816d01242a26dfa5bf7e8f9baba854919c0"
            "8090");
}

TEST_F(SealedHeaderTest, RoundTripsWithRecordsBehindIt) {
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
  EXPECT_EQ(read->header.file_id, header_.file_id);
  EXPECT_EQ(read->header.generation, header_.generation);
  EXPECT_EQ(read->header.context, header_.context);
  EXPECT_EQ(read->header.slots[0].name, header_.slots[0].name);
  EXPECT_EQ(read->header.slots[0].blob, header_.slots[0].blob);
  EXPECT_EQ(read->header.slots[0].maker, "");
  EXPECT_TRUE(CheckSealedHeader(content, *read, data_key_).ok());
}

TEST_F(SealedHeaderTest, EveryFlippedBitIsDamage) {
  const Bytes content = Write();
  for (size_t bit = 0; bit < 8 * content.size(); ++bit) {
    Bytes changed = content;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_EQ(ReadSealedHeader(changed).status().code(), StatusCode::kCorrupt)
        << "bit " << bit;
  }
}

// As above, by somebody who knows the format: the digest is right again.
TEST_F(SealedHeaderTest, EveryFlippedBitUnderARightDigestIsNoticedByTheMac) {
  const Bytes content = Write();
  for (size_t bit = 0; bit < 8 * (content.size() - 32); ++bit) {
    Bytes changed = content;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const Status status = Check(Digested(changed));
    const bool is_version = bit / 8 == 8 || bit / 8 == 9;
    EXPECT_EQ(status.code(),
              is_version ? StatusCode::kMisconfigured : StatusCode::kCorrupt)
        << "bit " << bit;
  }
}

TEST_F(SealedHeaderTest, EveryCutIsDamage) {
  const Bytes content = Write();
  for (size_t size = 0; size < content.size(); ++size) {
    EXPECT_EQ(ReadSealedHeader(ByteView(content).first(size)).status().code(),
              StatusCode::kCorrupt)
        << size;
  }
}

TEST_F(SealedHeaderTest, CutsWithAllChecksRightAreDamageToo) {
  const Bytes content = Write();
  for (size_t size = kFieldsAt + kChecks; size < content.size(); ++size) {
    EXPECT_FALSE(
        Check(Resized(Bytes(content.begin(), content.begin() + size))).ok())
        << size;
  }
}

TEST_F(SealedHeaderTest, FieldsThatDoNotFillTheHeaderAreRefused) {
  Bytes content = Write();
  content.insert(content.end() - kChecks, {0, 0});
  EXPECT_EQ(ReadSealedHeader(Resized(content)).status().code(),
            StatusCode::kCorrupt);
}

TEST_F(SealedHeaderTest, ASizeBeyondTheFileOrBelowTheFieldsIsRefused) {
  for (const uint32_t size :
       {0u, 1u, 63u, 64u, 107u, 129u, 1u << 20, 0x7fffffffu, 0xffffffffu}) {
    Bytes content = Write(), bytes;
    PutNumber(bytes, size);
    std::ranges::copy(bytes, content.begin() + 10);
    EXPECT_EQ(ReadSealedHeader(content).status().code(), StatusCode::kCorrupt)
        << size;
  }
}

TEST_F(SealedHeaderTest, ANameThatIsThereTwiceIsRefused) {
  header_.context = {{"a", "b"}, {"c", "d"}};
  Bytes content = Write();
  const Bytes name = {0, 1, 'c'};
  const auto found = std::ranges::search(content, name);
  ASSERT_FALSE(found.empty());
  found[2] = 'a';
  EXPECT_EQ(ReadSealedHeader(Digested(content)).status().code(),
            StatusCode::kCorrupt);
}

TEST_F(SealedHeaderTest, ANewerVersionIsNamedOnlyWhenItIsWhole) {
  Bytes content = Write();
  content[9] = 3;
  EXPECT_EQ(ReadSealedHeader(content).status().code(), StatusCode::kCorrupt)
      << "damage, since the digest is wrong";
  content = Digested(content);
  const Status status = ReadSealedHeader(content).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("version 3"), std::string::npos);
}

TEST_F(SealedHeaderTest, AnotherDataKeyIsNoticed) {
  EXPECT_TRUE(Check(Write()).ok());
  EXPECT_EQ(Check(Write(), Secret(kDataKeyBytes)).code(), StatusCode::kCorrupt);
}

// Each field of one header put into the other, which has the same data key.
TEST_F(SealedHeaderTest, FieldsOfAnotherHeaderAreNoticed) {
  const std::function<void(SealedHeader&)> changes[] = {
      [](SealedHeader& h) { h.file_id[15] ^= 1; },
      [](SealedHeader& h) { h.generation = 2; },
      [](SealedHeader& h) { h.context["a"] = "c"; },
      [](SealedHeader& h) { h.context.clear(); },
      [](SealedHeader& h) { h.slots[0].name = "alias/other"; },
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

TEST_F(SealedHeaderTest, TextsThatDoNotFitAreRefusedWhenWriting) {
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

TEST_F(SealedHeaderTest, WhatNoReaderWouldTakeIsNotWritten) {
  header_.slots[0].blob.clear();
  EXPECT_EQ(WriteSealedHeader(header_, data_key_).status().code(),
            StatusCode::kInvalidArgument);
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
