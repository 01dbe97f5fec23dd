// SPDX-License-Identifier: MIT
#include "storage/mariadb_files/key_file_format.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "aws/sigv4.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

const WrappedKey kWrapped = {{1, 2, 3, 4, 5}, "arn:aws:kms:r:1:key/k"};
const EncryptionContext kBinding = {{"openkeyring:key-id", "1"},
                                    {"other", "value"}};

TEST(KeyFile, BoundFileRoundTrips) {
  const Result<KeyFile> file =
      ReadKeyFile(*WriteBoundKeyFile(kWrapped, kBinding));
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->bound);
  EXPECT_EQ(file->wrapped.blob, kWrapped.blob);
  EXPECT_EQ(file->wrapped.wrapping_key, kWrapped.wrapping_key);
  EXPECT_EQ(file->binding, kBinding);
}

// The worked example of docs/file_formats.md: old files must stay readable.
TEST(KeyFile, BytesAreAsDocumented) {
  const Bytes bytes = *WriteBoundKeyFile({{1, 2}, "k"}, {{"a", "b"}});
  const Bytes head = {0x89, 'O', 'K', 'R', 'K', '\r', '\n', 0x1a, 0, 1, 0, 1, 0,
                      1,    'a', 0,   1,   'b', 0,    1,    'k',  0, 2, 1, 2};
  ASSERT_EQ(bytes.size(), head.size() + 32);
  EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + head.size()), head);
}

TEST(KeyFile, AnythingWithoutTheMagicIsARawBlob) {
  const Bytes blob = {1, 2, 2, 0, 0x78};
  const Result<KeyFile> file = ReadKeyFile(blob);
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->bound);
  EXPECT_EQ(file->wrapped.blob, blob);
  EXPECT_TRUE(file->wrapped.wrapping_key.empty());
}

TEST(KeyFile, EmptyIsCorrupt) {
  EXPECT_EQ(ReadKeyFile({}).status().code(), StatusCode::kCorrupt);
}

TEST(KeyFile, RawBlobLargerThanKmsMakesIsCorrupt) {
  EXPECT_TRUE(ReadKeyFile(Bytes(6144, 1)));
  EXPECT_EQ(ReadKeyFile(Bytes(6145, 1)).status().code(), StatusCode::kCorrupt);
}

TEST(KeyFile, TruncatedAtAnyByteIsRefused) {
  const Bytes whole = *WriteBoundKeyFile(kWrapped, kBinding);
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto file = ReadKeyFile(ByteView(whole).first(size));
    EXPECT_FALSE(file) << size;
  }
}

TEST(KeyFile, AnyFlippedBitIsNoticedOrNoLongerABoundFile) {
  const Bytes whole = *WriteBoundKeyFile(kWrapped, kBinding);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes damaged = whole;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const auto file = ReadKeyFile(damaged);
    // In the magic it becomes a "raw blob" that KMS will refuse.
    EXPECT_TRUE(!file || !file->bound) << bit;
    EXPECT_TRUE(!file || bit / 8 < 8) << bit;
  }
}

TEST(KeyFile, ExtraBytesAtTheEndAreRefused) {
  Bytes bytes = *WriteBoundKeyFile(kWrapped, kBinding);
  bytes.push_back(0);
  EXPECT_FALSE(ReadKeyFile(bytes));
}

TEST(KeyFile, NewerVersionNamesTheCure) {
  Bytes bytes = *WriteBoundKeyFile(kWrapped, kBinding);
  bytes[9] = 3;
  const auto digest =
      HexDecode(*Sha256Hex(ByteView(bytes).first(bytes.size() - 32)));
  std::ranges::copy(*digest, bytes.end() - 32);
  const Status status = ReadKeyFile(bytes).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("newer OpenKeyring"), std::string::npos);
}

TEST(KeyFile, NamesAnInstallationInVersion2) {
  EncryptionContext context = kBinding;
  context[kInstallationContext] = "0123";
  const Bytes bytes = *WriteBoundKeyFile(kWrapped, context);
  EXPECT_EQ(bytes[9], 2);
  const Result<KeyFile> file = ReadKeyFile(bytes);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->installation(), "0123");
  EXPECT_EQ(file->binding, context);
}

TEST(KeyFile, AVersionThatDoesNotFitItsContextIsDamaged) {
  EncryptionContext context = kBinding;
  context[kInstallationContext] = "0123";
  for (const auto& [written, version] :
       {std::pair{*WriteBoundKeyFile(kWrapped, kBinding), 2},
        std::pair{*WriteBoundKeyFile(kWrapped, context), 1}}) {
    Bytes bytes = written;
    bytes[9] = static_cast<uint8_t>(version);
    const auto digest =
        HexDecode(*Sha256Hex(ByteView(bytes).first(bytes.size() - 32)));
    std::ranges::copy(*digest, bytes.end() - 32);
    EXPECT_EQ(ReadKeyFile(bytes).status().code(), StatusCode::kCorrupt);
  }
}

TEST(KeyFileFormat, AnEmptyInstallationIsNoneAndReadsBack) {
  const WrappedKey wrapped{{1, 2, 3}, "arn"};
  const EncryptionContext binding = {{kInstallationContext, ""}};
  const Result<KeyFile> read =
      ReadKeyFile(*WriteBoundKeyFile(wrapped, binding));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->installation(), "");
  EXPECT_EQ(read->binding, binding);
}

}  // namespace
}  // namespace openkeyring
