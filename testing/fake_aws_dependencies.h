// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_FAKE_AWS_DEPENDENCIES_H_
#define OPENKEYRING_TESTING_FAKE_AWS_DEPENDENCIES_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aws/dependencies.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/read_only_file_system.h"

namespace openkeyring {

// Read-only files that a test puts in a map. A path in `errors` gives that
// error; one in neither is kNotFound. Counts the reads.
class MapFileSystem : public ReadOnlyFileSystem {
 public:
  Result<Secret> ReadSecret(const std::string& path, size_t max_size) override {
    ++reads[path];
    if (const auto error = errors.find(path); error != errors.end()) {
      return error->second.WithContext("cannot open " + path);
    }
    const auto found = contents.find(path);
    if (found == contents.end()) {
      return Status(StatusCode::kNotFound, "cannot open " + path);
    }
    if (found->second.size() > max_size) {
      return Status(StatusCode::kCorrupt, path + " is too large");
    }
    return Secret::CopyOf(std::string_view(found->second));
  }

  std::map<std::string, std::string> contents;
  std::map<std::string, Status> errors;
  std::map<std::string, int> reads;
};

// AwsDependencies that are all fakes. The home directory is /home/db.
struct FakeAwsDependencies {
  explicit FakeAwsDependencies(FakeHttp::Handler handler = nullptr)
      : http(std::move(handler)) {
    environment.home = "/home/db";
  }

  AwsDependencies dependencies() {
    return {http,      aws_clock, environment, files,
            processes, random,    log,         retry_quota};
  }
  void SetConfig(std::string text) {
    files.contents["/home/db/.aws/config"] = std::move(text);
  }
  void SetCredentials(std::string text) {
    files.contents["/home/db/.aws/credentials"] = std::move(text);
  }
  Deadline In(Millis duration) { return Deadline::After(clock, duration); }
  Deadline InAMinute() { return In(std::chrono::minutes(1)); }

  FakeHttp http;
  ManualClock clock;
  FakeEnvironment environment;
  MapFileSystem files;
  FakeProcessRunner processes;
  FakeRandom random;
  MemoryLog log;
  RetryQuota retry_quota;
  AwsClock aws_clock{clock, log};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_FAKE_AWS_DEPENDENCIES_H_
