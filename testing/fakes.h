// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_FAKES_H_
#define OPENKEYRING_TESTING_FAKES_H_

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/http.h"
#include "os/environment.h"
#include "os/file_system.h"
#include "os/process.h"
#include "os/random.h"

namespace openkeyring {

// An environment that holds only what a test puts in.
class FakeEnvironment : public Environment {
 public:
  std::optional<std::string> Get(const std::string& name) const override {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.empty()) return std::nullopt;
    return found->second;
  }
  std::optional<std::string> HomeDirectory() const override { return home; }

  std::map<std::string, std::string> variables;
  std::optional<std::string> home;
};

// Collects lines. Threads: Write may be called concurrently.
class MemoryLog : public Log {
 public:
  void Write(LogLevel level, std::string_view line) override {
    std::lock_guard lock(mutex_);
    lines_.emplace_back(level, line);
  }
  std::vector<std::pair<LogLevel, std::string>> lines() const {
    std::lock_guard lock(mutex_);
    return lines_;
  }
  // All lines of all levels, a line each.
  std::string Text() const {
    std::string text;
    for (const auto& [level, line] : lines()) text += line + "\n";
    return text;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<LogLevel, std::string>> lines_;
};

// Predictable "random" bytes: a running counter. Not for keys.
class FakeRandom : public Random {
 public:
  Status Fill(std::span<uint8_t> out) override {
    std::lock_guard lock(mutex_);
    for (uint8_t& byte : out) byte = next_++;
    return Status::Ok();
  }
  double Fraction() override { return fraction; }
  double fraction = 0.5;

 private:
  std::mutex mutex_;
  uint8_t next_ = 1;
};

// Answers each request by `handler`, and keeps what was asked (bodies copied).
// Threads: Send may be called concurrently.
class FakeHttp : public HttpClient {
 public:
  using Handler = std::function<Result<HttpResponse>(const HttpRequest&)>;
  explicit FakeHttp(Handler handler = nullptr) : handler_(std::move(handler)) {}

  Result<HttpResponse> Send(const HttpRequest& request,
                            Millis timeout) override;

  // Without a handler: answers are taken from this queue in order, and an
  // empty queue is kUnavailable.
  void Push(int status, std::string_view body,
            std::vector<Header> headers = {});
  void PushError(Status error);
  // Runs while each request is under way, such as to let time pass.
  void OnSend(std::function<void()> hook) { on_send_ = std::move(hook); }

  struct Seen {
    std::string method, url, body;
    std::vector<Header> headers;
    bool allow_plain_http, use_proxy, send_once;
    Millis timeout;
    std::string HeaderOr(const std::string& name) const;  // "" when absent.
  };
  std::vector<Seen> seen() const;

 private:
  Handler handler_;
  std::function<void()> on_send_;
  mutable std::mutex mutex_;
  std::deque<Result<HttpResponse>> queue_;
  std::vector<Seen> seen_;
};

HttpResponse MakeResponse(int status, std::string_view body,
                          std::vector<Header> headers = {});

// Answers every command by `handler`.
class FakeProcessRunner : public ProcessRunner {
 public:
  Result<Secret> Run(const std::string& command, Millis, size_t,
                     const Cancellation*) override {
    commands.push_back(command);
    if (!handler) return Status(StatusCode::kUnavailable, "no handler");
    return handler(command);
  }
  Result<Secret> RunProgram(const std::vector<std::string>& words, Millis,
                            size_t) override {
    std::string command;
    for (const std::string& word : words) command += word + "\n";
    return Run(command, Millis(0), 0, nullptr);
  }
  std::function<Result<Secret>(const std::string&)> handler;
  std::vector<std::string> commands;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_FAKES_H_
