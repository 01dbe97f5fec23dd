// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/built_keyring_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/random.h"
#include "product/component_keyring_kms/kms_component_config.h"
#include "storage/percona/json_file_backend.h"
#include "storage/sealed/sealed_file_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/sealed_slots_fixture.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BuiltKeyringFileTest : public testing::Test {
 protected:
  BuiltKeyringFileTest() {
    keys_.push_back({{"a", ""}, "AES", Secret::CopyOf("0123456789abcdef")});
    keys_.push_back({{"a", "u@h"}, "SECRET", Secret::CopyOf("s")});
    for (const Key& key : keys_) pointers_.push_back(&key);
  }

  Result<Bytes> Build(KeyringFileFormat format) {
    if (format == KeyringFileFormat::kPercona) {
      return BuildJsonFile(kms_, pointers_, options_, log_);
    }
    return BuildSealedFile(
        [&] {
          return std::make_unique<KeySlots>(std::make_unique<KmsSlotKey>(kms_));
        },
        pointers_, options_, log_);
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

TEST_F(BuiltKeyringFileTest, AnEmptyKeyringIsASealedFile) {
  pointers_.clear();
  EXPECT_TRUE(Build(KeyringFileFormat::kSealed));
  EXPECT_EQ(Build(KeyringFileFormat::kPercona).status().code(),
            StatusCode::kInvalidArgument);
}

// With several keys, as SlotWorld names them.
class BuiltSlotsTest : public testing::Test {
 protected:
  BuiltSlotsTest() { options_.path = "/new/keyring"; }

  Result<Bytes> Build(const std::string& letters) {
    return BuildSealedFile([&] { return world_.Configured(letters); }, {&key_},
                           options_, world_.log);
  }
  // The names of its slots.
  static std::string SlotsOf(const Bytes& content) {
    const Result<ReadHeader> read = ReadSealedHeader(content);
    std::string names;
    for (const KeySlot& slot : read->header.slots) {
      names += std::to_string(slot.number) + " " + slot.name + ";";
    }
    return names;
  }
  // As a server does that has only these keys.
  size_t KeysOpenedBy(const std::string& letters, const Bytes& content) {
    CrashFileSystem files;
    files.Put("keyring", content, 0640);
    FileBackendOptions options;
    options.read_only = true;
    SealedFileBackend backend(
        {files, SystemRandom(), world_.log}, world_.Configured(letters),
        std::make_shared<KeyringFile>(files, SystemRandom(), "keyring",
                                      std::nullopt),
        options);
    const auto keys =
        backend.Load(Deadline::After(SystemClock(), Millis(5000)));
    return keys ? keys->size() : 0;
  }

  SlotWorld world_;
  BuiltFileOptions options_;
  const Key key_{{"k", ""}, "AES", Secret::CopyOf("0123456789abcdef")};
};

TEST_F(BuiltSlotsTest, ThereIsASlotForEachConfiguredKeyAndAnyOfThemOpensIt) {
  const Result<Bytes> content = Build("abl");
  ASSERT_TRUE(content) << content.status().ToString();
  EXPECT_EQ(SlotsOf(*content), "1 alias/a;2 alias/b;3 /run/secret;");
  EXPECT_EQ(KeysOpenedBy("a", *content), 1);
  EXPECT_EQ(KeysOpenedBy("b", *content), 1);
  EXPECT_EQ(world_.log.Text(), "");
}

TEST_F(BuiltSlotsTest, AKeyServerThatIsAwayHasNoSlotAndIsNamedOnce) {
  world_.SetDown('a', true);
  const Result<Bytes> content = Build("ab");
  ASSERT_TRUE(content) << content.status().ToString();
  EXPECT_EQ(SlotsOf(*content), "1 alias/b;");
  EXPECT_EQ(KeysOpenedBy("b", *content), 1);
  EXPECT_EQ(world_.log.lines().size(), 1);
  EXPECT_THAT(world_.log.Text(),
              HasSubstr("keyring file /new/keyring: there is no key slot for "
                        "aws-kms alias/a yet; it is added at a later load: it "
                        "is down"));
  // It is not asked again to compare the keys.
  EXPECT_EQ(world_.kms[0].calls("Wrap"), 1);
}

TEST_F(BuiltSlotsTest, WithoutAnyKeyServerThereIsNoFileAndEachIsNamed) {
  world_.SetDown('a', true);
  world_.SetDown('b', true);
  const Status status = Build("abl").status();
  EXPECT_TRUE(status.IsTransient());
  EXPECT_THAT(status.message(), AllOf(HasSubstr("alias/a: it is down"),
                                      HasSubstr("alias/b: it is down")));
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
