// SPDX-License-Identifier: MIT
#include "net/http_curl.h"

#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/encoding.h"
#include "net/url.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxHeaderBytes = 65536;

// Bounded set of easy handles. The most recently used goes out first, so that
// a light load stays on few, warm connections.
class HandlePool {
 public:
  explicit HandlePool(int limit) : limit_(limit), owner_(getpid()) {}
  ~HandlePool() {
    if (owner_ != getpid()) return;  // The parent's connections, not ours.
    for (CURL* handle : idle_) curl_easy_cleanup(handle);
  }

  // Null when none came free in time.
  CURL* Take(const Deadline& deadline) {
    std::unique_lock lock(mutex_);
    ForgetParents();
    if (!freed_.wait_until(lock, deadline.at(),
                           [&] { return !idle_.empty() || made_ < limit_; })) {
      return nullptr;
    }
    if (idle_.empty()) {
      CURL* handle = curl_easy_init();
      if (handle != nullptr) ++made_;
      return handle;
    }
    CURL* handle = idle_.back();
    idle_.pop_back();
    return handle;
  }

  void Give(CURL* handle) {
    curl_easy_reset(handle);
    {
      std::lock_guard lock(mutex_);
      idle_.push_back(handle);
    }
    freed_.notify_one();
  }

 private:
  // In a child of the process that made them, the handles share sockets with
  // the parent; even closing them properly would disturb it. Leave them be.
  void ForgetParents() {
    if (owner_ == getpid()) return;
    owner_ = getpid();
    idle_.clear();
    made_ = 0;
  }

  const int limit_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<CURL*> idle_;
  int made_ = 0;
  pid_t owner_;
};

class Lease {
 public:
  Lease(HandlePool& pool, const Deadline& deadline)
      : pool_(pool), handle_(pool.Take(deadline)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    if (handle_ != nullptr) pool_.Give(handle_);
  }
  CURL* get() const { return handle_; }

 private:
  HandlePool& pool_;
  CURL* handle_;
};

class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_slist_free_all(list_); }
  void Add(const std::string& line) {
    list_ = curl_slist_append(list_, line.c_str());
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// What one exchange collects. Used by libcurl's callbacks.
struct Answer {
  HttpResponse response;
  size_t max_body = 0;
  size_t header_bytes = 0;
  bool too_large = false;

  static size_t OnBody(char* data, size_t, size_t size, void* self) {
    Answer& answer = *static_cast<Answer*>(self);
    if (answer.response.body.size() + size > answer.max_body) {
      answer.too_large = true;
      return CURL_WRITEFUNC_ERROR;
    }
    answer.response.body.Append(std::string_view(data, size));
    return size;
  }

  static size_t OnHeader(char* data, size_t, size_t size, void* self) {
    Answer& answer = *static_cast<Answer*>(self);
    const std::string_view line(data, size);
    answer.header_bytes += size;
    if (answer.header_bytes > kMaxHeaderBytes) {
      answer.too_large = true;
      return 0;
    }
    if (line.starts_with("HTTP/")) answer.response.headers.clear();
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      answer.response.headers.emplace_back(
          AsciiLower(Trim(line.substr(0, colon))),
          std::string(Trim(line.substr(colon + 1))));
    }
    return size;
  }
};

StatusCode CodeOfCurl(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return StatusCode::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_URL_MALFORMAT:
      return StatusCode::kMisconfigured;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
      return StatusCode::kInternal;
    case CURLE_UNSUPPORTED_PROTOCOL:  // The answer; schemes are checked.
    case CURLE_WEIRD_SERVER_REPLY:
    default:
      return StatusCode::kUnavailable;
  }
}

class CurlHttpClient : public HttpClient {
 public:
  explicit CurlHttpClient(const CurlOptions& options)
      : options_(options), pool_(options.max_connections) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
  }
  ~CurlHttpClient() override = default;

  Result<HttpResponse> Send(const HttpRequest& request,
                            Millis timeout) override {
    Result<Url> url = ParseUrl(request.url);
    if (!url) return url.error();
    if (url->scheme == "http" && !request.allow_plain_http &&
        !url->IsLoopback()) {
      return Status(StatusCode::kMisconfigured,
                    "refused to send to " + request.url +
                        ": plain http is for loopback only; use https");
    }
    Status headers = CheckHeaders(request.headers);
    if (!headers.ok()) return headers;
    const Deadline deadline = Deadline::After(SystemClock(), timeout);
    const Lease lease(pool_, deadline);
    if (lease.get() == nullptr) {
      return Status(StatusCode::kTimeout,
                    "no connection to " + url->HostHeader() +
                        " came free in time (all " +
                        std::to_string(options_.max_connections) + " busy)");
    }
    return Perform(lease.get(), request, *url, deadline);
  }

 private:
  Result<HttpResponse> Perform(CURL* curl, const HttpRequest& request,
                               const Url& url, const Deadline& deadline) {
    Answer answer;
    answer.max_body = options_.max_response_bytes;
    HeaderList headers;
    for (const Header& header : request.headers) {
      headers.Add(header.second.empty() ? header.first + ";"
                                        : header.first + ": " + header.second);
    }
    // libcurl's own additions, which nobody asked for.
    headers.Add("Expect:");
    headers.Add("Accept:");
    const auto is_content_type = [](const Header& header) {
      return AsciiLower(header.first) == "content-type";
    };
    if (std::ranges::none_of(request.headers, is_content_type)) {
      headers.Add("Content-Type:");
    }
    char error_text[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    SetTransport(curl, request, deadline);
    SetMethod(curl, request);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Answer::OnBody);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, Answer::OnHeader);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
    const CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
      answer.response.status = static_cast<int>(status);
      return std::move(answer.response);
    }
    return Failure(code, answer, url, error_text);
  }

  void SetTransport(CURL* curl, const HttpRequest& request,
                    const Deadline& deadline) {
    const Millis left = std::max(Millis(1), deadline.Remaining(SystemClock()));
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
    curl_easy_setopt(
        curl, CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(std::min(left, options_.connect_timeout).count()));
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 2L);
    curl_easy_setopt(curl, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    if (!request.use_proxy) curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (!options_.ca_bundle.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_bundle.c_str());
      curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    }
  }

  static void SetMethod(CURL* curl, const HttpRequest& request) {
    if (request.method == "GET") return;
    const std::string_view body = request.body.RevealText();
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());
  }

  Status Failure(CURLcode code, const Answer& answer, const Url& url,
                 const char* error_text) const {
    if (answer.too_large) {
      return {StatusCode::kUnavailable, "the answer of " + url.HostHeader() +
                                            " is larger than any real one (" +
                                            std::to_string(answer.max_body) +
                                            " bytes)"};
    }
    std::string text = *error_text ? error_text : curl_easy_strerror(code);
    text = "no answer from " + url.HostHeader() + ": " + text;
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
      text += " (is the right CA bundle set, and the host name right?)";
    }
    return {CodeOfCurl(code), text};
  }

  // First in, last out: handles go before the library does.
  struct GlobalCleanup {
    ~GlobalCleanup() { curl_global_cleanup(); }
  } cleanup_;
  const CurlOptions options_;
  HandlePool pool_;
};

}  // namespace

std::unique_ptr<HttpClient> MakeCurlHttpClient(const CurlOptions& options) {
  return std::make_unique<CurlHttpClient>(options);
}

}  // namespace openkeyring
