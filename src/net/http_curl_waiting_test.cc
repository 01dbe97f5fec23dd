// SPDX-License-Identifier: MIT
// No answer: servers, name services and turns that do not come.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>

#include "net/http_curl.h"
#include "testing/fake_name_service.h"
#include "testing/http_requests.h"
#include "testing/silent_listener.h"

namespace {

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

namespace openkeyring {
namespace {

constexpr char kSlowName[] = "kms.resolver.test";  // Of the fake name service.

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

int ClosedPort() { return SilentListener().port(); }

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

}  // namespace
}  // namespace openkeyring
