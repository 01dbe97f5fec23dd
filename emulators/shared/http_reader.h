// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_SHARED_HTTP_READER_H_
#define OPENKEYRING_EMULATORS_SHARED_HTTP_READER_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "emulators/shared/http_message.h"

namespace emulators {

// One side of a connection, blocking.
class Stream {
 public:
  virtual ~Stream() = default;
  // As read(2): 0 at the end, below 0 for an error or an idle timeout.
  virtual ssize_t Read(char* out, size_t size) = 0;
  // All of it, or false.
  virtual bool Write(std::string_view bytes) = 0;
};

// Reads HTTP/1.1 requests off a connection, strictly: what is not right is
// refused, never guessed. Answers "Expect: 100-continue" at once.
//
// Why not cpp-httplib, as planned: Debian's build decodes percent signs in
// header values, so that the bytes which were signed are gone; it answers 413
// to form bodies over 8 KiB (web identity tokens are longer); and it cannot
// cut, reset or truncate an answer. What KMS clients send is small enough to
// be read by this one file.
class HttpReader {
 public:
  explicit HttpReader(Stream& stream) : stream_(stream) {}

  // Exactly one of: a request; a status to refuse it with (the connection is
  // then useless); neither, when the client has left.
  struct Incoming {
    std::optional<HttpMessage> request;
    int refusal = 0;
  };
  Incoming Next();

 private:
  bool Fill();  // More bytes into buffer_; false at the end.
  // Up to and without the delimiter; nothing at the end of the stream or when
  // more than `max` bytes would be needed.
  std::optional<std::string> TakeUntil(std::string_view delimiter, size_t max);
  std::optional<std::string> TakeBytes(size_t size);
  // 0 or a refusal; kGone when the stream ended within.
  int ReadBody(HttpMessage& request);
  int ReadSized(const std::string& length, HttpMessage& request);
  int ReadChunks(HttpMessage& request);

  Stream& stream_;
  std::string buffer_;
};

// The head of a request (request line and header lines, without the empty line
// at its end): 0, or a status to refuse it with.
int ParseHead(std::string_view head, HttpMessage& request);

}  // namespace emulators

#endif  // OPENKEYRING_EMULATORS_SHARED_HTTP_READER_H_
