// SPDX-License-Identifier: MIT
// Proxies that the configuration or the environment names.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/encoding.h"
#include "net/http_curl.h"
#include "testing/http_requests.h"

namespace openkeyring {
namespace {

// Sets a variable for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

class HttpProxyTest : public testing::Test {
 protected:
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

  HttpTestServer server_{Says(HttpAnswer(200, "server"))},
      proxy_{Says(HttpAnswer(200, "proxy"))},
      other_{Says(HttpAnswer(200, "the environment's"))};
};

TEST_F(HttpProxyTest, IsUsedInsteadOfTheEnvironments) {
  const Variable variable("http_proxy", other_.Url());
  EXPECT_EQ(Answer(*Client(""), true), "proxy");
  EXPECT_TRUE(other_.requests().empty());
  EXPECT_TRUE(proxy_.requests()[0].starts_with("GET " + server_.Url("/x")));
  EXPECT_EQ(proxy_.requests()[0].find("Proxy-Authorization"),
            std::string::npos);
  EXPECT_EQ(Answer(*Client(""), false), "server");
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

TEST(CurlHttpClient, UsesTheProxyOfTheEnvironmentOnlyWhenAsked) {
  HttpTestServer proxy(Says(HttpAnswer(200, "proxy")));
  HttpTestServer server(Says(HttpAnswer(200, "server")));
  const Variable variable("http_proxy", proxy.Url());
  const auto client = MakeCurlHttpClient({});
  HttpRequest request = Get(server.Url("/x"));
  request.allow_plain_http = true;
  EXPECT_EQ(client->Send(request, kLong)->body.RevealText(), "server");
  request.use_proxy = true;
  EXPECT_EQ(client->Send(request, kLong)->body.RevealText(), "proxy");
  EXPECT_TRUE(proxy.requests()[0].starts_with("GET " + server.Url("/x")));
  const Variable exception("no_proxy", "127.0.0.1");
  EXPECT_EQ(client->Send(request, kLong)->body.RevealText(), "server");
  request.use_proxy = false;
  EXPECT_EQ(client->Send(request, kLong)->body.RevealText(), "server");
}

TEST(CurlHttpClient, GivesNoProxyWhatIsPlainBecauseItStaysOnThisMachine) {
  HttpTestServer proxy(Says(HttpAnswer(200, "proxy")));
  HttpTestServer server(Says(HttpAnswer(200, "server")));
  const Variable http("http_proxy", proxy.Url());
  const Variable all("all_proxy", proxy.Url());
  HttpRequest request = Post(server.Url("/x"), "a key");
  request.use_proxy = true;
  EXPECT_EQ(MakeCurlHttpClient({})->Send(request, kLong)->body.RevealText(),
            "server");
  CurlOptions options;
  options.proxy = std::make_shared<HttpProxy>(
      HttpProxy{proxy.Url().substr(std::string("http://").size()), "", {}});
  EXPECT_EQ(
      MakeCurlHttpClient(options)->Send(request, kLong)->body.RevealText(),
      "server");
  EXPECT_TRUE(proxy.requests().empty());
}

}  // namespace
}  // namespace openkeyring
