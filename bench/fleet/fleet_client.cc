// SPDX-License-Identifier: MIT
// Many servers in one program, each with a product's keys, a client and a pool
// of connections of its own, on the KMS that the environment names. Prints a
// JSON line for each server, or for each second of other traffic.
//
//   make files|sealed DIRECTORY KEYS
//   start files|sealed DIRECTORY SERVERS SPREAD_MS DEADLINE_MS
//   others RATE SECONDS    calls of KMS that are not repeated
//
// FILES: aws_key_management on one shared directory. Sealed:
// component_keyring_kms, with a copy of the file for each server.
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "product/aws_key_management/aws_key_management.h"
#include "product/component_keyring_kms/kms_keyring.h"

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

AwsStartupOptions FilesOptions(const std::string& directory, Millis deadline) {
  AwsStartupOptions options;
  options.keyfile_dir = options.access.data_directory = directory;
  options.startup_deadline = deadline;
  return options;
}

// How many keys are loaded.
size_t OpenFiles(const std::string& directory, Millis deadline, Log& log) {
  AwsDynamicOptions dynamic;
  dynamic.SetMasterKeyId(kMasterKey);
  auto opened =
      AwsKeyManagement::Open(FilesOptions(directory, deadline), dynamic, log);
  if (!opened) Fail(opened.error());
  return (*opened)->keys().counts().versions_loaded;
}

KmsComponentConfig SealedConfig(const std::string& path, Millis deadline) {
  KmsComponentConfig config;
  config.path = path;
  config.kms_key = kMasterKey;
  config.startup_deadline = deadline;
  return config;
}

size_t OpenSealed(const std::string& path, Millis deadline, Log& log) {
  auto opened =
      KmsKeyring::Open(SealedConfig(path, deadline), nullptr,
                       std::filesystem::path(path).parent_path().string(),
                       LoadRetry::kUntilDeadline, log);
  if (!opened) Fail(opened.error());
  return (*opened)->keyring().size();
}

// ---- Commands
// ----------------------------------------------------------------

void Make(const std::string& kind, const std::string& directory, size_t keys) {
  NoLog log;
  if (kind == "sealed") {
    auto opened =
        KmsKeyring::Open(SealedConfig(directory + "/keys", Millis(60000)),
                         nullptr, directory, LoadRetry::kUntilDeadline, log);
    if (!opened) Fail(opened.error());
    for (size_t i = 0; i < keys; ++i) {
      Check((*opened)->keyring().Generate({"k" + std::to_string(i), ""}, "AES",
                                          32));
    }
    return;
  }
  AwsDynamicOptions dynamic;
  dynamic.SetMasterKeyId(kMasterKey);
  auto opened = AwsKeyManagement::Open(FilesOptions(directory, Millis(60000)),
                                       dynamic, log);
  if (!opened) Fail(opened.error());
  for (uint32_t id = 1; id <= keys; ++id) {
    Check((*opened)->keys().LatestVersion(id).status());
  }
}

void Start(const std::string& kind, const std::string& directory,
           size_t servers, Millis spread, Millis deadline) {
  if (kind == "sealed") {
    for (size_t i = 0; i < servers; ++i) {
      std::filesystem::copy_file(
          directory + "/keys", directory + "/keys" + std::to_string(i),
          std::filesystem::copy_options::overwrite_existing);
    }
  }
  NoLog log;
  std::mutex mutex;
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < servers; ++i) {
    threads.emplace_back([&, i] {
      SystemClock().SleepFor(spread * static_cast<int64_t>(i) /
                             static_cast<int64_t>(servers));
      const double began = UnixSeconds();
      const size_t keys =
          kind == "sealed" ? OpenSealed(directory + "/keys" + std::to_string(i),
                                        deadline, log)
                           : OpenFiles(directory, deadline, log);
      const std::lock_guard lock(mutex);
      printf(R"({"began":%.3f,"ready_s":%.3f,"keys":%zu})"
             "\n",
             began, UnixSeconds() - began, keys);
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
    Make(words[1], words[2], static_cast<size_t>(number(3)));
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
