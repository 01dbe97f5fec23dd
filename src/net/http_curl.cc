// SPDX-License-Identifier: MIT
#include "net/http_curl.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "base/encoding.h"
#include "base/vector_registers.h"
#include "net/connection_pool.h"
#include "net/curl_handle.h"
#include "net/curl_memory.h"
#include "net/known_addresses.h"
#include "net/socket.h"
#include "net/trust_store.h"
#include "net/url.h"
#include "os/loaded_library.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxHeaderBytes = 65536;

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

  // Wipes libcurl's buffer, which keeps what it held until it is used again:
  // a key must not be found there (tests/torture/test_secrets.py).
  static size_t OnBody(char* data, size_t, size_t size, void* self) {
    Answer& answer = *static_cast<Answer*>(self);
    answer.too_large = answer.response.body.size() + size > answer.max_body;
    if (!answer.too_large) {
      answer.response.body.Append(std::string_view(data, size));
    }
    explicit_bzero(data, size);
    ClearVectorRegisters();  // The copy of an answer with a key went by them.
    return answer.too_large ? CURL_WRITEFUNC_ERROR : size;
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
    case CURLE_ABORTED_BY_CALLBACK:  // Cancelled.
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

const char* OrEmpty(const char* text) { return text == nullptr ? "" : text; }

// Null when libcurl's TLS is not the OpenSSL that we are linked to.
std::unique_ptr<TrustStore> MakeTrustStore(const std::string& ca_bundle) {
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  const std::string_view tls(OrEmpty(info->ssl_version));
  if (!tls.starts_with("OpenSSL/3.")) return nullptr;
  if (!ca_bundle.empty()) return std::make_unique<TrustStore>(ca_bundle, "");
  return std::make_unique<TrustStore>(OrEmpty(info->cainfo),
                                      OrEmpty(info->capath));
}

// Called by libcurl for each new TLS connection.
CURLcode UseStore(CURL*, void* context, void* store) {
  auto* const tls = static_cast<SSL_CTX*>(context);
  SSL_CTX_set1_cert_store(tls, static_cast<X509_STORE*>(store));
  // What was decrypted does not stay in OpenSSL's buffers either.
  SSL_CTX_set_options(tls, SSL_OP_CLEANSE_PLAINTEXT);
  return CURLE_OK;
}

// What may be sent as plain http because it stays on this machine would leave
// it by a proxy.
bool WantsProxy(const HttpRequest& request, const Url& url) {
  return request.use_proxy &&
         (url.scheme == "https" || request.allow_plain_http);
}

// A proxy, where there is one, does the resolving.
bool MayUseProxy(const HttpRequest& request, const Url& url,
                 const CurlOptions& options) {
  if (!WantsProxy(request, url)) return false;
  if (options.proxy != nullptr) return true;
  return std::ranges::any_of(
      std::array{"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy",
                 "ALL_PROXY"},
      [](const char* name) { return getenv(name) != nullptr; });
}

// Whether an exchange got no further than the name. libcurl then leaves behind
// a thread that waits for the name service, since nothing can end its wait; it
// returns into libcurl's code.
bool FailedToResolve(const CurlHandle& curl, CURLcode code) {
  if (code == CURLE_COULDNT_RESOLVE_HOST) return true;
  if (!curl.has_begun()) return false;
  curl_off_t resolved = 0;
  curl_easy_getinfo(curl.easy(), CURLINFO_NAMELOOKUP_TIME_T, &resolved);
  if (resolved != 0 ||
      (code != CURLE_OPERATION_TIMEDOUT && code != CURLE_ABORTED_BY_CALLBACK)) {
    return false;
  }
  KeepLibraryMapped();
  return code == CURLE_OPERATION_TIMEDOUT;
}

class CurlHttpClient : public HttpClient {
 public:
  explicit CurlHttpClient(const CurlOptions& options)
      : options_(options), pool_(options.max_connections) {
    InitializeCurl();
    trust_ = MakeTrustStore(options.ca_bundle);
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
    Deadline deadline = Deadline::After(SystemClock(), timeout);
    if (request.cancellation != nullptr) {
      deadline = deadline.CancelledBy(*request.cancellation);
    }
    auto lease = pool_.Acquire(deadline);
    if (!lease) {
      return Status(StatusCode::kTimeout,
                    "no connection to " + url->HostHeader() +
                        " came free in time (all " +
                        std::to_string(options_.max_connections) + " busy)");
    }
    std::optional<CurlHandle> handle = lease->TakeKept();
    if (!handle) handle.emplace();
    if (!handle->IsComplete()) {
      return Status(StatusCode::kInternal, "libcurl: out of memory");
    }
    Result<HttpResponse> response = Exchange(*handle, request, *url, deadline);
    curl_easy_reset(handle->easy());
    ClearVectorRegisters();  // What was sent went by them, too.
    lease->Keep(std::move(*handle));
    return response;
  }

 private:
  // By the name, or where that cannot be resolved by the known addresses.
  Result<HttpResponse> Exchange(CurlHandle& curl, const HttpRequest& request,
                                const Url& url, const Deadline& deadline) {
    if (IsNumericAddress(url.host) || MayUseProxy(request, url, options_)) {
      return Perform(curl, request, url, deadline, {}).response;
    }
    const std::string host = url.host + ":" + std::to_string(url.port);
    Outcome outcome;
    if (!known_.ReplaceResolving(host)) {
      outcome = Perform(curl, request, url, deadline, {});
      if (outcome.response) known_.Answered(host, outcome.address);
      if (!outcome.unresolved) return std::move(outcome.response);
      known_.NotResolved(host);
    }
    const std::vector<std::string> addresses = known_.Of(host);
    if (addresses.empty() || deadline.Passed(SystemClock())) {
      return std::move(outcome.response);
    }
    curl_easy_reset(curl.easy());
    outcome = Perform(curl, request, url, deadline, addresses);
    if (!outcome.response && !deadline.IsCancelled()) known_.Forget(host);
    return std::move(outcome.response);
  }

  struct Outcome {
    Result<HttpResponse> response = Status(StatusCode::kInternal, "not sent");
    std::string address;      // Of the peer that answered.
    bool unresolved = false;  // Nothing was sent, for want of an address.
  };

  // At these addresses, when there are some.
  Outcome Perform(CurlHandle& handle, const HttpRequest& request,
                  const Url& url, const Deadline& deadline,
                  const std::vector<std::string>& addresses) {
    CURL* const curl = handle.easy();
    Answer answer;
    answer.max_body = options_.max_response_bytes;
    HeaderList headers;
    AddHeaders(request, headers);
    char error_text[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    SetTransport(curl, request, deadline);
    SetProxy(curl, WantsProxy(request, url));
    HeaderList resolved;
    if (!addresses.empty()) {
      resolved.Add(ResolveEntry(url, addresses));
      curl_easy_setopt(curl, CURLOPT_RESOLVE, resolved.get());
    }
    const auto trusted = SetTrust(curl, url);
    SetMethod(curl, request);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Answer::OnBody);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, Answer::OnHeader);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
    const CURLcode code = handle.Perform(request.cancellation);
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
      answer.response.status = static_cast<int>(status);
      const char* address = nullptr;
      curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
      return {std::move(answer.response), OrEmpty(address), false};
    }
    return {Failure(code, answer, url, error_text), "",
            FailedToResolve(handle, code)};
  }

  // "+name:port:address,[address]": good for libcurl's own cache time.
  static std::string ResolveEntry(const Url& url,
                                  const std::vector<std::string>& addresses) {
    std::string entry = "+" + url.host + ":" + std::to_string(url.port) + ":";
    for (const std::string& address : addresses) {
      if (!entry.ends_with(':')) entry += ',';
      const bool v6 = address.find(':') != std::string::npos;
      entry += v6 ? "[" + address + "]" : address;
    }
    return entry;
  }

  static void AddHeaders(const HttpRequest& request, HeaderList& headers) {
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
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, request.send_once ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_NETRC, CURL_NETRC_IGNORED);
#if LIBCURL_VERSION_NUM >= 0x075700
    // Do not wait for a resolver thread longer than for anything else.
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
#endif
  }

  void SetProxy(CURL* curl, bool wants_proxy) {
    if (!wants_proxy) curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (!wants_proxy || options_.proxy == nullptr) return;
    const HttpProxy& proxy = *options_.proxy;
    curl_easy_setopt(curl, CURLOPT_PROXY, proxy.address.c_str());
    if (proxy.user.empty()) return;
    curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, proxy.user.c_str());
    const std::string password(proxy.password.RevealText());
    curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD, password.c_str());
  }

  // The result must live as long as the exchange; it may be null.
  std::shared_ptr<X509_STORE> SetTrust(CURL* curl, const Url& url) {
    std::shared_ptr<X509_STORE> store;
    if (trust_ != nullptr && url.scheme == "https") store = trust_->Get();
    if (store != nullptr) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, nullptr);
      curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
      curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, UseStore);
      curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, store.get());
    } else if (!options_.ca_bundle.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_bundle.c_str());
      curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    }
    return store;
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
    if (code == CURLE_SSL_CACERT_BADFILE) {
      return {StatusCode::kMisconfigured,
              "the CA bundle " +
                  (options_.ca_bundle.empty() ? "of the system"
                                              : options_.ca_bundle) +
                  " cannot be read or has no certificate, so " +
                  url.HostHeader() + " cannot be verified: " + text};
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) text = "nobody waits for it";
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
  std::unique_ptr<TrustStore> trust_;  // Null: libcurl reads them itself.
  KnownAddresses known_{SystemClock()};
  ConnectionPool<CurlHandle> pool_;
};

}  // namespace

std::unique_ptr<HttpClient> MakeCurlHttpClient(const CurlOptions& options) {
  return std::make_unique<CurlHttpClient>(options);
}

}  // namespace openkeyring
