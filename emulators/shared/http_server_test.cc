// SPDX-License-Identifier: MIT
#include "emulators/shared/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

namespace emulators {
namespace {

class Connection {
 public:
  explicit Connection(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Connection() { close(fd_); }

  // The first piece of the answer; "" when the connection ends.
  std::string Ask(const std::string& path) {
    const std::string text = "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n";
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    char answer[4096];
    const ssize_t n = recv(fd_, answer, sizeof answer, 0);
    return n > 0 ? std::string(answer, static_cast<size_t>(n)) : "";
  }

 private:
  const int fd_;
};

// Answers with the path; "/cut", "/hang" and "/truncate" misbehave.
Reply Echo(const HttpMessage& request) {
  Reply reply;
  reply.body = request.path;
  if (request.path == "/cut") reply.delivery.kind = Delivery::Kind::kCut;
  if (request.path == "/hang") reply.delivery.kind = Delivery::Kind::kHang;
  if (request.path == "/truncate") {
    reply.delivery = {Delivery::Kind::kTruncate, 2, openkeyring::Millis(0)};
  }
  return reply;
}

TEST(EmulatorHttpServer, ServesManyKeptConnectionsAtOnce) {
  Counters counters;
  const auto server = HttpServer::Start({}, Echo, counters);
  ASSERT_TRUE(server.has_value());
  std::vector<std::future<void>> clients;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(std::async(std::launch::async, [&] {
      Connection connection((*server)->port());
      for (int j = 0; j < 20; ++j) {
        EXPECT_TRUE(connection.Ask("/x").ends_with("\r\n\r\n/x"));
      }
    }));
  }
  for (auto& client : clients) client.get();
  const Json seen = counters.ToJson();
  EXPECT_EQ(seen["accepted_connections"], 16);
  EXPECT_EQ(seen["requests"], 320);
}

TEST(EmulatorHttpServer, CutsAndTruncates) {
  Counters counters;
  const auto server = HttpServer::Start({}, Echo, counters);
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ(Connection((*server)->port()).Ask("/cut"), "");
  const std::string answer = Connection((*server)->port()).Ask("/truncate");
  EXPECT_NE(answer.find("Content-Length: 9\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n/t"));
}

TEST(EmulatorHttpServer, ItsEndBreaksOffWhatHangs) {
  Counters counters;
  auto server = HttpServer::Start({}, Echo, counters);
  ASSERT_TRUE(server.has_value());
  auto stuck = std::async(std::launch::async, [port = (*server)->port()] {
    return Connection(port).Ask("/hang");
  });
  while (counters.ToJson()["open_requests"] == 0) std::this_thread::yield();
  server->reset();
  EXPECT_EQ(stuck.get(), "");
  EXPECT_EQ(counters.ToJson()["open_connections"], 0);
}

TEST(EmulatorHttpServer, ConnectionsBeyondTheBoundWaitTheirTurn) {
  Counters counters;
  HttpServer::Options options;
  options.max_connections = 1;
  const auto server = HttpServer::Start(options, Echo, counters);
  ASSERT_TRUE(server.has_value());
  auto first = std::make_unique<Connection>((*server)->port());
  EXPECT_NE(first->Ask("/a"), "");
  auto second = std::async(std::launch::async, [&] {
    return Connection((*server)->port()).Ask("/b");
  });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(100)),
            std::future_status::timeout);
  first.reset();
  EXPECT_TRUE(second.get().ends_with("/b"));
}

TEST(EmulatorHttpServer, WhatCannotBeListenedOnIsAnError) {
  Counters counters;
  HttpServer::Options options;
  options.address = "localhost";
  EXPECT_EQ(HttpServer::Start(options, Echo, counters).error().code(),
            StatusCode::kMisconfigured);
  const auto server = HttpServer::Start({}, Echo, counters);
  options.address = "127.0.0.1";
  options.port = (*server)->port();
  EXPECT_EQ(HttpServer::Start(options, Echo, counters).error().code(),
            StatusCode::kUnavailable);
}

}  // namespace
}  // namespace emulators
