// SPDX-License-Identifier: MIT
#include "net/http_curl.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "testing/http_test_server.h"
#include "testing/temporary_directory.h"

namespace {

// The name service of this program, which a test can make hang for one name.
std::atomic<bool> name_service_hangs{false};
std::atomic<bool> name_service_is_asked{false};
constexpr char kSlowName[] = "kms.resolver.test";

// How often a library was told to stay mapped (KeepLibraryMapped).
std::atomic<int> libraries_kept{0};

}  // namespace

extern "C" __attribute__((visibility("default"))) void* dlopen(const char* name,
                                                               int flags) {
  using Function = void* (*)(const char*, int);
  static const auto real =
      reinterpret_cast<Function>(dlsym(RTLD_NEXT, "dlopen"));
  if ((flags & RTLD_NODELETE) != 0) ++libraries_kept;
  return real(name, flags);
}

extern "C" __attribute__((visibility("default"))) int getaddrinfo(
    const char* name, const char* service, const addrinfo* hints,
    addrinfo** found) {
  using Function =
      int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real =
      reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (name == nullptr || strcmp(name, kSlowName) != 0) {
    return real(name, service, hints, found);
  }
  name_service_is_asked = true;
  for (int i = 0; i < 300 && name_service_hangs; ++i) usleep(10000);
  return real("127.0.0.1", service, hints, found);
}

namespace openkeyring {
namespace {

constexpr Millis kLong{10000};

HttpRequest Get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  request.use_proxy = false;
  return request;
}

HttpRequest Post(const std::string& url, std::string_view body) {
  HttpRequest request = Get(url);
  request.method = "POST";
  request.body = Secret::CopyOf(body);
  return request;
}

StatusCode CodeOf(HttpClient& client, const HttpRequest& request,
                  Millis timeout = kLong) {
  return client.Send(request, timeout).status().code();
}

HttpTestServer::Handler Says(const std::string& answer) {
  return [answer](const std::string&) { return answer; };
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Holds handlers back until it is opened.
class Gate {
 public:
  ~Gate() { Open(); }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait_for(lock, kLong, [&] { return open_; });
    --inside_;
  }
  bool AwaitInside(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLong, [&] { return inside_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
};

// Takes connections and never says a word.
class SilentListener {
 public:
  SilentListener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd_, generic, size) == 0 && listen(fd_, 8) == 0 &&
        getsockname(fd_, generic, &size) == 0) {
      port_ = ntohs(address.sin_port);
    }
  }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;
  ~SilentListener() { close(fd_); }
  int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

int ClosedPort() { return SilentListener().port(); }

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

TEST(CurlHttpClient, ACallBeyondTheBoundTimesOutWhileItWaitsForItsTurn) {
  Gate gate;
  HttpTestServer server([&](const std::string&) {
    gate.Pass();
    return HttpAnswer(200, "x");
  });
  CurlOptions options;
  options.max_connections = 1;
  const auto client = MakeCurlHttpClient(options);
  std::jthread first(
      [&] { EXPECT_TRUE(client->Send(Get(server.Url()), kLong)); });
  ASSERT_TRUE(gate.AwaitInside(1));
  const auto second = client->Send(Get(server.Url()), Millis(50));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), StatusCode::kTimeout);
  EXPECT_TRUE(Contains(second.error().message(), "all 1 busy"));
  gate.Open();
  first.join();
  EXPECT_TRUE(client->Send(Get(server.Url()), kLong));
}

TEST(CurlHttpClient, TimesOutWhenTheAnswerDoesNotCome) {
  Gate gate;
  HttpTestServer server([&](const std::string&) {
    gate.Pass();
    return std::string();
  });
  const auto client = MakeCurlHttpClient({});
  const SteadyTime start = SystemClock().Steady();
  EXPECT_EQ(CodeOf(*client, Get(server.Url()), Millis(100)),
            StatusCode::kTimeout);
  EXPECT_LT(SystemClock().Steady() - start, kLong / 2);
  gate.Open();
}

// Sends, cancels when the server has the request, and says how long the call
// lasted from then on.
Millis TimeToEndAfterCancel(HttpClient& client, HttpRequest request,
                            const std::function<void()>& await) {
  Cancellation cancellation;
  request.cancellation = &cancellation;
  SteadyTime cancelled{};
  std::jthread canceller([&] {
    await();
    cancelled = SystemClock().Steady();
    cancellation.Cancel();
  });
  const Status status = client.Send(request, Millis(60000)).status();
  const SteadyTime end = SystemClock().Steady();
  canceller.join();
  EXPECT_EQ(status.code(), StatusCode::kTimeout);
  EXPECT_TRUE(Contains(status.message(), "nobody waits for it"))
      << status.message();
  return std::chrono::duration_cast<Millis>(end - cancelled);
}

TEST(CurlHttpClient, ACancelledCallEndsAtOnceAndTheNextOneWorks) {
  Gate gate;
  HttpTestServer server([&](const std::string& request) {
    if (request.starts_with("GET /hang")) gate.Pass();
    return HttpAnswer(200, "yes");
  });
  const auto client = MakeCurlHttpClient({});
  EXPECT_LT(TimeToEndAfterCancel(*client, Get(server.Url("/hang")),
                                 [&] { EXPECT_TRUE(gate.AwaitInside(1)); }),
            Millis(700));
  EXPECT_EQ(CodeOf(*client, Get(server.Url())), StatusCode::kOk);
}

TEST(CurlHttpClient, ACallThatIsCancelledBeforeItBeginsIsNotSent) {
  HttpTestServer server(Says(HttpAnswer(200, "yes")));
  const auto client = MakeCurlHttpClient({});
  Cancellation cancellation;
  cancellation.Cancel();
  HttpRequest request = Get(server.Url());
  request.cancellation = &cancellation;
  const int kept = libraries_kept;
  EXPECT_EQ(CodeOf(*client, request), StatusCode::kTimeout);
  EXPECT_TRUE(server.requests().empty());
  EXPECT_EQ(libraries_kept, kept) << "no thread can be left that needs it";
}

TEST(CurlHttpClient, ACancelledCallDoesNotWaitForAHungNameService) {
  name_service_hangs = true;
  name_service_is_asked = false;
  const auto client = MakeCurlHttpClient({});
  const int kept = libraries_kept;
  const auto until_asked = [] {
    while (!name_service_is_asked) SystemClock().SleepFor(Millis(1));
  };
  EXPECT_LT(
      TimeToEndAfterCancel(
          *client, Get("https://" + std::string(kSlowName) + "/"), until_asked),
      Millis(700));
  EXPECT_EQ(libraries_kept, kept + 1) << "for the thread that still waits";
  name_service_hangs = false;
}

TEST(CurlHttpClient, ACancelledCallDoesNotWaitForItsTurn) {
  Gate gate;
  HttpTestServer server([&](const std::string&) {
    gate.Pass();
    return HttpAnswer(200, "yes");
  });
  CurlOptions options;
  options.max_connections = 1;
  const auto client = MakeCurlHttpClient(options);
  std::jthread first(
      [&] { EXPECT_TRUE(client->Send(Get(server.Url()), kLong)); });
  EXPECT_TRUE(gate.AwaitInside(1));
  Cancellation cancellation;
  HttpRequest request = Get(server.Url());
  request.cancellation = &cancellation;
  const SteadyTime start = SystemClock().Steady();
  std::jthread canceller([&] {
    SystemClock().SleepFor(Millis(50));
    cancellation.Cancel();
  });
  EXPECT_EQ(CodeOf(*client, request), StatusCode::kTimeout);
  EXPECT_LT(SystemClock().Steady() - start, kLong / 2);
  gate.Open();
}

TEST(CurlHttpClient, TimesOutWhenTheHandshakeDoesNotCome) {
  const SilentListener listener;
  CurlOptions options;
  options.connect_timeout = Millis(100);
  const auto client = MakeCurlHttpClient(options);
  EXPECT_EQ(CodeOf(*client,
                   Get("https://127.0.0.1:" + std::to_string(listener.port()))),
            StatusCode::kTimeout);
}

TEST(CurlHttpClient, ARefusedConnectionIsUnavailable) {
  const auto client = MakeCurlHttpClient({});
  const auto answer = client->Send(
      Get("http://127.0.0.1:" + std::to_string(ClosedPort())), kLong);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(Contains(answer.error().message(), "127.0.0.1"));
}

TEST(CurlHttpClient, AnUnknownHostIsUnavailable) {
  const auto client = MakeCurlHttpClient({});
  EXPECT_TRUE(
      client->Send(Get("https://host.invalid/"), kLong).status().IsTransient());
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

TEST(CurlHttpClient, IsOfALibraryThatClientsMayStartAtOnceAndThatNeedsOpenSsl) {
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  EXPECT_TRUE(info->features & CURL_VERSION_THREADSAFE);
  EXPECT_TRUE(info->features & CURL_VERSION_ASYNCHDNS) << "timeouts need it";
  EXPECT_TRUE(info->features & CURL_VERSION_HTTPS_PROXY);
  EXPECT_TRUE(std::string(info->ssl_version).starts_with("OpenSSL/3."));
}

ptrdiff_t ThreadsOfThisProcess() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST(CurlHttpClient, LeavesNoThreadAfterACall) {
  const auto client = MakeCurlHttpClient({});
  const HttpRequest request =
      Get("http://localhost:" + std::to_string(ClosedPort()));
  EXPECT_FALSE(client->Send(request, kLong));
  const ptrdiff_t before = ThreadsOfThisProcess();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(client->Send(request, kLong));
  EXPECT_LE(ThreadsOfThisProcess(), before);
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

// ---- TLS -------------------------------------------------------------------

constexpr char kHosts[] = "DNS:localhost,IP:127.0.0.1";

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

TEST(CurlHttpClient, AHungNameServiceIsNotWaitedForBeyondTheTimeout) {
  name_service_hangs = true;
  CurlOptions options;
  options.connect_timeout = Millis(300);
  const auto client = MakeCurlHttpClient(options);
  HttpRequest request = Get(std::string("http://") + kSlowName + "/");
  request.allow_plain_http = true;
  const SteadyTime begin = SystemClock().Steady();
  const Status status = client->Send(request, Millis(400)).status();
  EXPECT_EQ(status.code(), StatusCode::kTimeout) << status.ToString();
  EXPECT_LT(SystemClock().Steady() - begin, Millis(1500));
  name_service_hangs = false;
}

TEST(CurlHttpClient, AHostIsFoundAtItsLastAddressWhileItsNameIsNotResolved) {
  HttpTestServer server(
      Says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
           "Connection: close\r\n\r\nhi"));
  CurlOptions options;
  options.connect_timeout = Millis(300);
  HttpRequest request = Get(server.Url("/", kSlowName));
  request.allow_plain_http = true;
  request.send_once = true;
  const auto client = MakeCurlHttpClient(options);
  ASSERT_TRUE(client->Send(request, kLong));
  name_service_hangs = true;
  // libcurl's own cache, which is a minute's, is another handle's.
  const Result<HttpResponse> answer = [&] {
    HttpTestServer::Handler ask = [&](const std::string&) {
      const auto inner = client->Send(request, kLong);
      return HttpAnswer(inner ? 200 : 500,
                        inner ? "" : inner.error().message());
    };
    HttpTestServer outer(ask);
    return client->Send(Get(outer.Url()), kLong);
  }();
  name_service_hangs = false;
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->status, 200) << answer->body.RevealText();
  EXPECT_EQ(server.requests().size(), 2u);
}

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
