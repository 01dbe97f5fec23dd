// SPDX-License-Identifier: MIT
#include "net/tls_stream.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <unistd.h>

#include <latch>
#include <memory>
#include <string>

#include "testing/silent_listener.h"
#include "testing/temporary_directory.h"
#include "testing/tls_server.h"

namespace openkeyring {
namespace {

using std::chrono::hours;

constexpr Millis kLong{20000};

Deadline In(Millis time) { return Deadline::After(SystemClock(), time); }

// Gives back every byte, until the client goes.
void Echo(TlsSession& session) {
  for (;;) {
    const std::string byte = session.Read(1);
    if (byte.empty() || !session.Write(byte)) return;
  }
}

class TlsStreamTest : public testing::Test {
 protected:
  TlsServerOptions Server() {
    TlsServerOptions options;
    options.certificate = authority_.Issue("DNS:localhost,IP:127.0.0.1");
    options.client_ca = authority_.bundle();
    return options;
  }

  TlsOptions Client() {
    const TestCertificate own = authority_.IssueClient("client");
    TlsOptions options;
    options.ca_file = authority_.bundle();
    options.certificate_file = own.certificate;
    options.key_file = own.key;
    options.connect_timeout = kLong;
    return options;
  }

  Result<std::unique_ptr<ByteStream>> Connect(TlsOptions options, int port,
                                              std::string host = "127.0.0.1") {
    auto made = TlsConnector::Make(std::move(options), PosixFileSystem());
    if (!made) return made.error();
    connectors_.push_back(std::move(*made));
    return connectors_.back()->Connect(host, port, In(kLong));
  }

  // What a try to connect, send and receive ends with.
  Status Talk(TlsOptions options, int port, std::string host = "127.0.0.1") {
    auto stream = Connect(std::move(options), port, std::move(host));
    return stream ? Exchange(**stream, "x").status() : stream.error();
  }

  static Result<std::string> Exchange(ByteStream& stream,
                                      const std::string& text) {
    Status status = stream.Write(AsBytes(text), In(kLong));
    if (!status.ok()) return status;
    std::string back;
    while (back.size() < text.size()) {
      uint8_t bytes[4096];
      const Result<size_t> n = stream.Read(bytes, In(kLong));
      if (!n) return n.error();
      if (*n == 0) return Status(StatusCode::kUnavailable, "closed");
      back.append(AsText({bytes, *n}));
    }
    return back;
  }

  TemporaryDirectory directory_;
  TestAuthority authority_{directory_.path()};
  std::vector<std::unique_ptr<TlsConnector>> connectors_;
};

TEST_F(TlsStreamTest, SendsAndReceivesWithBothCertificatesVerified) {
  std::string client;
  std::latch done(1);
  TlsServer server(Server(), [&](TlsSession& session) {
    client = session.ClientName();
    done.count_down();
    Echo(session);
  });
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream) << stream.status().message();
  EXPECT_EQ(*Exchange(**stream, "hello"), "hello");
  done.wait();
  EXPECT_EQ(client, "client");
  EXPECT_TRUE((*stream)->Description().starts_with("TLSv1.3, "));
}

TEST_F(TlsStreamTest, ByNameTheCertificatesNameCounts) {
  TlsServer server(Server(), Echo);
  const Status status = Talk(Client(), server.port(), "localhost");
  EXPECT_TRUE(status.ok()) << status.message();
}

// RFC 6066, clause 3: servers that go by the name know none with that dot, and
// some end the handshake over it.
TEST_F(TlsStreamTest, AnAbsoluteNameIsTheOneInTheCertificate) {
  std::string asked;
  std::latch done(1);
  TlsServerOptions options = Server();
  options.certificate = authority_.Issue("DNS:kmip.resolver.test");
  TlsServer server(std::move(options), [&](TlsSession& session) {
    asked = session.ServerName();
    done.count_down();
    Echo(session);
  });
  const Status status = Talk(Client(), server.port(), "kmip.resolver.test.");
  ASSERT_TRUE(status.ok()) << status.message();
  done.wait();
  EXPECT_EQ(asked, "kmip.resolver.test");
}

TEST_F(TlsStreamTest, LargeAmountsGoThroughInBothDirections) {
  TlsServer server(Server(), [](TlsSession& session) {
    const std::string bytes = session.Read(3 << 20);
    session.Write(bytes);
    session.WaitForEnd(20000);
  });
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream);
  std::string text(3 << 20, 'a');
  for (size_t i = 0; i < text.size(); i += 1000) text[i] = 'b';
  EXPECT_TRUE(*Exchange(**stream, text) == text);
}

TEST_F(TlsStreamTest, AnotherAuthoritysServerIsRefusedAndTheCureIsNamed) {
  TestAuthority other(directory_.path(), "Other CA");
  TlsServerOptions options = Server();
  options.certificate = other.Issue("IP:127.0.0.1");
  TlsServer server(options, Echo);
  const Status status = Talk(Client(), server.port());
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
  EXPECT_NE(status.message().find("server_ca"), std::string::npos);
  EXPECT_EQ(status.message().find("tls_peer_verification"), std::string::npos);
  TlsOptions unverified = Client();
  unverified.verify_certificate = false;
  EXPECT_TRUE(Talk(std::move(unverified), server.port()).ok());
}

TEST_F(TlsStreamTest, AnotherHostsCertificateIsRefusedAndTheCureIsNamed) {
  TlsServerOptions options = Server();
  options.certificate = authority_.Issue("DNS:elsewhere.invalid,IP:127.0.0.9");
  TlsServer server(options, Echo);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const Status status = Talk(Client(), server.port(), host);
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
    EXPECT_NE(status.message().find("tls_hostname_verification"),
              std::string::npos);
  }
  TlsOptions any_host = Client();
  any_host.verify_host_name = false;
  EXPECT_TRUE(Talk(std::move(any_host), server.port()).ok());
}

TEST_F(TlsStreamTest, TheHostIsCheckedEvenWhenTheAuthorityIsNot) {
  TlsServerOptions options = Server();
  options.certificate = authority_.Issue("DNS:elsewhere.invalid");
  TlsServer server(options, Echo);
  TlsOptions client = Client();
  client.verify_certificate = false;
  EXPECT_EQ(Talk(std::move(client), server.port()).code(),
            StatusCode::kMisconfigured);
}

TEST_F(TlsStreamTest, AnExpiredServerIsRefused) {
  TlsServerOptions options = Server();
  options.certificate =
      authority_.Issue("IP:127.0.0.1", std::chrono::hours(-1));
  TlsServer server(options, Echo);
  const Status status = Talk(Client(), server.port());
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("expired"), std::string::npos);
}

class TlsRefusal : public TlsStreamTest,
                   public testing::WithParamInterface<int> {};

TEST_P(TlsRefusal, OfOurCertificateIsMisconfiguredAndNamesIt) {
  TlsServerOptions options = Server();
  options.max_version = GetParam();
  TlsServer server(options, Echo);
  TlsOptions none = Client();
  none.certificate_file = none.key_file = "";
  Status status = Talk(std::move(none), server.port());
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
  EXPECT_NE(status.message().find("client"), std::string::npos);

  TlsOptions expired = Client();
  const TestCertificate old =
      authority_.IssueClient("old", std::chrono::hours(-1));
  expired.certificate_file = old.certificate;
  expired.key_file = old.key;
  status = Talk(std::move(expired), server.port());
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
  EXPECT_NE(status.message().find(old.certificate), std::string::npos);
  EXPECT_NE(status.message().find("expired"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsRefusal,
                         testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_F(TlsStreamTest, AMinimumVersionIsKept) {
  TlsServerOptions options = Server();
  options.max_version = TLS1_2_VERSION;
  TlsServer server(options, Echo);
  EXPECT_TRUE(Talk(Client(), server.port()).ok());
  TlsOptions strict = Client();
  strict.minimum_version = "1.3";
  const Status status = Talk(std::move(strict), server.port());
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
  EXPECT_NE(status.message().find("tls_min_version"), std::string::npos);
}

TEST_F(TlsStreamTest, AnUnknownMinimumVersionIsMisconfigured) {
  TlsOptions options = Client();
  options.minimum_version = "1.1";
  EXPECT_EQ(Talk(std::move(options), 1).code(), StatusCode::kMisconfigured);
}

TEST_F(TlsStreamTest, AnEncryptedKeyNeedsItsPassword) {
  TlsServer server(Server(), Echo);
  const TestCertificate own =
      authority_.IssueClient("c", std::chrono::hours(24), "open sesame");
  const auto with = [&](std::string_view password) {
    TlsOptions options = Client();
    options.certificate_file = own.certificate;
    options.key_file = own.key;
    options.key_password = Secret::CopyOf(password);
    return Talk(std::move(options), server.port());
  };
  EXPECT_TRUE(with("open sesame").ok());
  const Status none = with("");
  EXPECT_EQ(none.code(), StatusCode::kMisconfigured);
  EXPECT_NE(none.message().find("client_key_password_file is not set"),
            std::string::npos)
      << none.message();
  const Status wrong = with("open barley");
  EXPECT_EQ(wrong.code(), StatusCode::kMisconfigured);
  EXPECT_NE(wrong.message().find("does not open it"), std::string::npos);
  EXPECT_EQ(wrong.message().find("barley"), std::string::npos);
}

TEST_F(TlsStreamTest, UnusableFilesAreNamedWithTheirOption) {
  const std::string rubbish = directory_.Write("rubbish", "rubbish");
  const TestCertificate other = authority_.IssueClient("other");
  const struct {
    std::string TlsOptions::*field;
    std::string value;
    const char* text;
  } cases[] = {
      {&TlsOptions::ca_file, rubbish, "server_ca"},
      {&TlsOptions::ca_file, "/nonexistent/ca", "server_ca"},
      {&TlsOptions::certificate_file, rubbish, "client_ca"},
      {&TlsOptions::certificate_file, "/nonexistent/c", "client_ca"},
      {&TlsOptions::key_file, rubbish, "client_key"},
      {&TlsOptions::key_file, "/nonexistent/k", "client_key"},
      {&TlsOptions::key_file, other.key, "is not the key of"},
  };
  for (const auto& one : cases) {
    TlsOptions options = Client();
    options.*one.field = one.value;
    const Status status = Talk(std::move(options), 1);
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << one.value;
    EXPECT_NE(status.message().find(one.text), std::string::npos)
        << status.message();
    EXPECT_NE(status.message().find(one.value), std::string::npos)
        << status.message();
  }
}

TEST_F(TlsStreamTest, TheEndOfACertificateIsKnownHoweverFarItIs) {
  const auto expiry_of = [](TlsOptions options) {
    const auto made = TlsConnector::Make(std::move(options), PosixFileSystem());
    EXPECT_TRUE(made) << made.status().message();
    return (*made)->CertificateExpiry();
  };
  TlsOptions options;
  options.ca_file = authority_.bundle();
  EXPECT_EQ(expiry_of(std::move(options)), std::nullopt);
  const hours seven_thousand_years(24 * 365 * 7000);
  const TestCertificate own =
      authority_.IssueClient("client", seven_thousand_years);
  options = Client();
  options.certificate_file = own.certificate;
  options.key_file = own.key;
  EXPECT_GT(expiry_of(std::move(options)),
            std::chrono::system_clock::now() + hours(24 * 365 * 200));
}

TEST_F(TlsStreamTest, ARenewedCertificateIsUsedAndABrokenOneIsNot) {
  std::mutex mutex;
  std::vector<std::string> names;
  TlsServer server(Server(), [&](TlsSession& session) {
    {
      const std::lock_guard lock(mutex);
      names.push_back(session.ClientName());
    }
    Echo(session);
  });
  const TestCertificate first = authority_.IssueClient("first");
  const TestCertificate second = authority_.IssueClient("the second", hours(9));
  TlsOptions options = Client();
  options.certificate_file = first.certificate;
  options.key_file = first.key;
  auto made = TlsConnector::Make(std::move(options), PosixFileSystem());
  ASSERT_TRUE(made);
  const auto talk = [&] {
    auto stream = (*made)->Connect("127.0.0.1", server.port(), In(kLong));
    ASSERT_TRUE(stream) << stream.status().message();
    EXPECT_TRUE(Exchange(**stream, "x"));
  };
  const auto hours_left = [&] {
    return std::chrono::round<hours>(*(*made)->CertificateExpiry() -
                                     std::chrono::system_clock::now());
  };
  talk();
  EXPECT_EQ(hours_left(), hours(24));
  std::filesystem::copy_file(second.certificate, first.certificate,
                             std::filesystem::copy_options::overwrite_existing);
  talk();  // The key is not there yet.
  EXPECT_EQ(hours_left(), hours(24)) << "of the one in use";
  std::filesystem::copy_file(second.key, first.key,
                             std::filesystem::copy_options::overwrite_existing);
  talk();
  EXPECT_EQ(hours_left(), hours(9));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(names, (std::vector<std::string>{"first", "first", "the second"}));
}

TEST_F(TlsStreamTest, NobodyThereIsUnavailable) {
  int port = 0;
  {
    TlsServer server(Server(), Echo);
    port = server.port();
  }
  const Status status = Talk(Client(), port);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find(std::to_string(port)), std::string::npos);
}

TEST_F(TlsStreamTest, AnUnknownHostIsMisconfigured) {
  // RFC 6761: never resolves. Without a name service, it is unavailable.
  const Status status = Talk(Client(), 1, "nowhere.invalid");
  EXPECT_TRUE(status.code() == StatusCode::kMisconfigured ||
              status.code() == StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("nowhere.invalid"), std::string::npos);
}

TEST_F(TlsStreamTest, AHandshakeThatHangsEndsAtTheConnectTimeout) {
  const SilentListener listener;
  TlsOptions options = Client();
  options.connect_timeout = Millis(100);
  const SteadyTime start = SystemClock().Steady();
  const Status status = Talk(std::move(options), listener.port());
  EXPECT_EQ(status.code(), StatusCode::kTimeout) << status.message();
  EXPECT_LT(SystemClock().Steady() - start, kLong / 2);
}

TEST_F(TlsStreamTest, AnAnswerThatDoesNotComeEndsAtTheDeadline) {
  TlsServer server(Server(),
                   [](TlsSession& session) { session.WaitForEnd(20000); });
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream);
  uint8_t byte = 0;
  const auto read = (*stream)->Read({&byte, 1}, In(Millis(50)));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), StatusCode::kTimeout);
  EXPECT_EQ((*stream)->State(), StreamState::kClosed);
}

TEST_F(TlsStreamTest, AServerThatReadsNothingEndsTheWriteAtTheDeadline) {
  TlsServer server(Server(),
                   [](TlsSession& session) { session.WaitForEnd(20000); });
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream);
  const std::string much(64 << 20, 'x');
  EXPECT_EQ((*stream)->Write(AsBytes(much), In(Millis(100))).code(),
            StatusCode::kTimeout);
}

TEST_F(TlsStreamTest, ACutConnectionIsUnavailableAndRaisesNoSignal) {
  // As in a server that left SIGPIPE alone: a signal would end this program.
  const auto old = signal(SIGPIPE, SIG_DFL);
  TlsServer server(Server(), [](TlsSession& session) { session.Reset(); });
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream);
  Status status;
  while (status.ok()) {
    status = (*stream)->Write(AsBytes(std::string(10000, 'x')), In(kLong));
  }
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.message();
  EXPECT_EQ((*stream)->State(), StreamState::kClosed);
  signal(SIGPIPE, old);
}

TEST_F(TlsStreamTest, AnOrderlyEndIsZeroBytes) {
  TlsServer server(Server(), [](TlsSession& session) {
    session.SayGoodbye();
    session.WaitForEnd(20000);
  });
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream);
  uint8_t byte = 0;
  const auto read = (*stream)->Read({&byte, 1}, In(kLong));
  ASSERT_TRUE(read) << read.status().message();
  EXPECT_EQ(*read, 0U);
}

TEST_F(TlsStreamTest, ATruncatedEndIsUnavailable) {
  TlsServer server(Server(), [](TlsSession& session) {
    session.HalfClose();
    session.WaitForEnd(20000);
  });
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream);
  uint8_t byte = 0;
  const auto read = (*stream)->Read({&byte, 1}, In(kLong));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), StatusCode::kUnavailable);
}

TEST_F(TlsStreamTest, IsQuietUntilSomethingComesThatNobodyWaitsFor) {
  std::latch go(1);
  TlsServer server(Server(), [&](TlsSession& session) {
    session.Write(session.Read(1));
    go.wait();
    session.Write("surprise");
    session.WaitForEnd(20000);
  });
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->State(), StreamState::kQuiet);
  EXPECT_TRUE(Exchange(**stream, "x"));
  EXPECT_EQ((*stream)->State(), StreamState::kQuiet);
  go.count_down();
  const Deadline end = In(kLong);
  while ((*stream)->State() == StreamState::kQuiet &&
         !end.Passed(SystemClock())) {
  }
  EXPECT_EQ((*stream)->State(), StreamState::kUnread);
}

TEST_F(TlsStreamTest, AClosedConnectionIsNotQuiet) {
  TlsServer server(Server(), Echo);
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream);
  EXPECT_TRUE(Exchange(**stream, "x"));
  server.CutAll();
  const Deadline end = In(kLong);
  while ((*stream)->State() == StreamState::kQuiet &&
         !end.Passed(SystemClock())) {
  }
  EXPECT_EQ((*stream)->State(), StreamState::kClosed);
}

// Renegotiation lets a server change its identity in the middle.
TEST_F(TlsStreamTest, DoesNotRenegotiate) {
  TlsServerOptions options = Server();
  options.max_version = TLS1_2_VERSION;
  std::string before, after;
  std::latch done(1);
  TlsServer server(std::move(options), [&](TlsSession& session) {
    const std::string byte = session.Read(1);
    before = session.Finished();
    session.AskForRenegotiation();
    session.Write(byte);
    (void)session.Read(1);
    after = session.Finished();
    done.count_down();
  });
  auto stream = Connect(Client(), server.port());
  ASSERT_TRUE(stream);
  EXPECT_TRUE(Exchange(**stream, "x"));
  (void)(*stream)->Write(AsBytes("y"), In(kLong));
  done.wait();
  EXPECT_FALSE(before.empty());
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace openkeyring
