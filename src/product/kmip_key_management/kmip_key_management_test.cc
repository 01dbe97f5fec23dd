// SPDX-License-Identifier: MIT
#include "product/kmip_key_management/kmip_key_management.h"

#include <gtest/gtest.h>

#include "emulators/kmip/lab.h"

namespace openkeyring {
namespace {

class KmipKeyManagementTest : public testing::Test {
 protected:
  KmipStartupOptions Startup() {
    KmipStartupOptions startup;
    startup.kmip.servers = {{"127.0.0.1", lab_.server().port()}};
    startup.kmip.tls.ca_file = lab_.authority.bundle();
    startup.kmip.tls.certificate_file = own_.certificate;
    startup.kmip.tls.key_file = own_.key;
    startup.access.data_directory = lab_.directory.path();
    startup.group.object_group = "g";
    startup.group.note_path = note_;
    return startup;
  }
  Status OpenError(KmipStartupOptions startup) {
    return KmipKeyManagement::Open(std::move(startup), dynamic_, lab_.log)
        .status();
  }
  bool IsNoted() {
    return ReadKmipGroupNote(PosixFileSystem(), note_).has_value();
  }

  kmip_server::Lab lab_;
  const TestCertificate own_ = lab_.authority.IssueClient("me");
  const std::string note_ =
      JoinPath(lab_.directory.path(), kKmipVersionsGroupNote);
  DynamicKeyOptions dynamic_;
};

TEST_F(KmipKeyManagementTest, AnEmptyGroupIsNotThatOfAnEncryptedLog) {
  lab_.directory.Write("ib_logfile0", "\xf0\x9f\x97\x9d");
  const Status refused = OpenError(Startup());
  EXPECT_EQ(refused.code(), StatusCode::kMisconfigured);
  EXPECT_EQ(refused.message().find("object group \"g\" on KMIP server "), 0U)
      << refused.message();
  EXPECT_NE(refused.message().find("ib_logfile0 is encrypted, and no key at"),
            std::string::npos);
  EXPECT_EQ(lab_.store.size(), 0U) << "no marker";
  EXPECT_FALSE(IsNoted());
}

TEST_F(KmipKeyManagementTest, NorIsItThatOfAnEncryptedTable) {
  std::string page = "s\x0e\x0cREt\x01\x10";
  page += std::string(19, '\0') + "\x02" + std::string(3, '\0') + "\x01";
  lab_.directory.Write("t.ibd", page);
  EXPECT_NE(OpenError(Startup()).message().find("t.ibd is encrypted"),
            std::string::npos);
  EXPECT_EQ(lab_.store.size(), 0U);
  EXPECT_FALSE(IsNoted());
}

TEST_F(KmipKeyManagementTest, TheRightGroupIsFoundAfterAWrongOne) {
  {
    auto opened = KmipKeyManagement::Open(Startup(), dynamic_, lab_.log);
    ASSERT_TRUE(opened) << opened.error().message();
    ASSERT_TRUE((*opened)->keys().LatestVersion(1));
  }
  // What a restore leaves: encrypted data, and no note.
  ASSERT_TRUE(IsNoted());
  ASSERT_TRUE(PosixFileSystem().Remove(note_).ok());
  lab_.directory.Write("ib_logfile0", "\xf0\x9f\x97\x9d");
  const size_t stored = lab_.store.size();
  KmipStartupOptions mistyped = Startup();
  mistyped.group.object_group = "h";
  EXPECT_FALSE(OpenError(std::move(mistyped)).ok());
  EXPECT_EQ(lab_.store.size(), stored);
  const Status right = OpenError(Startup());
  EXPECT_TRUE(right.ok()) << right.message();
  EXPECT_TRUE(IsNoted());
}

TEST_F(KmipKeyManagementTest, ABackupIsLookedAtByItsOwnCheck) {
  lab_.directory.Write("ib_logfile0", "\xf0\x9f\x97\x9d");
  KmipStartupOptions startup = Startup();
  startup.access.is_server = false;
  startup.group.read_only = true;
  EXPECT_TRUE(OpenError(std::move(startup)).ok());
  EXPECT_FALSE(IsNoted());
}

}  // namespace
}  // namespace openkeyring
