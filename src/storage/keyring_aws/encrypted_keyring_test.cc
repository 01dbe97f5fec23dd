// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/encrypted_keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <latch>
#include <thread>

#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/spy_file_system.h"
#include "testing/temporary_directory.h"
#include "testing/traced_calls.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

constexpr char kPath[] = "keyring_aws_data";

class EncryptedKeyringTest : public testing::Test {
 protected:
  std::unique_ptr<EncryptedKeyring> Open(bool cache = false) {
    Result<std::unique_ptr<EncryptedKeyring>> opened = TryOpen(cache);
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? std::move(*opened) : nullptr;
  }
  Result<std::unique_ptr<EncryptedKeyring>> TryOpen(bool cache = false) {
    return EncryptedKeyring::Open(
        std::make_unique<AwsDataFile>(files_, random_, log_, kPath,
                                      std::nullopt),
        SystemClock(), random_, {cache, 4});
  }
  Deadline Soon() const {
    return Deadline::After(SystemClock(), Millis(20000));
  }
  Status Store(EncryptedKeyring& keyring, const std::string& id,
               std::string_view data = "0123456789abcdef") {
    return keyring.Store(kms_, {{id, ""}, "SECRET", Secret::CopyOf(data)},
                         Soon());
  }
  std::string Fetch(EncryptedKeyring& keyring, const std::string& id) {
    const auto key = keyring.Fetch(kms_, {id, ""}, Soon());
    if (!key) return std::string(StatusCodeName(key.error().code()));
    return *key == nullptr ? "absent" : std::string((*key)->data.RevealText());
  }

  SpyFileSystem files_;
  FakeRandom random_;
  MemoryLog log_;
  FakeKeyWrapper kms_;
};

TEST_F(EncryptedKeyringTest, KeepsKeysAcrossOpenings) {
  {
    const auto keyring = Open();
    ASSERT_TRUE(Store(*keyring, "a", "value").ok());
    ASSERT_TRUE(keyring->Generate(kms_, {"b", "u@h"}, "AES", 32, Soon()).ok());
    EXPECT_EQ(Fetch(*keyring, "a"), "value");
  }
  const auto keyring = Open();
  EXPECT_EQ(Fetch(*keyring, "a"), "value");
  EXPECT_EQ(keyring->List(), (std::vector<KeyName>{{"a", ""}, {"b", "u@h"}}));
  EXPECT_EQ(Fetch(*keyring, "b"), "absent");
  EXPECT_TRUE(keyring->Remove({"a", ""}).ok());
  EXPECT_EQ(keyring->Remove({"a", ""}).code(), StatusCode::kNotFound);
  EXPECT_EQ(Fetch(*keyring, "a"), "absent");
}

TEST_F(EncryptedKeyringTest, AMissingDirectoryOfANewKeyringIsMade) {
  const TemporaryDirectory home;
  const auto open = [&](const std::string& path) {
    return EncryptedKeyring::Open(
        std::make_unique<AwsDataFile>(PosixFileSystem(), random_, log_, path,
                                      std::nullopt),
        SystemClock(), random_, {false, 4});
  };
  EXPECT_TRUE(open(home.path() + "/made/data"));
  EXPECT_TRUE(std::filesystem::is_regular_file(home.path() + "/made/data"));
  EXPECT_FALSE(open(home.path() + "/not/there/data"));
  EXPECT_FALSE(std::filesystem::exists(home.path() + "/not"));
}

// Else a power cut takes the keyring away with the directory that it is in.
TEST_F(EncryptedKeyringTest, ANewDirectoryIsDurableBeforeItHasAKeyring) {
  const TemporaryDirectory home;
  AwsDataFile file(PosixFileSystem(), random_, log_, home.path() + "/made/data",
                   std::nullopt);
  const TracedCalls traced;
  ASSERT_TRUE(file.Open());
  const std::string real = std::filesystem::canonical(home.path()).string();
  const auto named = std::ranges::find(traced.calls(), "fsync " + real);
  ASSERT_NE(named, traced.calls().end());
  EXPECT_EQ(std::ranges::count_if(traced.calls().begin(), named,
                                  [](const std::string& call) {
                                    return call.starts_with("fdatasync");
                                  }),
            0);
}

TEST_F(EncryptedKeyringTest, RefusesTypesAndLengthsThatItDoesNotKeep) {
  const auto keyring = Open();
  const auto code = [&](const std::string& type, size_t bytes) {
    return keyring->Store(kms_, {{"k", ""}, type, Secret(bytes)}, Soon())
        .code();
  };
  for (const char* type : {"RSA", "DSA", "aes", ""}) {
    EXPECT_EQ(code(type, 32), StatusCode::kInvalidArgument) << type;
  }
  for (const size_t bytes : {0, 15, 17, 33, 64}) {
    EXPECT_EQ(code("AES", bytes), StatusCode::kInvalidArgument) << bytes;
  }
  EXPECT_EQ(code("SECRET", 0), StatusCode::kInvalidArgument);
  EXPECT_EQ(code("SECRET", 4097), StatusCode::kInvalidArgument);
  EXPECT_EQ(keyring->Generate(kms_, {"k", ""}, "SECRET", 1025, Soon()).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(kms_.calls("Wrap") + kms_.calls("Generate"), 0);
  EXPECT_EQ(code("SECRET", 4096), StatusCode::kOk);
  EXPECT_EQ(code("AES", 16), StatusCode::kAlreadyExists);
  EXPECT_EQ(keyring->Generate(kms_, {"l", ""}, "SECRET", 1024, Soon()).code(),
            StatusCode::kOk);
}

TEST_F(EncryptedKeyringTest, RefusesNamesThatNoContextCanHold) {
  const auto keyring = Open();
  EXPECT_EQ(Store(*keyring, "").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Store(*keyring, "\xff").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Store(*keyring, std::string(1025, 'x')).code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(Store(*keyring, "\xc3\xa9").ok());
}

TEST_F(EncryptedKeyringTest, AnUnreachableKmsIsNeverAnAbsentKey) {
  const auto keyring = Open();
  ASSERT_TRUE(Store(*keyring, "a").ok());
  kms_.SetHook([](const std::string&) {
    return Status(StatusCode::kUnavailable, "away");
  });
  EXPECT_EQ(Fetch(*keyring, "a"), "Unavailable");
  EXPECT_EQ(Store(*keyring, "b").code(), StatusCode::kUnavailable);
  EXPECT_EQ(keyring->size(), 1u);
  EXPECT_TRUE(keyring->Remove({"a", ""}).ok()) << "needs no KMS";
}

TEST_F(EncryptedKeyringTest, DecryptsAtEachFetchUnlessItMayCache) {
  const auto keyring = Open();
  ASSERT_TRUE(Store(*keyring, "a").ok());
  const int before = kms_.calls("Unwrap");
  Fetch(*keyring, "a");
  Fetch(*keyring, "a");
  EXPECT_EQ(kms_.calls("Unwrap"), before + 2);
}

TEST_F(EncryptedKeyringTest, ACacheAnswersUntilTheKeyGoes) {
  const auto keyring = Open(true);
  ASSERT_TRUE(Store(*keyring, "a", "one").ok());
  const int before = kms_.calls("Unwrap");
  EXPECT_EQ(Fetch(*keyring, "a"), "one");
  EXPECT_EQ(kms_.calls("Unwrap"), before);
  ASSERT_TRUE(keyring->Remove({"a", ""}).ok());
  EXPECT_EQ(Fetch(*keyring, "a"), "absent");
  ASSERT_TRUE(Store(*keyring, "a", "two").ok());
  EXPECT_EQ(Fetch(*keyring, "a"), "two");
}

TEST_F(EncryptedKeyringTest, AGeneratedKeyIsUsedOnceTwoAnswersAgreeOnIt) {
  for (const bool cache : {false, true}) {
    for (const int false_answer : {1, 2}) {
      const std::string id = std::to_string(false_answer) + (cache ? "c" : "");
      const auto keyring = Open(cache);
      int answers = 0;
      kms_.SetPlaintextHook([&](Secret& plaintext) {
        if (++answers == false_answer) plaintext.RevealMutable()[0] ^= 1;
      });
      ASSERT_TRUE(keyring->Generate(kms_, {id, ""}, "AES", 16, Soon()).ok());
      const auto refused = keyring->Fetch(kms_, {id, ""}, Soon());
      ASSERT_FALSE(refused) << id;
      EXPECT_EQ(refused.error().code(), StatusCode::kUnavailable);
      EXPECT_THAT(refused.error().message(), HasSubstr("two different keys"));
      if (false_answer == 2) {
        EXPECT_EQ(Fetch(*keyring, id), "Unavailable");
      }
      const std::string right = Fetch(*keyring, id);
      EXPECT_EQ(Fetch(*keyring, id), right);
      EXPECT_EQ(Fetch(*Open(), id), right);
    }
  }
}

TEST_F(EncryptedKeyringTest, AnAnswerThatDiffersFromAnEarlierOneIsNotUsed) {
  const auto keyring = Open();
  ASSERT_TRUE(Store(*keyring, "a", "value").ok());
  bool lies = true;
  kms_.SetPlaintextHook([&](Secret& plaintext) {
    if (lies) plaintext = Secret::CopyOf(std::string_view("other"));
  });
  EXPECT_EQ(Fetch(*keyring, "a"), "Unavailable");
  lies = false;
  EXPECT_EQ(Fetch(*keyring, "a"), "Unavailable") << "which one was false?";
  EXPECT_EQ(Fetch(*keyring, "a"), "value");
}

TEST_F(EncryptedKeyringTest, TheCacheOutlivesARotation) {
  const auto keyring = Open(true);
  ASSERT_TRUE(Store(*keyring, "a", "one").ok());
  ASSERT_TRUE(keyring->RotateKeys(kms_, Soon()).ok());
  const int before = kms_.calls("Unwrap");
  EXPECT_EQ(Fetch(*keyring, "a"), "one") << "the cache outlives a rotation";
  EXPECT_EQ(kms_.calls("Unwrap"), before);
}

// A refusal by the key server is logged as an error, not as what users try.
TEST_F(EncryptedKeyringTest, ARefusalByKmsIsNotAnAnswerOfTheRules) {
  const auto keyring = Open();
  ASSERT_TRUE(Store(*keyring, "a").ok());
  for (const StatusCode code :
       {StatusCode::kNotFound, StatusCode::kAlreadyExists,
        StatusCode::kInvalidArgument}) {
    kms_.SetHook([code](const std::string&) {
      return Status(code, "refused by the key server");
    });
    EXPECT_EQ(Fetch(*keyring, "a"), "Denied");
    EXPECT_EQ(Store(*keyring, "b").code(), StatusCode::kDenied);
    EXPECT_EQ(keyring->Generate(kms_, {"c", ""}, "AES", 16, Soon()).code(),
              StatusCode::kDenied);
  }
}

TEST_F(EncryptedKeyringTest, CheckOpensAsksForAStoredKey) {
  const auto keyring = Open();
  EXPECT_TRUE(keyring->CheckOpens(kms_, Soon()).ok());
  EXPECT_EQ(kms_.calls("Unwrap"), 0);
  ASSERT_TRUE(Store(*keyring, "a").ok());
  EXPECT_TRUE(keyring->CheckOpens(kms_, Soon()).ok());
  FakeKeyWrapper another_kms;
  const Status status = keyring->CheckOpens(another_kms, Soon());
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(),
              HasSubstr("cannot decrypt the stored key \"a\""));
}

TEST_F(EncryptedKeyringTest, AKmsThatDoesNotOpenWhatIsStoredIsNoSuccessor) {
  const auto keyring = Open();
  FakeKeyWrapper next;
  EXPECT_TRUE(keyring->CheckStillOpens(kms_, next, Soon()).ok());
  ASSERT_TRUE(Store(*keyring, "a").ok());
  EXPECT_TRUE(keyring->CheckStillOpens(kms_, kms_, Soon()).ok());
  EXPECT_EQ(keyring->CheckStillOpens(kms_, next, Soon()).code(),
            StatusCode::kCorrupt);
  // One key of each KMS key is asked for, and one that is lost does not count.
  kms_.SetCurrentKey("alias/other");
  ASSERT_TRUE(Store(*keyring, "b").ok());
  ASSERT_TRUE(Store(*keyring, "c").ok());
  const int before = kms_.calls("Unwrap");
  EXPECT_TRUE(keyring->CheckStillOpens(kms_, kms_, Soon()).ok());
  EXPECT_EQ(kms_.calls("Unwrap"), before + 2);
  FakeKeyWrapper lost;
  EXPECT_TRUE(keyring->CheckStillOpens(lost, next, Soon()).ok());
  const auto no_answer = [](const std::string&) {
    return Status(StatusCode::kTimeout, "no answer");
  };
  // One that is away has lost nothing.
  lost.SetHook(no_answer);
  EXPECT_EQ(keyring->CheckStillOpens(lost, next, Soon()).code(),
            StatusCode::kCorrupt);
  next.SetHook(no_answer);
  EXPECT_EQ(keyring->CheckStillOpens(lost, next, Soon()).code(),
            StatusCode::kTimeout);
}

TEST_F(EncryptedKeyringTest, TheKmsKeysThatHaveEncryptedSomethingAreKnown) {
  const auto keyring = Open();
  EXPECT_TRUE(keyring->WrappingKeys().empty());
  ASSERT_TRUE(Store(*keyring, "a").ok());
  ASSERT_TRUE(Store(*keyring, "b").ok());
  EXPECT_EQ(keyring->WrappingKeys().size(), 1u);
  kms_.SetCurrentKey("alias/other");
  ASSERT_TRUE(Store(*keyring, "c").ok());
  EXPECT_EQ(keyring->WrappingKeys().size(), 2u);
}

TEST_F(EncryptedKeyringTest, RotateKeysPutsAllUnderTheNewKey) {
  const auto keyring = Open();
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Store(*keyring, id).ok());
  kms_.SetCurrentKey("alias/new");
  ASSERT_TRUE(keyring->RotateKeys(kms_, Soon()).ok());
  const Result<AwsKeyringContent> file =
      DecodeAwsDataFile(files_.Content(kPath));
  ASSERT_TRUE(file);
  for (const auto& [name, key] : file->keys) {
    EXPECT_THAT(key->wrapped.wrapping_key, HasSubstr("alias/new"));
  }
  EXPECT_EQ(Fetch(*keyring, "b"), "0123456789abcdef");
}

TEST_F(EncryptedKeyringTest, RotateKeysIsAllOrNothing) {
  const auto keyring = Open();
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Store(*keyring, id).ok());
  const Bytes before = files_.Content(kPath);
  std::atomic<int> calls = 0;
  kms_.SetCurrentKey("alias/new");
  kms_.SetHook([&](const std::string& operation) {
    return operation == "Wrap" && ++calls == 2
               ? Status(StatusCode::kDenied, "not this one")
               : Status::Ok();
  });
  EXPECT_EQ(keyring->RotateKeys(kms_, Soon()).code(), StatusCode::kDenied);
  EXPECT_EQ(files_.Content(kPath), before);
  EXPECT_EQ(Fetch(*keyring, "a"), "0123456789abcdef");
}

TEST_F(EncryptedKeyringTest, AKeyStoredDuringRotateKeysIsRotatedToo) {
  const auto keyring = Open();
  ASSERT_TRUE(Store(*keyring, "a").ok());
  FakeKeyWrapper& kms = kms_;
  std::atomic<bool> once = false;
  kms.SetHook([&](const std::string& operation) {
    if (operation != "Wrap" || once.exchange(true)) return Status::Ok();
    return Store(*keyring, "b");  // Under the old key.
  });
  ASSERT_TRUE(keyring->RotateKeys(kms_, Soon()).ok());
  EXPECT_EQ(kms.calls("Wrap"), 4);  // a, a again, b, and b again.
  EXPECT_EQ(keyring->size(), 2u);
}

// What somebody else put there is left alone, and nothing in memory is lost.
TEST_F(EncryptedKeyringTest, AnEditedOrVanishedFileRefusesChanges) {
  const auto keyring = Open();
  ASSERT_TRUE(Store(*keyring, "a").ok());
  const Bytes good = files_.Content(kPath);
  Bytes edited = good;
  edited[60] ^= 1;
  files_.Overwrite(kPath, edited);
  const Status status = Store(*keyring, "b");
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("changed by somebody else"));
  EXPECT_EQ(files_.Content(kPath), edited);
  ASSERT_TRUE(files_.Remove(kPath).ok());
  EXPECT_FALSE(Store(*keyring, "b").ok());
  EXPECT_NE(Store(*keyring, "b").code(), StatusCode::kNotFound);
  EXPECT_EQ(keyring->Remove({"a", ""}).code(), StatusCode::kReadOnly);
  EXPECT_EQ(keyring->RotateKeys(kms_, Soon()).code(), StatusCode::kReadOnly);
  EXPECT_EQ(Fetch(*keyring, "a"), "0123456789abcdef");
  EXPECT_EQ(Fetch(*keyring, "b"), "absent");
  files_.Put(kPath, good, 0640);
  EXPECT_TRUE(Store(*keyring, "b").ok()) << "it is back";
}

TEST_F(EncryptedKeyringTest, AnotherKeyringInItsPlaceRefusesChanges) {
  const auto keyring = Open();
  const Bytes empty = files_.Content(kPath);
  ASSERT_TRUE(Store(*keyring, "a").ok());
  files_.Overwrite(kPath, empty);
  EXPECT_EQ(Store(*keyring, "b").code(), StatusCode::kCorrupt);
  EXPECT_EQ(files_.Content(kPath), empty);
}

TEST_F(EncryptedKeyringTest, AFullDiskChangesNothing) {
  const auto keyring = Open();
  ASSERT_TRUE(Store(*keyring, "a").ok());
  for (const char* step :
       {"create", "append", "sync", "read back", "rename", "sync directory"}) {
    files_.FailAt(step, {StatusCode::kUnavailable, "no space"});
    EXPECT_FALSE(Store(*keyring, "b").ok()) << step;
    EXPECT_FALSE(keyring->Remove({"a", ""}).ok()) << step;
    files_.hook = nullptr;
    const bool in_file =
        DecodeAwsDataFile(files_.Content(kPath))->keys.contains({"a", ""});
    EXPECT_EQ(in_file, Fetch(*keyring, "a") != "absent") << step;
  }
  ASSERT_EQ(files_.Names().size(), 1u);
}

// The directory was not synced: a power cut could bring the old file back, so
// that is what must be there and in memory.
TEST_F(EncryptedKeyringTest, AChangeThatIsNotDurableIsTakenBack) {
  const auto keyring = Open();
  ASSERT_TRUE(Store(*keyring, "a").ok());
  const Bytes before = files_.Content(kPath);
  int syncs = 0;
  files_.hook = [&](const std::string& step) {
    return step == "sync directory" && ++syncs == 1
               ? Status(StatusCode::kUnavailable, "i/o error")
               : Status::Ok();
  };
  EXPECT_FALSE(Store(*keyring, "b").ok());
  EXPECT_EQ(syncs, 2);
  EXPECT_EQ(files_.Content(kPath), before);
  EXPECT_EQ(Fetch(*keyring, "b"), "absent");
  files_.hook = nullptr;
  EXPECT_TRUE(Store(*keyring, "b").ok());
}

TEST_F(EncryptedKeyringTest, ANewKeyringIsAWarningWithItsPlace) {
  const auto keyring = Open();
  ASSERT_EQ(log_.lines().size(), 1u);
  EXPECT_EQ(log_.lines()[0].first, LogLevel::kWarning);
  EXPECT_THAT(log_.Text(), HasSubstr(kPath));
}

// On a real file system; the one in memory has no links.
TEST(EncryptedKeyring, ASymbolicLinkStaysOneAndItsTargetChanges) {
  const TemporaryDirectory links, files;
  FakeRandom random;
  MemoryLog log;
  FakeKeyWrapper kms;
  const std::string link = links.PathOf("keys"), target = files.PathOf("real");
  const auto open = [&](const std::string& path) {
    return EncryptedKeyring::Open(
        std::make_unique<AwsDataFile>(PosixFileSystem(), random, log, path,
                                      std::nullopt),
        SystemClock(), random, {false, 1});
  };
  const auto soon = [] {
    return Deadline::After(SystemClock(), Millis(20000));
  };
  ASSERT_TRUE(open(target));
  ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
  {
    const auto keyring = open(link);
    ASSERT_TRUE(keyring) << keyring.error().message();
    ASSERT_TRUE(
        (*keyring)
            ->Store(kms, {{"a", ""}, "SECRET", Secret::CopyOf("x")}, soon())
            .ok());
    ASSERT_TRUE((*keyring)->RotateKeys(kms, soon()).ok());
    EXPECT_FALSE(
        (*open(target))
            ->Store(kms, {{"b", ""}, "SECRET", Secret::CopyOf("x")}, soon())
            .ok())
        << "one lock, whatever the name";
  }
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ((*open(target))->size(), 1u);
  EXPECT_EQ(PosixFileSystem().List(files.path())->size(), 1u);
  EXPECT_EQ(PosixFileSystem().List(links.path())->size(), 1u);
}

TEST_F(EncryptedKeyringTest, ACrashAtAnyStepLeavesTheOldOrTheNewKeys) {
  for (int kind = 0; kind < 3; ++kind) {
    for (size_t steps = 0;; ++steps) {
      ASSERT_LT(steps, 40u);
      (void)files_.Remove(kPath);
      ASSERT_TRUE(files_.SyncDirectory(".").ok());
      size_t taken;
      Status status;
      {
        const auto keyring = Open();
        ASSERT_TRUE(Store(*keyring, "a", "old").ok());
        files_.FailAfter(steps);
        if (kind == 0) status = Store(*keyring, "b", "new");
        if (kind == 1) status = keyring->Remove({"a", ""});
        if (kind == 2) status = keyring->RotateKeys(kms_, Soon());
        taken = steps;
      }
      files_.Crash();
      const auto keyring = Open();
      ASSERT_NE(keyring, nullptr) << taken;
      if (kind != 1) {
        EXPECT_EQ(Fetch(*keyring, "a"), "old") << taken;
      }
      const std::string changed = Fetch(*keyring, kind == 1 ? "a" : "b");
      if (status.ok()) {
        EXPECT_EQ(changed, kind == 0 ? "new" : "absent");
      }
      const bool is_rotation = kind == 2;
      EXPECT_LE(files_.Names().size(), is_rotation ? 2u : 1u)
          << "the temporary is gone, a copy of the old file may be there";
      for (const std::string& name : files_.Names()) {
        if (name != kPath) (void)files_.Remove(name);
      }
      if (status.ok()) break;
    }
  }
}

TEST_F(EncryptedKeyringTest, AFileInUseIsReadButNotChanged) {
  const auto first = Open();
  ASSERT_TRUE(Store(*first, "a", "value").ok());
  const auto second = Open();
  EXPECT_THAT(log_.Text(), HasSubstr("can be read but not changed"));
  EXPECT_EQ(Fetch(*second, "a"), "value");
  EXPECT_EQ(Store(*second, "b").code(), StatusCode::kReadOnly);
}

TEST_F(EncryptedKeyringTest, AnEmptyOrStrangeFileIsNoNewKeyring) {
  for (const char* content : {"", "Keyring file version:2.0EOF"}) {
    files_.Put(kPath, Bytes(content, content + strlen(content)), 0640);
    EXPECT_EQ(TryOpen().status().code(), StatusCode::kCorrupt) << content;
    EXPECT_EQ(AsText(files_.Content(kPath)), content);
  }
}

TEST_F(EncryptedKeyringTest, ARecordThatWasMovedDoesNotOpen) {
  {
    const auto keyring = Open();
    ASSERT_TRUE(Store(*keyring, "a", "one").ok());
    ASSERT_TRUE(Store(*keyring, "b", "two").ok());
  }
  AwsKeyringContent swapped = *DecodeAwsDataFile(files_.Content(kPath));
  std::swap(swapped.keys[{"a", ""}], swapped.keys[{"b", ""}]);
  files_.Overwrite(kPath, *EncodeAwsDataFile(swapped));
  const auto keyring = Open();
  EXPECT_EQ(Fetch(*keyring, "a"), "Corrupt");
  EXPECT_EQ(Fetch(*keyring, "b"), "Corrupt");
}

TEST_F(EncryptedKeyringTest, FetchesRunAtOnceWhileAStoreHangs) {
  const auto keyring = Open();
  ASSERT_TRUE(Store(*keyring, "a", "value").ok());
  std::latch all_in(3);
  kms_.SetHook([&](const std::string&) {
    all_in.arrive_and_wait();  // Passes only when three are here at once.
    kms_.SetHook(nullptr);
    return Status::Ok();
  });
  std::vector<std::jthread> threads;
  threads.emplace_back([&] { EXPECT_TRUE(Store(*keyring, "b").ok()); });
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(Fetch(*keyring, "a"), "value"); });
  }
}

TEST_F(EncryptedKeyringTest, ManyThreadsLeaveWhatTheyWereTold) {
  const auto keyring = Open(true);
  const auto work = [&](int thread) {
    for (int i = 0; i < 15; ++i) {
      const std::string own = std::to_string(thread) + "-" + std::to_string(i);
      EXPECT_TRUE(Store(*keyring, own, own).ok());
      EXPECT_EQ(Fetch(*keyring, own), own);
      (void)Store(*keyring, "shared " + std::to_string(i), "same");
      if (i % 3 == 0) {
        EXPECT_TRUE(keyring->Remove({own, ""}).ok());
      }
      if (i % 5 == 0) {
        const Status status = keyring->RotateKeys(kms_, Soon());
        EXPECT_TRUE(status.ok()) << status.message();
      }
      EXPECT_FALSE(keyring->List().empty());
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.emplace_back(work, thread);
  }
  EXPECT_EQ(keyring->size(), 4u * 10 + 15);
  EXPECT_EQ(DecodeAwsDataFile(files_.Content(kPath))->keys.size(), 55u);
}

}  // namespace
}  // namespace openkeyring
