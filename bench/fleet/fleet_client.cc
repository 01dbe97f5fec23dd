// SPDX-License-Identifier: MIT
// Many servers in one program, each with a product's keys, a client and a pool
// of connections of its own, on the KMS that the environment names. Prints a
// JSON line for each server, or for each second of other traffic.
//
//   make files|sealed DIRECTORY KEYS
//   start files|sealed DIRECTORY SERVERS SPREAD_MS DEADLINE_MS
//   others RATE SECONDS    calls of KMS that are not repeated
//
// Both are stores of aws_key_management: files are in one shared directory, and
// each server has a copy of the key set.
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "product/aws_key_management/aws_key_management.h"

namespace openkeyring {
namespace {

constexpr char kMasterKey[] = "alias/openkeyring";

class NoLog : public Log {
  void Write(LogLevel, std::string_view) override {}
};

[[noreturn]] void Fail(const Status& status) {
  fprintf(stderr, "%s\n", status.ToString().c_str());
  exit(1);
}

void Check(const Status& status) {
  if (!status.ok()) Fail(status);
}

double UnixSeconds() {
  return std::chrono::duration<double>(SystemClock().Now().time_since_epoch())
      .count();
}

// ---- One server
// --------------------------------------------------------------

std::unique_ptr<AwsKeyManagement> Open(const std::string& kind,
                                       const std::string& directory,
                                       const AwsDynamicOptions& dynamic,
                                       Millis deadline, Log& log) {
  AwsStartupOptions options;
  options.keyfile_dir = options.access.data_directory = directory;
  options.startup_deadline = deadline;
  options.key_store = kind == "sealed" ? KeyStore::kSealed : KeyStore::kFiles;
  auto opened = AwsKeyManagement::Open(options, dynamic, log);
  if (!opened) Fail(opened.error());
  return std::move(*opened);
}

// ---- Commands
// ----------------------------------------------------------------

void Make(const std::string& kind, const std::string& directory,
          uint32_t keys) {
  NoLog log;
  AwsDynamicOptions dynamic;
  dynamic.SetMasterKeyId(kMasterKey);
  const auto opened = Open(kind, directory, dynamic, Millis(60000), log);
  for (uint32_t id = 1; id <= keys; ++id) {
    Check(opened->keys().LatestVersion(id).status());
  }
}

// The directory of server i: a key set belongs to one server.
std::string DirectoryOf(const std::string& kind, const std::string& directory,
                        size_t i) {
  return kind == "sealed" ? directory + "." + std::to_string(i) : directory;
}

void Start(const std::string& kind, const std::string& directory,
           size_t servers, Millis spread, Millis deadline) {
  for (size_t i = 0; i < servers && kind == "sealed"; ++i) {
    std::filesystem::copy(
        directory, DirectoryOf(kind, directory, i),
        std::filesystem::copy_options::recursive |
            std::filesystem::copy_options::overwrite_existing);
  }
  NoLog log;
  AwsDynamicOptions dynamic;
  dynamic.SetMasterKeyId(kMasterKey);
  std::mutex mutex;
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < servers; ++i) {
    threads.emplace_back([&, i] {
      SystemClock().SleepFor(spread * static_cast<int64_t>(i) /
                             static_cast<int64_t>(servers));
      const double began = UnixSeconds();
      const auto opened =
          Open(kind, DirectoryOf(kind, directory, i), dynamic, deadline, log);
      const std::lock_guard lock(mutex);
      printf(R"({"began":%.3f,"ready_s":%.3f,"keys":%zu})"
             "\n",
             began, UnixSeconds() - began,
             opened->keys().counts().versions_loaded);
    });
  }
}

// Calls that come at a steady rate, each once: AWS_MAX_ATTEMPTS=1.
void Others(double rate, int seconds) {
  NoLog log;
  KmsServiceOptions options;
  options.master_key_id = [] { return std::string(kMasterKey); };
  auto kms = KmsService::Make({}, std::move(options), log);
  if (!kms) Fail(kms.error());
  struct Second {
    int calls = 0, throttled = 0, failed = 0;
  };
  std::mutex mutex;
  std::map<int, Second> found;
  std::atomic<int> next{0};
  const double began = UnixSeconds();
  const SteadyTime start = SystemClock().Steady();
  const auto work = [&] {
    for (int i = next++; i < rate * seconds; i = next++) {
      const SteadyTime due =
          start + Millis(static_cast<int64_t>(1000 * i / rate));
      SystemClock().SleepFor(std::max(
          Millis(0),
          std::chrono::duration_cast<Millis>(due - SystemClock().Steady())));
      const Status status =
          (*kms)
              ->client()
              .Generate(32, {}, Deadline::After(SystemClock(), Millis(5000)))
              .status();
      const std::lock_guard lock(mutex);
      Second& second = found[static_cast<int>(i / rate)];
      ++second.calls;
      second.throttled += status.code() == StatusCode::kThrottled;
      second.failed += !status.ok();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) threads.emplace_back(work);
  }
  for (const auto& [at, second] : found) {
    printf(R"({"at":%.3f,"calls":%d,"throttled":%d,"failed":%d})"
           "\n",
           began + at, second.calls, second.throttled, second.failed);
  }
}

int Run(const std::vector<std::string>& words) {
  const auto number = [&](size_t i) { return atol(words[i].c_str()); };
  if (words.size() == 4 && words[0] == "make") {
    Make(words[1], words[2], static_cast<uint32_t>(number(3)));
  } else if (words.size() == 6 && words[0] == "start") {
    Start(words[1], words[2], static_cast<size_t>(number(3)), Millis(number(4)),
          Millis(number(5)));
  } else if (words.size() == 3 && words[0] == "others") {
    Others(atof(words[1].c_str()), static_cast<int>(number(2)));
  } else {
    fprintf(stderr, "see the top of fleet_client.cc\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace openkeyring

int main(int argc, char** argv) {
  return openkeyring::Run({argv + 1, argv + argc});
}
