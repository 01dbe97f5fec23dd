// SPDX-License-Identifier: MIT
// A proxy that the configuration names.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/encoding.h"
#include "net/http_curl.h"
#include "testing/http_test_server.h"

namespace openkeyring {
namespace {

constexpr Millis kLong{10000};

class HttpProxyTest : public testing::Test {
 protected:
  static HttpTestServer::Handler Says(const char* text) {
    return [text](const std::string&) { return HttpAnswer(200, text); };
  }
  std::unique_ptr<HttpClient> Client(const std::string& user) {
    const auto proxy = std::make_shared<HttpProxy>();
    proxy->address = proxy_.Url().substr(std::string("http://").size());
    proxy->user = user;
    proxy->password = Secret::CopyOf("pass:word");
    CurlOptions options;
    options.proxy = proxy;
    return MakeCurlHttpClient(options);
  }
  std::string Answer(HttpClient& client, bool use_proxy) {
    HttpRequest request;
    request.url = server_.Url("/x");
    request.use_proxy = use_proxy;
    request.allow_plain_http = true;
    const auto answer = client.Send(request, kLong);
    return answer ? std::string(answer->body.RevealText())
                  : answer.error().message();
  }

  HttpTestServer server_{Says("server")}, proxy_{Says("proxy")},
      other_{Says("the environment's")};
};

TEST_F(HttpProxyTest, IsUsedInsteadOfTheEnvironments) {
  setenv("http_proxy", other_.Url().c_str(), 1);
  EXPECT_EQ(Answer(*Client(""), true), "proxy");
  EXPECT_TRUE(other_.requests().empty());
  EXPECT_TRUE(proxy_.requests()[0].starts_with("GET " + server_.Url("/x")));
  EXPECT_EQ(proxy_.requests()[0].find("Proxy-Authorization"),
            std::string::npos);
  EXPECT_EQ(Answer(*Client(""), false), "server");
  unsetenv("http_proxy");
}

TEST_F(HttpProxyTest, GetsUserAndPasswordAndTheServerDoesNot) {
  const auto client = Client("us er");
  EXPECT_EQ(Answer(*client, true), "proxy");
  EXPECT_NE(proxy_.requests()[0].find(
                "Proxy-Authorization: Basic " +
                Base64Encode(AsBytes(std::string_view("us er:pass:word")))),
            std::string::npos);
  EXPECT_EQ(Answer(*client, false), "server");
  EXPECT_EQ(server_.requests()[0].find("Proxy-Authorization"),
            std::string::npos);
}

}  // namespace
}  // namespace openkeyring
