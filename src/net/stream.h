// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_STREAM_H_
#define OPENKEYRING_NET_STREAM_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "os/clock.h"

namespace openkeyring {

enum class StreamState {
  kQuiet,   // Open, and nothing is there to be read.
  kUnread,  // Something came that nobody has read.
  kClosed,
};

// A connection to one server, injected. Errors of all methods:
//   kUnavailable    cut off, reset, closed
//   kTimeout        the deadline passed
//   kMisconfigured  the other side refused our certificate or TLS version,
//                   which TLS 1.3 reports with the first bytes that are read
// After any of these the connection is useless.
//
// Threads: one object is used by one thread at a time.
class ByteStream {
 public:
  virtual ~ByteStream() = default;  // Closes, without waiting.
  // All of the bytes.
  virtual Status Write(ByteView bytes, const Deadline& deadline) = 0;
  // At least one byte; 0 when the other side has closed properly.
  virtual Result<size_t> Read(std::span<uint8_t> into,
                              const Deadline& deadline) = 0;
  // Does not wait. Only a quiet connection may carry another request.
  virtual StreamState State() = 0;
  // For people: "TLSv1.3, TLS_AES_256_GCM_SHA384".
  virtual std::string Description() const = 0;
};

// Makes connections. Threads: Connect may be called concurrently.
class StreamConnector {
 public:
  virtual ~StreamConnector() = default;
  // Errors as above; also kMisconfigured when the server's certificate is not
  // accepted, or a file of ours cannot be used.
  virtual Result<std::unique_ptr<ByteStream>> Connect(
      const std::string& host, int port, const Deadline& deadline) = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_STREAM_H_
