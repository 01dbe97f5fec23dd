// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_group_marker.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

const KmipGroupMarker kMarker = {"00112233445566778899aabbccddeeff", "shop db"};

// The example of docs/file_formats.md.
TEST(KmipGroupNote, IsWrittenAsDocumentedAndComesBack) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/note";
  ASSERT_TRUE(WriteKmipGroupNote(PosixFileSystem(), SystemRandom(), path,
                                 kMarker, std::nullopt)
                  .ok());
  EXPECT_EQ(HexEncode(*PosixFileSystem().Read(path, 1000)),
            "6f70656e6b657972696e67206b6d69702067726f7570206e6f746520310a"
            "6d61726b6572203030313132323333343435353636373738383939616162"
            "626363646465656666"
            "0a67726f75702073686f702532306462"
            "0a");
  EXPECT_EQ(*ReadKmipGroupNote(PosixFileSystem(), path), kMarker);
  // It is never replaced.
  EXPECT_EQ(WriteKmipGroupNote(PosixFileSystem(), SystemRandom(), path,
                               {kMarker.id, "other"}, std::nullopt)
                .code(),
            StatusCode::kAlreadyExists);
}

TEST(KmipGroupMarker, IsKnownByItsNameAlone) {
  KmipAttributes attributes = KmipGroupMarkerAttributes(kMarker);
  EXPECT_EQ(attributes.names.front(),
            "openkeyring-group/shop%20db/00112233445566778899aabbccddeeff");
  attributes.application_info.clear();
  EXPECT_EQ(ReadKmipGroupMarker(attributes), kMarker);
  for (const char* name :
       {"openkeyring-group/g/0011223344556677", "openkeyring-group",
        "openkeyring-group/", "x/g/00112233445566778899aabbccddeeff",
        "openkeyring-group/a b/00112233445566778899aabbccddeeff",
        "openkeyring-group/g/00112233445566778899AABBCCDDEEFF"}) {
    attributes.names = {name};
    EXPECT_EQ(ReadKmipGroupMarker(attributes), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace openkeyring
