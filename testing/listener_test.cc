// SPDX-License-Identifier: MIT
#include "testing/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>

namespace openkeyring {
namespace {

class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { close(fd_); }
  // The byte sent back; 0 when the connection ended.
  char Ask(char byte) {
    EXPECT_EQ(send(fd_, &byte, 1, MSG_NOSIGNAL), 1);
    char answer = 0;
    return recv(fd_, &answer, 1, 0) == 1 ? answer : '\0';
  }

 private:
  const int fd_;
};

// Sends back each byte; never answers '?'.
void Echo(int fd) {
  char byte;
  while (recv(fd, &byte, 1, 0) == 1) {
    if (byte != '?') send(fd, &byte, 1, MSG_NOSIGNAL);
  }
}

std::unique_ptr<Listener> Started(Listener::Options options = {}) {
  auto started = Listener::Start(std::move(options), Echo);
  EXPECT_TRUE(started.has_value());
  return std::move(*started);
}

TEST(Listener, ServesConnectionsConcurrentlyAndCountsThem) {
  const auto listener = Started();
  Client first(listener->port()), second(listener->port());
  EXPECT_EQ(first.Ask('a'), 'a');
  EXPECT_EQ(second.Ask('b'), 'b');
  EXPECT_EQ(first.Ask('c'), 'c');
  EXPECT_EQ(listener->accepted(), 2);
  EXPECT_EQ(listener->open(), 2);
}

TEST(Listener, AConnectionThatEndedIsNotOpenAnyMore) {
  const auto listener = Started();
  { EXPECT_EQ(Client(listener->port()).Ask('a'), 'a'); }
  while (listener->open() != 0) std::this_thread::yield();
  EXPECT_EQ(listener->accepted(), 1);
}

TEST(Listener, ShutsConnectionsDownAndKeepsListening) {
  const auto listener = Started();
  auto stuck = std::async(std::launch::async,
                          [&] { return Client(listener->port()).Ask('?'); });
  while (listener->open() == 0) std::this_thread::yield();
  listener->ShutDownConnections();
  EXPECT_EQ(stuck.get(), '\0');
  EXPECT_EQ(Client(listener->port()).Ask('a'), 'a');
}

TEST(Listener, ItsEndShutsDownWhatWaits) {
  auto listener = Started();
  auto stuck = std::async(std::launch::async, [port = listener->port()] {
    return Client(port).Ask('?');
  });
  while (listener->open() == 0) std::this_thread::yield();
  listener.reset();
  EXPECT_EQ(stuck.get(), '\0');
}

TEST(Listener, ConnectionsBeyondTheBoundWaitTheirTurn) {
  Listener::Options options;
  options.max_connections = 1;
  const auto listener = Started(options);
  auto first = std::make_unique<Client>(listener->port());
  EXPECT_EQ(first->Ask('a'), 'a');
  auto second = std::async(std::launch::async,
                           [&] { return Client(listener->port()).Ask('b'); });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(100)),
            std::future_status::timeout);
  first.reset();
  EXPECT_EQ(second.get(), 'b');
}

TEST(Listener, SaysWhatItCannotListenOn) {
  Listener::Options options;
  options.address = "localhost";
  EXPECT_EQ(Listener::Start(options, Echo).error().code(),
            StatusCode::kMisconfigured);
  const auto listener = Started();
  options = {};
  options.port = listener->port();
  EXPECT_EQ(Listener::Start(options, Echo).error().code(),
            StatusCode::kUnavailable);
}

}  // namespace
}  // namespace openkeyring
