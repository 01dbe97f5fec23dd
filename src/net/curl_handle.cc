// SPDX-License-Identifier: MIT
#include "net/curl_handle.h"

#include <sys/socket.h>

namespace openkeyring {
namespace {

constexpr long kMaxKept = 2;
constexpr int kLongestPoll = 1000;  // Milliseconds.

curl_socket_t OpenSocket(void*, curlsocktype, curl_sockaddr* address) {
  return socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
}

}  // namespace

CurlHandle::CurlHandle() : multi_(curl_multi_init()), easy_(curl_easy_init()) {
  if (multi_ == nullptr) return;
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kMaxKept);
}

CURLcode CurlHandle::Perform(const Cancellation* cancellation) {
  curl_easy_setopt(easy(), CURLOPT_OPENSOCKETFUNCTION, OpenSocket);
  if (curl_multi_add_handle(multi_.get(), easy()) != CURLM_OK) {
    return CURLE_FAILED_INIT;
  }
  has_begun_ = false;
  const CURLcode code = PerformAdded(cancellation);
  curl_multi_remove_handle(multi_.get(), easy());
  return code;
}

CURLcode CurlHandle::PerformAdded(const Cancellation* cancellation) {
  const int slice = cancellation == nullptr
                        ? kLongestPoll
                        : static_cast<int>(kCancellationSlice.count());
  for (int running = 1; running > 0;) {
    if (cancellation != nullptr && cancellation->IsCancelled()) {
      return CURLE_ABORTED_BY_CALLBACK;
    }
    has_begun_ = true;
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK ||
        (running > 0 && curl_multi_poll(multi_.get(), nullptr, 0, slice,
                                        nullptr) != CURLM_OK)) {
      return CURLE_OUT_OF_MEMORY;
    }
  }
  int queued = 0;
  const CURLMsg* message = curl_multi_info_read(multi_.get(), &queued);
  return message == nullptr ? CURLE_FAILED_INIT : message->data.result;
}

}  // namespace openkeyring
