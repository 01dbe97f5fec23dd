// SPDX-License-Identifier: MIT
#include "product/kmip_service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "emulators/kmip/lab.h"
#include "kmip/locate_all.h"

namespace openkeyring {
namespace {

TEST(ParseEndpoint, TakesNamesAndAddressesWithAndWithoutPort) {
  EXPECT_EQ(ParseEndpoint("kmip.example.com", 5696)->Text(),
            "kmip.example.com:5696");
  EXPECT_EQ(ParseEndpoint(" kmip:1 ", 5696)->Text(), "kmip:1");
  EXPECT_EQ(ParseEndpoint("192.0.2.1:65535", 5696)->Text(), "192.0.2.1:65535");
  EXPECT_EQ(ParseEndpoint("[2001:db8::1]:7", 5696)->Text(), "[2001:db8::1]:7");
  EXPECT_EQ(ParseEndpoint("[::1]", 5696)->Text(), "[::1]:5696");
  EXPECT_EQ(ParseEndpoint("[fe80::1%eth0]", 5696)->host, "fe80::1%eth0");
  EXPECT_EQ(ParseEndpoint("2001:db8::1", 5696)->Text(), "[2001:db8::1]:5696");
}

TEST(ParseEndpoint, RefusesWhatIsNone) {
  for (const char* text :
       {"", ":5696", "host:", "host:0", "host:65536", "host:-1", "host:1x",
        "host:99999999999", "a b:1", "[::1", "[::1]7", "https://host:1", "a,b",
        "host:1:2"}) {
    const auto endpoint = ParseEndpoint(text, 5696);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code(), StatusCode::kMisconfigured) << text;
  }
}

class KmipStackTest : public testing::Test {
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

TEST_F(KmipStackTest, TalksToAServer) {
  auto stack = KmipService::Make(Options(), lab_.log);
  ASSERT_TRUE(stack) << stack.error().message();
  const auto found =
      LocateAll((*stack)->client(), {}, 10, kmip_server::Lab::Soon());
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_TRUE(found->empty());
}

TEST_F(KmipStackTest, APasswordFileThatIsMissingOrEmptyIsNamed) {
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

TEST_F(KmipStackTest, AKeyThatEverybodyMayReadIsAWarning) {
  chmod(own_.key.c_str(), 0600);
  ASSERT_TRUE(KmipService::Make(Options(), lab_.log));
  EXPECT_EQ(lab_.log.Text().find("chmod"), std::string::npos);
  chmod(own_.key.c_str(), 0644);
  ASSERT_TRUE(KmipService::Make(Options(), lab_.log));
  EXPECT_NE(lab_.log.Text().find("chmod 0600"), std::string::npos);
}

TEST_F(KmipStackTest, AServerThatIsNotVerifiedIsAWarning) {
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
