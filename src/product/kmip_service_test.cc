// SPDX-License-Identifier: MIT
#include "product/kmip_service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "emulators/kmip/lab.h"
#include "kmip/locate_all.h"

namespace openkeyring {
namespace {

class KmipServiceTest : public testing::Test {
 protected:
  KmipServiceOptions Options() {
    KmipServiceOptions options;
    options.servers = {{"127.0.0.1", lab_.server().port()}};
    options.tls.ca_file = lab_.authority.bundle();
    options.tls.certificate_file = own_.certificate;
    options.tls.key_file = own_.key;
    return options;
  }

  kmip_server::Lab lab_;
  const TestCertificate own_ = lab_.authority.IssueClient("me");
};

TEST_F(KmipServiceTest, TalksToAServer) {
  auto service = KmipService::Make(Options(), lab_.log);
  ASSERT_TRUE(service) << service.error().message();
  const auto found =
      LocateAll((*service)->client(), {}, 10, kmip_server::Lab::Soon());
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_TRUE(found->empty());
}

TEST_F(KmipServiceTest, APasswordFileThatIsMissingOrEmptyIsNamed) {
  KmipServiceOptions options = Options();
  options.key_password_file = lab_.directory.path() + "/none";
  const auto missing = KmipService::Make(std::move(options), lab_.log);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), StatusCode::kMisconfigured);
  EXPECT_NE(missing.error().message().find("/none"), std::string::npos);

  options = Options();
  options.key_password_file = lab_.directory.path() + "/empty";
  lab_.directory.Write("empty", "\n\nsecond line");
  const auto empty = KmipService::Make(std::move(options), lab_.log);
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().message().find("/empty"), std::string::npos);
}

TEST_F(KmipServiceTest, AKeyThatEverybodyMayReadIsAWarning) {
  chmod(own_.key.c_str(), 0600);
  ASSERT_TRUE(KmipService::Make(Options(), lab_.log));
  EXPECT_EQ(lab_.log.Text().find("chmod"), std::string::npos);
  chmod(own_.key.c_str(), 0644);
  ASSERT_TRUE(KmipService::Make(Options(), lab_.log));
  EXPECT_NE(lab_.log.Text().find("; run: chown root:mysql "),
            std::string::npos);
}

TEST_F(KmipServiceTest, AServerThatIsNotVerifiedIsAWarning) {
  KmipServiceOptions options = Options();
  options.tls.verify_host_name = false;
  ASSERT_TRUE(KmipService::Make(std::move(options), lab_.log));
  EXPECT_NE(lab_.log.Text().find("tls_hostname_verification is off"),
            std::string::npos);
  options = Options();
  options.tls.verify_certificate = options.tls.verify_host_name = false;
  ASSERT_TRUE(KmipService::Make(std::move(options), lab_.log));
  EXPECT_NE(lab_.log.Text().find("tls_peer_verification is off"),
            std::string::npos);
}

}  // namespace
}  // namespace openkeyring
