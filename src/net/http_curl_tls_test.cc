// SPDX-License-Identifier: MIT
// HTTPS: whose certificates are accepted.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "net/http_curl.h"
#include "testing/http_requests.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

constexpr char kHosts[] = "DNS:localhost,IP:127.0.0.1";

class CurlHttpClientTls : public testing::Test {
 protected:
  std::unique_ptr<HttpClient> Trusting(const std::string& bundle) {
    CurlOptions options;
    options.ca_bundle = bundle;
    return MakeCurlHttpClient(options);
  }
  Result<HttpResponse> Ask(const HttpTestServer& server,
                           const std::string& bundle,
                           const std::string& host = "127.0.0.1") {
    return Trusting(bundle)->Send(Post(server.Url("/", host), "b"), kLong);
  }

  TemporaryDirectory directory_;
  TestAuthority authority_{directory_.path()};
  HttpTestServer::Handler hello_ = Says(HttpAnswer(200, "hello"));
};

TEST_F(CurlHttpClientTls, TalksToATrustedServerByNameAndByAddress) {
  HttpTestServer server(hello_, authority_.Issue(kHosts));
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto answer = Ask(server, authority_.bundle(), host);
    ASSERT_TRUE(answer) << answer.error().ToString();
    EXPECT_EQ(answer->body.RevealText(), "hello");
  }
}

TEST_F(CurlHttpClientTls, KeepsItsConnection) {
  HttpTestServer server(hello_, authority_.Issue(kHosts));
  const auto client = Trusting(authority_.bundle());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client->Send(Post(server.Url(), "b"), kLong));
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CurlHttpClientTls, AnAnswerThatCameTwiceIsNotTheNextRequests) {
  std::atomic<int> asked{0};
  HttpTestServer server(
      [&](const std::string&) {
        const std::string answer = HttpAnswer(200, std::to_string(++asked));
        return asked == 1 ? answer + answer : answer;
      },
      authority_.Issue(kHosts));
  const auto client = Trusting(authority_.bundle());
  for (const char* expected : {"1", "2", "3"}) {
    const auto answer = client->Send(Post(server.Url(), "b"), kLong);
    ASSERT_TRUE(answer) << answer.error().ToString();
    EXPECT_EQ(answer->body.RevealText(), expected);
  }
}

TEST_F(CurlHttpClientTls, RefusesAServerOfAnUnknownAuthority) {
  TestAuthority other(directory_.path(), "Other CA");
  HttpTestServer server(hello_, other.Issue(kHosts));
  const auto answer = Ask(server, authority_.bundle());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), StatusCode::kMisconfigured);
  EXPECT_TRUE(Contains(answer.error().message(), "CA bundle"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(CurlHttpClientTls, TrustsTheGivenBundleInsteadOfTheSystems) {
  HttpTestServer server(hello_, authority_.Issue(kHosts));
  EXPECT_EQ(Ask(server, "").status().code(), StatusCode::kMisconfigured);
}

TEST_F(CurlHttpClientTls, RefusesACertificateOfAnotherHost) {
  HttpTestServer server(hello_, authority_.Issue("DNS:elsewhere.invalid"));
  for (const char* host : {"localhost", "127.0.0.1"}) {
    EXPECT_EQ(Ask(server, authority_.bundle(), host).status().code(),
              StatusCode::kMisconfigured);
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(CurlHttpClientTls, RefusesAnExpiredCertificate) {
  HttpTestServer server(hello_,
                        authority_.Issue(kHosts, std::chrono::hours(-24)));
  EXPECT_EQ(Ask(server, authority_.bundle()).status().code(),
            StatusCode::kMisconfigured);
}

TEST_F(CurlHttpClientTls, ABundleThatCannotBeReadIsMisconfigured) {
  HttpTestServer server(hello_, authority_.Issue(kHosts));
  const Status none = Ask(server, directory_.PathOf("none.pem")).status();
  EXPECT_EQ(none.code(), StatusCode::kMisconfigured);
  EXPECT_TRUE(Contains(none.message(),
                       "the CA bundle " + directory_.PathOf("none.pem")))
      << none.message();
  EXPECT_FALSE(Contains(none.message(), "no answer")) << none.message();
  EXPECT_EQ(Ask(server, directory_.Write("bad.pem", "no certificate"))
                .status()
                .code(),
            StatusCode::kMisconfigured);
}

}  // namespace
}  // namespace openkeyring
