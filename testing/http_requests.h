// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_HTTP_REQUESTS_H_
#define OPENKEYRING_TESTING_HTTP_REQUESTS_H_

#include <string>
#include <string_view>

#include "net/http.h"
#include "testing/http_test_server.h"

// What the tests of HTTP clients ask and answer.
namespace openkeyring {

constexpr Millis kLong{10000};

// Without a proxy.
inline HttpRequest Get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  request.use_proxy = false;
  return request;
}

inline HttpRequest Post(const std::string& url, std::string_view body) {
  HttpRequest request = Get(url);
  request.method = "POST";
  request.body = Secret::CopyOf(body);
  return request;
}

inline StatusCode CodeOf(HttpClient& client, const HttpRequest& request,
                         Millis timeout = kLong) {
  return client.Send(request, timeout).status().code();
}

// Always the same answer.
inline HttpTestServer::Handler Says(const std::string& answer) {
  return [answer](const std::string&) { return answer; };
}

inline bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_HTTP_REQUESTS_H_
