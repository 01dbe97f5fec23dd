// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/built_keyring_file.h"

#include <gtest/gtest.h>

#include "os/random.h"
#include "storage/percona/json_file_backend.h"
#include "storage/sealed/sealed_file_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"

namespace openkeyring {
namespace {

class BuiltKeyringFileTest : public testing::Test {
 protected:
  BuiltKeyringFileTest() {
    keys_.push_back({{"a", ""}, "AES", Secret::CopyOf("0123456789abcdef")});
    keys_.push_back({{"a", "u@h"}, "SECRET", Secret::CopyOf("s")});
    for (const Key& key : keys_) pointers_.push_back(&key);
  }

  Result<Bytes> Build(KeyringFileFormat format) {
    options_.format = format;
    return BuildKeyringFile(kms_, pointers_, options_, log_);
  }

  Result<std::vector<Key>> Load(KeyringFileFormat format, const Bytes& bytes) {
    CrashFileSystem files;
    files.Put("keyring", bytes, 0640);
    const FileBackendDependencies dependencies = {kms_, files, SystemRandom(),
                                                  log_};
    auto file = std::make_shared<KeyringFile>(files, SystemRandom(), "keyring",
                                              std::nullopt);
    FileBackendOptions options;
    options.encryption_context = options_.encryption_context;
    const Deadline deadline = Deadline::After(SystemClock(), Millis(5000));
    if (format == KeyringFileFormat::kSealed) {
      return SealedFileBackend(dependencies, file, options).Load(deadline);
    }
    return JsonFileBackend(dependencies, SystemClock(), file, options)
        .Load(deadline);
  }

  FakeKeyWrapper kms_;
  MemoryLog log_;
  BuiltFileOptions options_;
  std::vector<Key> keys_;
  std::vector<const Key*> pointers_;
};

TEST_F(BuiltKeyringFileTest, TheComponentReadsExactlyTheseKeys) {
  options_.encryption_context = {{"stage", "test"}};
  for (const KeyringFileFormat format :
       {KeyringFileFormat::kSealed, KeyringFileFormat::kPercona}) {
    const Result<Bytes> content = Build(format);
    ASSERT_TRUE(content) << content.status().ToString();
    const auto found = Load(format, *content);
    ASSERT_TRUE(found) << found.status().ToString();
    std::vector<const Key*> found_pointers;
    for (const Key& key : *found) found_pointers.push_back(&key);
    EXPECT_TRUE(CheckSameKeys(pointers_, found_pointers).ok());
  }
}

TEST_F(BuiltKeyringFileTest, AKmsThatGivesOtherKeysIsNoticed) {
  int calls = 0;
  kms_.SetHook([&](const std::string& operation) {
    if (operation != "Unwrap" || ++calls < 2) return Status::Ok();
    return Status(StatusCode::kCorrupt, "refused");
  });
  EXPECT_FALSE(Build(KeyringFileFormat::kSealed));
}

TEST_F(BuiltKeyringFileTest, ItStopsWhenItIsTold) {
  options_.progress = [](size_t done) { return done < 1; };
  const Result<Bytes> content = Build(KeyringFileFormat::kSealed);
  EXPECT_EQ(content.status().message(), kBuildStopped);
}

TEST_F(BuiltKeyringFileTest, EveryDifferenceIsNamed) {
  EXPECT_TRUE(CheckSameKeys(pointers_, pointers_).ok());
  EXPECT_FALSE(CheckSameKeys(pointers_, {pointers_[0]}).ok());
  EXPECT_FALSE(CheckSameKeys({pointers_[0]}, pointers_).ok());
  const Key other_value{{"a", ""}, "AES", Secret::CopyOf("1123456789abcdef")};
  EXPECT_FALSE(CheckSameKeys({pointers_[0]}, {&other_value}).ok());
  const Key other_type{{"a", ""}, "RSA", Secret::CopyOf("0123456789abcdef")};
  const Status status = CheckSameKeys({pointers_[0]}, {&other_type});
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_NE(status.message().find("key \"a\""), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
