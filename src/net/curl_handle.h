// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_CURL_HANDLE_H_
#define OPENKEYRING_NET_CURL_HANDLE_H_

#include <curl/curl.h>

#include <memory>

#include "os/cancellation.h"

namespace openkeyring {

// An easy handle, and the multi handle with its open connections. What the
// host starts, such as a script of Galera's, does not inherit them.
//
// Threads: one object is not synchronized.
class CurlHandle {
 public:
  CurlHandle();

  // False: there was no memory for it.
  bool IsComplete() const { return multi_ != nullptr && easy_ != nullptr; }
  CURL* easy() const { return easy_.get(); }
  // Whether the last exchange was more than prepared.
  bool has_begun() const { return has_begun_; }

  // As curl_easy_perform; CURLE_ABORTED_BY_CALLBACK when it was cancelled.
  // Null: nothing cancels it.
  CURLcode Perform(const Cancellation* cancellation);

 private:
  CURLcode PerformAdded(const Cancellation* cancellation);

  struct CleanUpMulti {
    void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
  };
  struct CleanUpEasy {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  std::unique_ptr<CURLM, CleanUpMulti> multi_;
  std::unique_ptr<CURL, CleanUpEasy> easy_;  // Goes first.
  bool has_begun_ = false;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_CURL_HANDLE_H_
