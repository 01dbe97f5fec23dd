// SPDX-License-Identifier: MIT
#include "emulators/shared/http_reader.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace emulators {
namespace {

// Gives its text in pieces of `step` bytes, and keeps what is written.
class TextStream : public Stream {
 public:
  TextStream(std::string text, size_t step)
      : text_(std::move(text)), step_(step) {}
  ssize_t Read(char* out, size_t size) override {
    const size_t n = std::min({size, step_, text_.size() - at_});
    std::copy_n(text_.data() + at_, n, out);
    at_ += n;
    return static_cast<ssize_t>(n);
  }
  bool Write(std::string_view bytes) override {
    written += bytes;
    return true;
  }
  std::string written;

 private:
  const std::string text_;
  const size_t step_;
  size_t at_ = 0;
};

TEST(EmulatorHttpReader, ReadsRequestsInWhateverPiecesTheyCome) {
  const std::string text =
      "POST /a%20b?x=%41 HTTP/1.1\r\nHost: h\r\nX-A:  1%2F2 \r\n"
      "Content-Length: 3\r\n\r\nxyz"
      "GET / HTTP/1.1\r\nhost: h\r\n\r\n";
  for (size_t step = 1; step < text.size(); ++step) {
    TextStream stream(text, step);
    HttpReader reader(stream);
    const auto first = reader.Next();
    ASSERT_TRUE(first.request.has_value());
    EXPECT_EQ(first.request->path, "/a%20b");  // Nothing is decoded.
    EXPECT_EQ(first.request->query, "x=%41");
    EXPECT_EQ(first.request->Get("x-a"), "1%2F2");
    EXPECT_EQ(first.request->body, "xyz");
    const auto second = reader.Next();
    ASSERT_TRUE(second.request.has_value());
    EXPECT_EQ(second.request->method, "GET");
    const auto end = reader.Next();
    EXPECT_FALSE(end.request.has_value());
    EXPECT_EQ(end.refusal, 0);
  }
}

TEST(EmulatorHttpReader, JoinsChunks) {
  TextStream stream(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2;x=y\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
      7);
  EXPECT_EQ(HttpReader(stream).Next().request.value().body, "abc");
}

TEST(EmulatorHttpReader, AnswersExpectOnlyWhileTheBodyIsAwaited) {
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
      "Content-Length: 1\r\n\r\n";
  TextStream waiting(head + "x", head.size());
  EXPECT_TRUE(HttpReader(waiting).Next().request.has_value());
  EXPECT_EQ(waiting.written, "HTTP/1.1 100 Continue\r\n\r\n");
  TextStream sent(head + "x", 4096);
  EXPECT_TRUE(HttpReader(sent).Next().request.has_value());
  EXPECT_EQ(sent.written, "");
}

TEST(EmulatorHttpReader, EveryPrefixOfARequestIsAnEndOrARefusal) {
  const std::string text =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz";
  for (size_t size = 0; size < text.size(); ++size) {
    TextStream stream(text.substr(0, size), 5);
    EXPECT_FALSE(HttpReader(stream).Next().request.has_value()) << size;
  }
}

}  // namespace
}  // namespace emulators
