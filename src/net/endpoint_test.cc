// SPDX-License-Identifier: MIT
#include "net/endpoint.h"

#include <gtest/gtest.h>

namespace openkeyring {
namespace {

TEST(Endpoint, AnAddressWithColonsGetsBrackets) {
  EXPECT_EQ((Endpoint{"::1", 5696}).Text(), "[::1]:5696");
  EXPECT_EQ((Endpoint{"kmip.example", 5696}).Text(), "kmip.example:5696");
}

TEST(ParseEndpoint, ReadsNamesAndAddressesWithAndWithoutPort) {
  EXPECT_EQ(ParseEndpoint("kmip.example.com", 5696)->Text(),
            "kmip.example.com:5696");
  EXPECT_EQ(ParseEndpoint(" kmip:1 ", 5696)->Text(), "kmip:1");
  EXPECT_EQ(ParseEndpoint("192.0.2.1:65535", 5696)->Text(), "192.0.2.1:65535");
  EXPECT_EQ(ParseEndpoint("[2001:db8::1]:7", 5696)->Text(), "[2001:db8::1]:7");
  EXPECT_EQ(ParseEndpoint("[::1]", 5696)->Text(), "[::1]:5696");
  EXPECT_EQ(ParseEndpoint("[fe80::1%eth0]", 5696)->host, "fe80::1%eth0");
  EXPECT_EQ(ParseEndpoint("2001:db8::1", 5696)->Text(), "[2001:db8::1]:5696");
}

TEST(ParseEndpoint, RefusesAnythingElse) {
  for (const char* text :
       {"", ":5696", "host:", "host:0", "host:65536", "host:-1", "host:1x",
        "host:99999999999", "a b:1", "[::1", "[::1]7", "https://host:1", "a,b",
        "host:1:2"}) {
    const auto endpoint = ParseEndpoint(text, 5696);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code(), StatusCode::kMisconfigured) << text;
  }
}

}  // namespace
}  // namespace openkeyring
