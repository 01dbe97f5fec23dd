// SPDX-License-Identifier: MIT
// Requests, answers and connections.
#include "net/http_curl.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "testing/http_requests.h"

namespace openkeyring {
namespace {

TEST(CurlHttpClient, GivesStatusHeadersAndBody) {
  HttpTestServer server(
      Says(HttpAnswer(418, "body", {"X-Mixed-Case:  value ", "Empty:"})));
  const auto client = MakeCurlHttpClient({});
  const auto answer = client->Send(Get(server.Url("/p?q=1")), kLong);
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->status, 418);
  EXPECT_EQ(answer->body.RevealText(), "body");
  EXPECT_EQ(answer->FindHeader("x-mixed-case"), "value");
  EXPECT_EQ(answer->FindHeader("empty"), "");
  EXPECT_EQ(answer->FindHeader("none"), std::nullopt);
}

TEST(CurlHttpClient, SendsExactlyWhatItIsGivenAndNothingOfItsOwn) {
  HttpTestServer server(Says(HttpAnswer(200, "")));
  const auto client = MakeCurlHttpClient({});
  HttpRequest request = Post(server.Url("/p?q=1"), "the body");
  request.headers = {{"X-One", "1"}, {"X-Empty", ""}};
  ASSERT_TRUE(client->Send(request, kLong));
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(
      server.requests()[0],
      "POST /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:" +
          std::to_string(server.port()) +
          "\r\nX-One: 1\r\nX-Empty:\r\nContent-Length: 8\r\n\r\nthe body");
}

TEST(CurlHttpClient, SendsEveryMethodWithItsBody) {
  HttpTestServer server(Says(HttpAnswer(200, "")));
  const auto client = MakeCurlHttpClient({});
  for (const char* method : {"PUT", "POST", "GET"}) {
    HttpRequest request = Get(server.Url());
    request.method = method;
    ASSERT_TRUE(client->Send(request, kLong)) << method;
    const std::string seen = server.requests().back();
    EXPECT_TRUE(seen.starts_with(std::string(method) + " / HTTP/1.1\r\n"));
    EXPECT_EQ(Contains(seen, "Content-Length: 0"), request.method != "GET");
  }
  const std::string large(300000, 'b');
  ASSERT_TRUE(client->Send(Post(server.Url(), large), kLong));
  EXPECT_TRUE(server.requests().back().ends_with("\r\n\r\n" + large));
  ASSERT_TRUE(client->Send(Get(server.Url()), kLong));
  EXPECT_TRUE(server.requests().back().ends_with("\r\n\r\n"))
      << "nothing of the request before is left";
}

TEST(CurlHttpClient, KeepsOneConnectionForManyCalls) {
  HttpTestServer server(Says(HttpAnswer(200, "x")));
  const auto client = MakeCurlHttpClient({});
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(client->Send(Get(server.Url()), kLong));
  EXPECT_EQ(server.connections(), 1);
}

TEST(CurlHttpClient, OpensANewConnectionWhenTheServerClosedTheOld) {
  HttpTestServer server(Says(HttpAnswer(200, "x", {"Connection: close"})));
  const auto client = MakeCurlHttpClient({});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client->Send(Post(server.Url(), "b"), kLong));
  }
  EXPECT_EQ(server.connections(), 3);
}

TEST(CurlHttpClient, UsesNoMoreConnectionsThanItMay) {
  std::atomic<int> inside{0}, most{0};
  HttpTestServer server([&](const std::string&) {
    const int now = ++inside;
    for (int seen = most;
         seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::yield();
    --inside;
    return HttpAnswer(200, "x");
  });
  CurlOptions options;
  options.max_connections = 2;
  const auto client = MakeCurlHttpClient(options);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 5; ++n) {
          EXPECT_TRUE(client->Send(Get(server.Url()), kLong));
        }
      });
    }
  }
  EXPECT_LE(server.connections(), 2);
  EXPECT_LE(most, 2);
  EXPECT_EQ(server.requests().size(), 30u);
}

TEST(CurlHttpClient, DoesNotFollowRedirects) {
  HttpTestServer server(Says(HttpAnswer(302, "", {"Location: /elsewhere"})));
  const auto client = MakeCurlHttpClient({});
  const auto answer = client->Send(Get(server.Url()), kLong);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(answer->FindHeader("location"), "/elsewhere");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(CurlHttpClient, SkipsAnInterimAnswer) {
  HttpTestServer server(Says("HTTP/1.1 100 Continue\r\nX-Old: 1\r\n\r\n" +
                             HttpAnswer(200, "x", {"X-New: 2"})));
  const auto client = MakeCurlHttpClient({});
  const auto answer = client->Send(Get(server.Url()), kLong);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->FindHeader("x-old"), std::nullopt);
  EXPECT_EQ(answer->FindHeader("x-new"), "2");
}

TEST(CurlHttpClient, TakesABodyUpToTheBoundAndRefusesALargerOne) {
  HttpTestServer server([](const std::string& request) {
    return HttpAnswer(200,
                      std::string(Contains(request, "/big") ? 101 : 100, 'x'));
  });
  CurlOptions options;
  options.max_response_bytes = 100;
  const auto client = MakeCurlHttpClient(options);
  EXPECT_EQ(client->Send(Get(server.Url()), kLong)->body.size(), 100u);
  const auto answer = client->Send(Get(server.Url("/big")), kLong);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(Contains(answer.error().message(), "larger"));
  EXPECT_TRUE(client->Send(Get(server.Url()), kLong)) << "the next call works";
}

TEST(CurlHttpClient, RefusesEndlessHeaders) {
  HttpTestServer server(Says(HttpAnswer(
      200, "",
      std::vector<std::string>(100, "X-Long: " + std::string(1000, 'h')))));
  EXPECT_EQ(CodeOf(*MakeCurlHttpClient({}), Get(server.Url())),
            StatusCode::kUnavailable);
}

TEST(CurlHttpClient, ACutAnswerIsUnavailableAndNotAShortOne) {
  for (const char* cut : {"HTTP/1.1 200 OK\r\nContent-Length: "
                          "100\r\nConnection: close\r\n\r\nhalf",
                          "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
                          ""}) {
    HttpTestServer server(Says(cut));
    EXPECT_EQ(CodeOf(*MakeCurlHttpClient({}), Get(server.Url())),
              StatusCode::kUnavailable)
        << cut;
  }
}

TEST(CurlHttpClient, SomethingThatIsNotHttpIsUnavailable) {
  HttpTestServer server(Says("220 mail Connection: close ESMTP\r\n"));
  EXPECT_EQ(CodeOf(*MakeCurlHttpClient({}), Get(server.Url())),
            StatusCode::kUnavailable);
}

TEST(CurlHttpClient, RefusesPlainHttpToOtherMachines) {
  const auto client = MakeCurlHttpClient({});
  const SteadyTime start = SystemClock().Steady();
  const auto answer = client->Send(Post("http://192.0.2.1/", "secret"), kLong);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), StatusCode::kMisconfigured);
  EXPECT_LT(SystemClock().Steady() - start, Millis(1000)) << "it tried";
}

TEST(CurlHttpClient, RefusesBadUrlsAndHeadersWithoutSending) {
  HttpTestServer server(Says(HttpAnswer(200, "")));
  const auto client = MakeCurlHttpClient({});
  EXPECT_EQ(CodeOf(*client, Get("file:///etc/passwd")),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(*client, Get("https://u:p@h/")),
            StatusCode::kInvalidArgument);
  HttpRequest request = Get(server.Url());
  request.headers = {{"X-Token", "a\r\nX-Injected: b"}};
  EXPECT_EQ(CodeOf(*client, request), StatusCode::kInvalidArgument);
  EXPECT_TRUE(server.requests().empty());
}

// Of the connections of this process to that port; -1: there is none.
int DescriptorFlagsOfConnectionTo(int port) {
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer = {};
    socklen_t size = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) {
      return fcntl(fd, F_GETFD);
    }
  }
  return -1;
}

TEST(CurlHttpClient, NoConnectionIsInheritedByWhatTheHostStarts) {
  HttpTestServer server(Says(HttpAnswer(200, "kept")));
  const auto client = MakeCurlHttpClient({});
  ASSERT_TRUE(client->Send(Get(server.Url()), kLong));
  EXPECT_EQ(DescriptorFlagsOfConnectionTo(server.port()), FD_CLOEXEC);
}

TEST(CurlHttpClient, IsOfALibraryThatClientsMayStartAtOnceAndThatNeedsOpenSsl) {
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  EXPECT_TRUE(info->features & CURL_VERSION_THREADSAFE);
  EXPECT_TRUE(info->features & CURL_VERSION_ASYNCHDNS) << "timeouts need it";
  EXPECT_TRUE(info->features & CURL_VERSION_HTTPS_PROXY);
  EXPECT_TRUE(std::string(info->ssl_version).starts_with("OpenSSL/3."));
}

TEST(CurlHttpClient, AChildProcessStartsWithConnectionsOfItsOwn) {
  HttpTestServer server(Says(HttpAnswer(200, "x")));
  const auto client = MakeCurlHttpClient({});
  ASSERT_TRUE(client->Send(Get(server.Url("/parent")), kLong));
  const pid_t child = fork();
  if (child == 0) {
    const bool ok = client->Send(Get(server.Url("/child")), kLong).has_value();
    _exit(ok ? 0 : 1);
  }
  int ending = -1;
  ASSERT_EQ(waitpid(child, &ending, 0), child);
  EXPECT_EQ(ending, 0);
  EXPECT_EQ(server.connections(), 2);
  ASSERT_TRUE(client->Send(Get(server.Url("/parent")), kLong));
  EXPECT_EQ(server.connections(), 2) << "the parent's was disturbed";
}

TEST(CurlHttpClient, WhatMayBeSentOnceOnlyGoesOutOnANewConnection) {
  HttpTestServer server(Says(HttpAnswer(200, "hi")));
  const auto client = MakeCurlHttpClient({});
  ASSERT_TRUE(client->Send(Get(server.Url()), kLong));
  HttpRequest once = Get(server.Url());
  once.send_once = true;
  ASSERT_TRUE(client->Send(once, kLong));
  EXPECT_EQ(server.connections(), 2);
  ASSERT_TRUE(client->Send(Get(server.Url()), kLong));
  EXPECT_EQ(server.connections(), 2) << "others keep theirs";
}

TEST(CurlHttpClient, AnAnswerThatCameTwiceIsNotTheNextRequests) {
  std::atomic<int> asked{0};
  HttpTestServer server([&](const std::string&) {
    const std::string answer = HttpAnswer(200, std::to_string(++asked));
    return asked == 1 ? answer + answer : answer;
  });
  const auto client = MakeCurlHttpClient({});
  EXPECT_EQ(client->Send(Get(server.Url()), kLong)->body.RevealText(), "1");
  SystemClock().SleepFor(Millis(20));
  EXPECT_EQ(client->Send(Get(server.Url()), kLong)->body.RevealText(), "2");
}

}  // namespace
}  // namespace openkeyring
