// SPDX-License-Identifier: MIT
#include "net/url.h"

#include <gtest/gtest.h>

#include <string>

namespace openkeyring {
namespace {

using std::string_literals::operator""s;

TEST(ParseUrl, SplitsAllParts) {
  const Result<Url> url =
      ParseUrl("HTTPS://Kms.Example.COM:8443/a/B%20c?x=1&y=?#part");
  ASSERT_TRUE(url) << url.error().ToString();
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "kms.example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/a/B%20c");
  EXPECT_EQ(url->query, "x=1&y=?");
  EXPECT_EQ(url->HostHeader(), "kms.example.com:8443");
  EXPECT_EQ(url->ToString(), "https://kms.example.com:8443/a/B%20c?x=1&y=?");
}

TEST(ParseUrl, FillsInPortAndPath) {
  EXPECT_EQ(ParseUrl("https://h")->port, 443);
  EXPECT_EQ(ParseUrl("http://h")->port, 80);
  EXPECT_EQ(ParseUrl("http://h")->path, "/");
  EXPECT_EQ(ParseUrl("http://h?q")->path, "/");
  EXPECT_EQ(ParseUrl("http://h?q")->query, "q");
  EXPECT_EQ(ParseUrl("http://h#f")->ToString(), "http://h/");
}

TEST(ParseUrl, HostHeaderLeavesOutTheUsualPortOnly) {
  EXPECT_EQ(ParseUrl("https://h:443/")->HostHeader(), "h");
  EXPECT_EQ(ParseUrl("http://h:80/")->HostHeader(), "h");
  EXPECT_EQ(ParseUrl("https://h:80/")->HostHeader(), "h:80");
  EXPECT_EQ(ParseUrl("http://h:443/")->HostHeader(), "h:443");
}

TEST(ParseUrl, TakesIpv6InBrackets) {
  const Result<Url> url = ParseUrl("http://[FD00:EC2::23]:81/x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "fd00:ec2::23");
  EXPECT_EQ(url->port, 81);
  EXPECT_EQ(url->HostHeader(), "[fd00:ec2::23]:81");
  EXPECT_EQ(url->ToString(), "http://[fd00:ec2::23]:81/x");
  EXPECT_EQ(ParseUrl("https://[::1]")->HostHeader(), "[::1]");
}

TEST(ParseUrl, RefusesWhatIsNoUsableUrl) {
  for (const std::string& bad : {""s,
                                 "kms.example.com"s,
                                 "https:/h"s,
                                 "ftp://h"s,
                                 "file:///etc/passwd"s,
                                 "https://"s,
                                 "https:///path"s,
                                 "https://:443"s,
                                 "https://h:"s,
                                 "https://h:0"s,
                                 "https://h:65536"s,
                                 "https://h:-1"s,
                                 "https://h:+1"s,
                                 "https://h:1x"s,
                                 "https://h:99999999999"s,
                                 "https://[::1"s,
                                 "https://[::1]x"s,
                                 "https://[]"s,
                                 "https://[abc]"s,
                                 "https://[1.2.3.4]"s,
                                 "https://::1/"s,
                                 "https://h h"s,
                                 "https://h/\r\nX: y"s,
                                 "https://h/\x01"s,
                                 "https://h/\xc3\xbc"s,
                                 "https://h\\x"s,
                                 "https://h/\0x"s,
                                 "https://h%00.localhost/"s,
                                 "https://h%2f.localhost"s,
                                 "https://a,b/"s,
                                 " https://h"s,
                                 "https://h "s}) {
    const Result<Url> url = ParseUrl(bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_EQ(url.error().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(ParseUrl, RefusesUserInformationWithoutShowingIt) {
  for (const char* bad : {"https://user:hunter2@h/", "https://hunter2@h",
                          "https://user:hunter2 @h", "ftp://a:hunter2@h"}) {
    const Result<Url> url = ParseUrl(bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_EQ(url.error().message().find("hunter2"), std::string::npos);
  }
  EXPECT_TRUE(ParseUrl("https://h/a@b")) << "there it is an ordinary character";
}

TEST(IsLoopback, IsTrueForThisMachineOnly) {
  for (const char* url :
       {"http://localhost", "http://LOCALHOST:1", "http://a.localhost",
        "http://127.0.0.1", "http://127.255.1.2", "http://[::1]:8080"}) {
    EXPECT_TRUE(ParseUrl(url)->IsLoopback()) << url;
  }
  for (const char* url :
       {"http://localhost.example.com", "http://notlocalhost",
        "http://127.0.0.1.example.com", "http://127.0.0", "http://127.0.0.",
        "http://127.0.0.256", "http://128.0.0.1", "http://169.254.169.254",
        "http://[::2]", "http://[fe80::1]", "http://0.0.0.0"}) {
    EXPECT_FALSE(ParseUrl(url)->IsLoopback()) << url;
  }
}

}  // namespace
}  // namespace openkeyring
