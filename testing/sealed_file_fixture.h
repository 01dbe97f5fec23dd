// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_SEALED_FILE_FIXTURE_H_
#define OPENKEYRING_TESTING_SEALED_FILE_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/sealed/sealed_file_backend.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/spy_file_system.h"

namespace openkeyring {

// One sealed keyring file in memory, a KMS, and backends over them.
class SealedFileBackendTest : public testing::Test {
 protected:
  static constexpr char kPath[] = "keyring";
  static constexpr StatusCode kTransient[] = {StatusCode::kUnavailable,
                                              StatusCode::kTimeout};
  // "type:data" by name.
  using Keys = std::map<KeyName, std::string>;

  std::shared_ptr<KeyringFile> MakeFile() {
    return std::make_shared<KeyringFile>(files_, SystemRandom(), kPath,
                                         std::nullopt);
  }
  FileBackendDependencies Dependencies() {
    return {kms_, files_, SystemRandom(), log_};
  }
  std::unique_ptr<SealedFileBackend> Make(
      std::shared_ptr<KeyringFile> file = nullptr) {
    return std::make_unique<SealedFileBackend>(
        Dependencies(), file ? file : MakeFile(), options_);
  }
  std::unique_ptr<SealedFileBackend> MakeLoaded(
      std::shared_ptr<KeyringFile> file = nullptr) {
    auto backend = Make(std::move(file));
    const Status status = backend->Load(Soon()).status();
    EXPECT_TRUE(status.ok()) << status.message();
    return backend;
  }
  Status LoadError() { return Make()->Load(Soon()).status(); }
  // What a process that starts now would find, with the lock or without.
  Keys Loaded() {
    const auto keys = Make()->Load(Soon());
    EXPECT_TRUE(keys) << keys.error().message();
    return keys ? TextsOf(*keys) : Keys();
  }
  static Keys TextsOf(const std::vector<Key>& keys) {
    Keys texts;
    for (const Key& key : keys) {
      texts[key.name] = key.type + ":" + std::string(key.data.RevealText());
    }
    EXPECT_EQ(texts.size(), keys.size());
    return texts;
  }
  Status Store(KeyringBackend& backend, const std::string& id,
               const std::string& data = "data",
               const std::string& owner = "") {
    return backend.Store({{id, owner}, "AES", Secret::CopyOf(data)}, Soon());
  }
  Status Remove(KeyringBackend& backend, const std::string& id) {
    return backend.Remove({id, ""}, Soon());
  }
  // Keys without owner, with the data of Store's default.
  static Keys KeysWith(const std::vector<std::string>& ids) {
    Keys keys;
    for (const std::string& id : ids) keys[{id, ""}] = "AES:data";
    return keys;
  }
  // A file with these keys that nobody has open.
  void MakeFileWith(const std::vector<std::string>& ids) {
    auto backend = MakeLoaded();
    for (const std::string& id : ids) ASSERT_TRUE(Store(*backend, id).ok());
  }
  Bytes Content() const { return files_.Content(kPath); }
  SealedHeader Header() const { return ReadSealedHeader(Content())->header; }
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }
  // But for that of a new keyring.
  std::vector<std::string> Warnings() const {
    std::vector<std::string> warnings;
    for (const auto& [level, line] : log_.lines()) {
      const bool is_new = line.starts_with("no keyring was found");
      if (level == LogLevel::kWarning && !is_new) warnings.push_back(line);
    }
    return warnings;
  }
  void FailKms(const std::string& operation, Status status) {
    kms_.SetHook([operation, status](const std::string& called) {
      return called == operation ? status : Status::Ok();
    });
  }
  int KmsCalls() const {
    int calls = 0;
    for (const char* operation :
         {"Generate", "Wrap", "Unwrap", "Rewrap", "IsCurrent"}) {
      calls += kms_.calls(operation);
    }
    return calls;
  }

  SpyFileSystem files_;
  FakeKeyWrapper kms_;
  ManualClock clock_;
  MemoryLog log_;
  FileBackendOptions options_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_SEALED_FILE_FIXTURE_H_
