// SPDX-License-Identifier: MIT
#include "testing/fakes.h"

namespace openkeyring {

Result<HttpResponse> FakeHttp::Send(const HttpRequest& request,
                                    Millis timeout) {
  if (on_send_) on_send_();
  {
    std::lock_guard lock(mutex_);
    seen_.push_back({request.method, request.url,
                     std::string(request.body.RevealText()), request.headers,
                     request.allow_plain_http, request.use_proxy,
                     request.send_once, timeout});
    if (!handler_) {
      if (queue_.empty()) {
        return Status(StatusCode::kUnavailable, "the fake has no more answers");
      }
      Result<HttpResponse> answer = std::move(queue_.front());
      queue_.pop_front();
      return answer;
    }
  }
  return handler_(request);
}

void FakeHttp::Push(int status, std::string_view body,
                    std::vector<Header> headers) {
  std::lock_guard lock(mutex_);
  queue_.push_back(MakeResponse(status, body, std::move(headers)));
}

void FakeHttp::PushError(Status error) {
  std::lock_guard lock(mutex_);
  queue_.push_back(std::move(error));
}

std::string FakeHttp::Seen::HeaderOr(const std::string& name) const {
  for (const Header& header : headers) {
    if (header.first == name) return header.second;
  }
  return "";
}

std::vector<FakeHttp::Seen> FakeHttp::seen() const {
  std::lock_guard lock(mutex_);
  return seen_;
}

HttpResponse MakeResponse(int status, std::string_view body,
                          std::vector<Header> headers) {
  HttpResponse response;
  response.status = status;
  response.body = Secret::CopyOf(body);
  response.headers = std::move(headers);
  return response;
}

}  // namespace openkeyring
