// SPDX-License-Identifier: MIT
#include "backend/sealed_file_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/spy_file_system.h"
#include "testing/temporary_folder.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kPath[] = "keyring";
constexpr StatusCode kTransient[] = {StatusCode::kUnavailable,
                                     StatusCode::kTimeout};

// "type:data" by name.
using Keys = std::map<KeyName, std::string>;

class SealedFileBackendTest : public testing::Test {
 protected:
  std::shared_ptr<KeyringFile> MakeFile() {
    return std::make_shared<KeyringFile>(files_, SystemRandom(), kPath,
                                         std::nullopt);
  }
  FileBackendWorld World() { return {kms_, files_, SystemRandom(), log_}; }
  std::unique_ptr<SealedFileBackend> Make(
      std::shared_ptr<KeyringFile> file = nullptr) {
    return std::make_unique<SealedFileBackend>(
        World(), file ? file : MakeFile(), options_);
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
  Status Store(Backend& backend, const std::string& id,
               const std::string& data = "data",
               const std::string& owner = "") {
    return backend.Store({{id, owner}, "AES", Secret::CopyOf(data)}, Soon());
  }
  Status Remove(Backend& backend, const std::string& id) {
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
  std::vector<std::string> Warnings() const {
    std::vector<std::string> warnings;
    for (const auto& [level, line] : log_.lines()) {
      if (level == LogLevel::kWarning) warnings.push_back(line);
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

TEST_F(SealedFileBackendTest, KeepsKeysAcrossLoads) {
  {
    auto backend = MakeLoaded();
    ASSERT_TRUE(Store(*backend, "a").ok());
    ASSERT_TRUE(Store(*backend, "a", "other data", "u@h").ok());
    ASSERT_TRUE(Store(*backend, "b").ok());
    ASSERT_TRUE(Remove(*backend, "b").ok());
    ASSERT_TRUE(backend
                    ->Store({{"big", ""},
                             "SECRET",
                             Secret::CopyOf(std::string(kMaxKeyBytes, 'x'))},
                            Soon())
                    .ok());
  }
  const Keys keys = {{{"a", ""}, "AES:data"},
                     {{"a", "u@h"}, "AES:other data"},
                     {{"big", ""}, "SECRET:" + std::string(kMaxKeyBytes, 'x')}};
  EXPECT_EQ(Loaded(), keys);
  files_.Crash();
  EXPECT_EQ(Loaded(), keys) << "after a power cut";
  EXPECT_THAT(Warnings(), IsEmpty());
}

TEST_F(SealedFileBackendTest, CreatesTheFileAtOnceAndBindsItsKey) {
  options_.binding = {{"team", "db"}};
  auto backend = MakeLoaded();
  EXPECT_EQ(kms_.calls("Generate"), 1);
  EXPECT_EQ(kms_.calls("Unwrap"), 1);
  EXPECT_EQ(KmsCalls(), 2);
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  EXPECT_EQ(files_.Permissions(kPath), 0640u);
  const SealedHeader header = Header();
  EXPECT_EQ(header.binding,
            (Binding{{"openkeyring:product", "component_keyring_kms"},
                     {"openkeyring:file-id", HexEncode(header.file_id)},
                     {"team", "db"}}));
  EXPECT_EQ(header.kms_key, "alias/fake");
  EXPECT_EQ(header.generation, 1u);
  EXPECT_THAT(
      backend->Describe(),
      ElementsAre(testing::Pair("File_format", "sealed 1"),
                  testing::Pair("Wrapping_key", HasSubstr("fake-alias/fake"))));
  files_.Crash();
  EXPECT_THAT(files_.Names(), ElementsAre(kPath)) << "it was durable";
}

TEST_F(SealedFileBackendTest, OneKmsCallOpensAThousandKeysAndNoneStoresOne) {
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back("key " + std::to_string(i));
  MakeFileWith(ids);
  EXPECT_EQ(KmsCalls(), 2) << "those of the creation";
  auto backend = Make();
  const auto keys = backend->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith(ids));
  EXPECT_EQ(kms_.calls("Unwrap"), 2);
  ASSERT_TRUE(Store(*backend, "n").ok());
  ASSERT_TRUE(Remove(*backend, "n").ok());
  EXPECT_EQ(KmsCalls(), 3);
}

TEST_F(SealedFileBackendTest, NoKeyStandsInTheFileInTheClear) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "k", "a very secret key").ok());
  const std::string content(AsText(Content()));
  EXPECT_THAT(content, HasSubstr("AES"));
  EXPECT_THAT(content, Not(HasSubstr("secret")));
}

TEST_F(SealedFileBackendTest, AnEmptyFileBecomesAKeyringAndKeepsItsMode) {
  files_.Put(kPath, {}, 0600);
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "k").ok());
  EXPECT_EQ(files_.Permissions(kPath), 0600u);
  EXPECT_THAT(log_.Text(), HasSubstr("was empty"));
  backend.reset();
  EXPECT_EQ(Loaded(), KeysWith({"k"}));
}

TEST_F(SealedFileBackendTest, UnreachableKmsAtCreationIsThatErrorAndNoFile) {
  for (const bool empty : {false, true}) {
    for (const StatusCode code : kTransient) {
      for (const char* operation : {"Generate", "Unwrap"}) {
        if (empty) files_.Put(kPath, {});
        FailKms(operation, {code, "away"});
        EXPECT_EQ(LoadError().code(), code) << operation;
        EXPECT_THAT(Content(), IsEmpty());
        EXPECT_THAT(files_.Names(), SizeIs(empty ? 1 : 0));
      }
    }
  }
  kms_.SetHook(nullptr);
  EXPECT_THAT(Loaded(), IsEmpty());
}

TEST_F(SealedFileBackendTest, UnreachableKmsAtLoadIsThatErrorNeverNoKeys) {
  MakeFileWith({"k"});
  const Bytes before = Content();
  for (const StatusCode code :
       {StatusCode::kUnavailable, StatusCode::kTimeout, StatusCode::kDenied,
        StatusCode::kMisconfigured, StatusCode::kCorrupt}) {
    FailKms("Unwrap", {code, "why"});
    const Status status = LoadError();
    EXPECT_EQ(status.code(), code);
    EXPECT_THAT(status.message(), AllOf(HasSubstr(kPath), HasSubstr("why")));
  }
  EXPECT_EQ(Content(), before);
  kms_.SetHook(nullptr);
  EXPECT_EQ(Loaded(), KeysWith({"k"}));
}

TEST_F(SealedFileBackendTest, AMissingFileIsNoNewKeyringWhileKeysAreInUse) {
  options_.may_create = false;
  for (const bool empty : {false, true}) {
    if (empty) files_.Put(kPath, {});
    for (const bool read_only : {false, true}) {
      options_.read_only = read_only;
      const Status status = LoadError();
      EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
      EXPECT_THAT(status.message(), HasSubstr("backup"));
    }
    EXPECT_THAT(files_.Names(), SizeIs(empty ? 1 : 0));
    EXPECT_THAT(Content(), IsEmpty());
  }
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileBackendTest, ReadOnlyMakesNoKeyringAndSaysSo) {
  options_.read_only = true;
  for (const bool empty : {false, true}) {
    if (empty) files_.Put(kPath, {});
    auto backend = Make();
    const auto keys = backend->Load(Soon());
    ASSERT_TRUE(keys) << keys.error().message();
    EXPECT_THAT(*keys, IsEmpty());
    EXPECT_THAT(Warnings(), SizeIs(empty ? 2 : 1));
    EXPECT_THAT(Warnings().back(), HasSubstr("read_only"));
    EXPECT_THAT(files_.Names(), SizeIs(empty ? 1 : 0));
    EXPECT_FALSE(Store(*backend, "k").ok());
    EXPECT_THAT(Content(), IsEmpty());
  }
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileBackendTest, AnEmptyFileThatCannotBeWrittenSaysWhy) {
  files_.Put(kPath, {});
  files_.FailAt("open", {StatusCode::kDenied, "no permission"});
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kDenied);
  EXPECT_THAT(status.message(), HasSubstr("no permission"));
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileBackendTest, ReadOnlyTouchesNothingAndTakesNoLock) {
  MakeFileWith({"a", "b"});
  Bytes torn = Content();
  torn.resize(torn.size() - 21);  // The last record has lost its end.
  files_.Put(kPath, torn);
  const size_t steps = files_.steps();
  options_.read_only = true;
  auto backend = Make();
  const auto keys = backend->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
  EXPECT_EQ(files_.steps(), steps);
  EXPECT_EQ(Content(), torn);
  EXPECT_TRUE(files_.OpenLocked(kPath)) << "nobody else is kept out";
}

TEST_F(SealedFileBackendTest, WhoeverMakesTheFileFirstMakesItForAll) {
  std::unique_ptr<SealedFileBackend> other;
  kms_.SetHook([&](const std::string&) {
    kms_.SetHook(nullptr);
    other = MakeLoaded();
    EXPECT_TRUE(Store(*other, "theirs").ok());
    return Status::Ok();
  });
  EXPECT_EQ(Loaded(), KeysWith({"theirs"}));
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  EXPECT_THAT(Warnings(), ElementsAre(HasSubstr("in use")));
}

TEST_F(SealedFileBackendTest, ADataKeyOfTheWrongSizeIsRefused) {
  class ShortKeys : public FakeKeyWrapper {
   public:
    Result<UnwrappedKey> Unwrap(const WrappedKey&, const Binding&,
                                const Deadline&) override {
      return UnwrappedKey{Secret(16), ""};
    }
  } kms;
  SealedFileBackend backend({kms, files_, SystemRandom(), log_}, MakeFile(),
                            options_);
  EXPECT_EQ(backend.Load(Soon()).status().code(), StatusCode::kCorrupt);
  EXPECT_THAT(files_.Names(), IsEmpty());
}

TEST_F(SealedFileBackendTest, AnotherDataKeyThanTheFilesIsNoticed) {
  MakeFileWith({"k"});
  const Bytes before = Content();
  class LyingKms : public FakeKeyWrapper {
   public:
    Result<UnwrappedKey> Unwrap(const WrappedKey&, const Binding&,
                                const Deadline&) override {
      return UnwrappedKey{Secret(kDataKeyBytes), ""};
    }
  } kms;
  SealedFileBackend backend({kms, files_, SystemRandom(), log_}, MakeFile(),
                            options_);
  EXPECT_EQ(backend.Load(Soon()).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), before);
}

TEST_F(SealedFileBackendTest, EveryFlippedBitOfAFileIsRefusedOrHarmless) {
  MakeFileWith({"a", "b"});
  const Bytes content = Content();
  const size_t last_done = content.size() - 20;
  for (size_t bit = 0; bit < 8 * content.size(); bit += 3) {
    Bytes changed = content;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    files_.Put(kPath, changed);
    const auto keys = Make()->Load(Soon());
    if (bit / 8 >= last_done) {
      ASSERT_TRUE(keys);
      EXPECT_EQ(TextsOf(*keys), KeysWith({"a", "b"}));
      continue;
    }
    ASSERT_FALSE(keys) << "bit " << bit;
    EXPECT_EQ(keys.error().code(), StatusCode::kCorrupt) << "bit " << bit;
    EXPECT_EQ(Content(), changed) << "and it was left as it is";
  }
}

TEST_F(SealedFileBackendTest, HeaderAndRecordsOfTwoFilesGiveNoKey) {
  MakeFileWith({"a", "b"});
  const Bytes one = Content();
  const size_t size = ReadSealedHeader(one)->size;
  ASSERT_TRUE(files_.Remove(kPath).ok());
  MakeFileWith({"a", "b"});
  Bytes mixed = Content();
  ASSERT_EQ(ReadSealedHeader(mixed)->size, size);
  std::copy(one.begin(), one.begin() + size, mixed.begin());
  files_.Put(kPath, mixed);
  options_.read_only = true;
  const auto keys = Make()->Load(Soon());
  EXPECT_TRUE(!keys || keys->empty());
}

TEST_F(SealedFileBackendTest, AnOlderHeaderBeforeNewerRecordsIsRefused) {
  MakeFileWith({"a", "b"});
  const Bytes one = Content();
  kms_.SetCurrentKey("alias/new");  // Written anew: the next generation.
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  kms_.SetCurrentKey("alias/fake");
  Bytes mixed = Content();
  ASSERT_EQ(Header().generation, 2u);
  const ReadHeader header = *ReadSealedHeader(one);
  mixed.erase(mixed.begin(), mixed.begin() + ReadSealedHeader(mixed)->size);
  mixed.insert(mixed.begin(), one.begin(), one.begin() + header.size);
  files_.Put(kPath, mixed);
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
}

TEST_F(SealedFileBackendTest, AFileBoundToSomethingElseIsNotAskedForAtKms) {
  MakeFileWith({});
  SealedHeader header = Header();
  const std::string id = HexEncode(header.file_id);
  for (const Binding& binding :
       {Binding{}, Binding{{"openkeyring:product", "component_keyring_kms"}},
        Binding{{"openkeyring:product", "aws_key_management"},
                {"openkeyring:file-id", id}},
        Binding{{"openkeyring:product", "component_keyring_kms"},
                {"openkeyring:file-id", "00"}}}) {
    header.binding = binding;
    files_.Put(kPath, *WriteSealedHeader(header, Secret(kDataKeyBytes)));
    const int calls = KmsCalls();
    EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
    EXPECT_EQ(KmsCalls(), calls);
  }
}

// A record that cannot be would make the whole file unreadable.
TEST_F(SealedFileBackendTest, NoChangeIsWrittenThatNoReaderWouldTake) {
  MakeFileWith({"old"});
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "k").ok());
  for (const char* id : {"old", "k"}) {
    const Bytes before = Content();
    EXPECT_EQ(Store(*backend, id, "other").code(), StatusCode::kAlreadyExists);
    EXPECT_EQ(Remove(*backend, "none").code(), StatusCode::kNotFound);
    EXPECT_EQ(Content(), before);
    EXPECT_TRUE(Store(*backend, id, "other", "u@h").ok());
    EXPECT_TRUE(Remove(*backend, id).ok());
    EXPECT_EQ(Remove(*backend, id).code(), StatusCode::kNotFound);
    EXPECT_TRUE(Store(*backend, id).ok());
  }
  backend.reset();
  EXPECT_EQ(Loaded().size(), 4u);
}

TEST_F(SealedFileBackendTest, AStoreIsOneWriteOneSyncAndALook) {
  auto backend = MakeLoaded();
  for (int i = 0; i < 3; ++i) {
    files_.seen.clear();
    ASSERT_TRUE(Store(*backend, std::to_string(i)).ok());
    std::erase(files_.seen, "read back");
    EXPECT_THAT(files_.seen, ElementsAre("append", "sync", "append"));
  }
}

TEST_F(SealedFileBackendTest, AFailedChangeHasNoEffectAndTheNextOneWorks) {
  for (const std::string step : {"append", "sync", "read back", "lie"}) {
    for (const bool can_cut : {true, false}) {
      SCOPED_TRACE(step + (can_cut ? ", cut off" : ", not cut off"));
      if (files_.Stat(kPath)) {
        ASSERT_TRUE(files_.Remove(kPath).ok());
      }
      auto backend = MakeLoaded();
      ASSERT_TRUE(Store(*backend, "a").ok());
      ASSERT_TRUE(Store(*backend, "b").ok());
      files_.hook = [&](const std::string& called) {
        const auto& seen = files_.seen;
        const bool looks_at_new = called == "read back" && seen.size() > 1 &&
                                  seen[seen.size() - 2] == "sync";
        files_.lies_on_read_back = looks_at_new && step == "lie";
        const bool fails = called == "read back"
                               ? looks_at_new && step == called
                               : step == called;
        return fails || (called == "truncate" && !can_cut)
                   ? Status(StatusCode::kUnavailable, "planted")
                   : Status::Ok();
      };
      EXPECT_FALSE(Store(*backend, "k", "lost").ok());
      EXPECT_FALSE(Store(*backend, "k", "lost too").ok());
      EXPECT_FALSE(Remove(*backend, "a").ok());
      files_.hook = nullptr;
      files_.lies_on_read_back = false;
      ASSERT_TRUE(Store(*backend, "k").ok());
      ASSERT_TRUE(Remove(*backend, "b").ok());
      ASSERT_TRUE(Store(*backend, "n").ok());
      EXPECT_THAT(files_.Names(), ElementsAre(kPath));
      backend.reset();
      EXPECT_EQ(Loaded(), KeysWith({"a", "k", "n"}));
      EXPECT_EQ(Header().generation, 2u) << "written anew, once";
    }
  }
  EXPECT_THAT(Warnings(), IsEmpty());
}

TEST_F(SealedFileBackendTest, AStoreWhoseMarkCannotBeWrittenIsAStore) {
  auto backend = MakeLoaded();
  int appends = 0;
  files_.hook = [&](const std::string& step) {
    return step == "append" && ++appends == 2
               ? Status(StatusCode::kUnavailable, "planted")
               : Status::Ok();
  };
  ASSERT_TRUE(Store(*backend, "k").ok());
  EXPECT_EQ(Loaded(), KeysWith({"k"}));
  ASSERT_TRUE(Store(*backend, "n").ok());
  backend.reset();
  files_.Crash();
  EXPECT_EQ(Loaded(), KeysWith({"k", "n"}));
}

TEST_F(SealedFileBackendTest, AFileThatCannotBeWrittenAnewIsTriedAgain) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "a").ok());
  files_.FailAt("sync", {StatusCode::kUnavailable, "planted"});
  EXPECT_FALSE(Store(*backend, "k").ok());
  for (const char* step :
       {"create", "append", "sync", "rename", "sync folder"}) {
    files_.FailAt(step, {StatusCode::kUnavailable, "planted"});
    EXPECT_EQ(Store(*backend, "k").code(), StatusCode::kUnavailable) << step;
    files_.hook = nullptr;
    EXPECT_EQ(Loaded(), KeysWith({"a"})) << step;
    EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  }
  ASSERT_TRUE(Store(*backend, "k").ok());
  backend.reset();
  files_.Crash();
  EXPECT_EQ(Loaded(), KeysWith({"a", "k"}));
}

TEST_F(SealedFileBackendTest, NothingIsWrittenToAFileThatOthersChanged) {
  const std::vector<std::pair<const char*, std::function<void()>>> changes = {
      {"removed", [&] { ASSERT_TRUE(files_.Remove(kPath).ok()); }},
      {"put there again", [&] { files_.Put(kPath, Content()); }},
      {"cut",
       [&] {
         Bytes content = Content();
         content.resize(content.size() - 20);
         files_.Overwrite(kPath, content);
       }},
      {"grown",
       [&] {
         Bytes content = Content();
         content.push_back(0);
         files_.Overwrite(kPath, content);
       }},
      {"emptied", [&] { files_.Overwrite(kPath, {}); }}};
  for (const bool after_a_failure : {false, true}) {
    for (const auto& [what, change] : changes) {
      SCOPED_TRACE(what);
      if (after_a_failure && std::string(what) == "cut") continue;
      if (files_.Stat(kPath)) {
        ASSERT_TRUE(files_.Remove(kPath).ok());
      }
      auto backend = MakeLoaded();
      ASSERT_TRUE(Store(*backend, "a").ok());
      if (after_a_failure) {
        files_.FailAt("append", {StatusCode::kUnavailable, "planted"});
        EXPECT_FALSE(Store(*backend, "k").ok());
        files_.hook = nullptr;
        // Its end is unknown by now, and nobody can tell who made it longer.
        if (std::string(what) == "grown") continue;
      }
      change();
      const Bytes changed = Content();
      for (const Status& status :
           {Store(*backend, "k"), Remove(*backend, "a")}) {
        EXPECT_EQ(status.code(), StatusCode::kCorrupt) << status.message();
      }
      EXPECT_EQ(Content(), changed);
      EXPECT_THAT(files_.Names(),
                  SizeIs(changed.empty() && !files_.Stat(kPath) ? 0 : 1));
    }
  }
}

TEST_F(SealedFileBackendTest, ManyChangesKeepTheFileBelowItsBound) {
  auto backend = MakeLoaded();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Store(*backend, "kept " + std::to_string(i)).ok());
  }
  const size_t live = Content().size();
  size_t largest = 0;
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(Store(*backend, "k", std::string(100, 'x')).ok());
    ASSERT_TRUE(Remove(*backend, "k").ok());
    largest = std::max(largest, Content().size());
  }
  EXPECT_LT(largest, CompactionPoint(live, options_.max_file) + 1000);
  EXPECT_GT(Header().generation, 5u);
  ASSERT_TRUE(Store(*backend, "last").ok());
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  backend.reset();
  EXPECT_EQ(Loaded().size(), 21u);
  EXPECT_THAT(Warnings(), IsEmpty());
}

TEST_F(SealedFileBackendTest, CompactionThatFailsLosesNothingAndIsNotRepeated) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "kept").ok());
  files_.FailAt("create", {StatusCode::kUnavailable, "planted"});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(Store(*backend, "k", std::string(100, 'x')).ok());
    ASSERT_TRUE(Remove(*backend, "k").ok());
  }
  EXPECT_THAT(Warnings(), AllOf(Not(IsEmpty()), SizeIs(testing::Le(4))));
  EXPECT_THAT(Warnings().front(), HasSubstr("no key is lost"));
  EXPECT_EQ(Header().generation, 1u);
  EXPECT_EQ(Loaded(), KeysWith({"kept"}));
  files_.hook = nullptr;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(Store(*backend, "k", std::string(100, 'x')).ok());
    ASSERT_TRUE(Remove(*backend, "k").ok());
  }
  EXPECT_GT(Header().generation, 1u);
  EXPECT_LT(Content().size(), CompactionPoint(0, options_.max_file) + 1000);
  backend.reset();
  EXPECT_EQ(Loaded(), KeysWith({"kept"}));
}

TEST_F(SealedFileBackendTest, TheCostOfAStoreDoesNotGrowWithTheKeys) {
  auto backend = MakeLoaded();
  for (int i = 0; i < 3000; ++i) {
    const uint64_t before = files_.bytes_appended;
    ASSERT_TRUE(Store(*backend, "key " + std::to_string(1000000 + i)).ok());
    const uint64_t bytes = files_.bytes_appended - before;
    EXPECT_EQ(bytes,
              SealedLog::RecordSize({{"key 1000000", ""}, "AES", Secret(4)}))
        << i;
  }
  EXPECT_EQ(Header().generation, 1u);
}

TEST_F(SealedFileBackendTest, CompactionCostsNoMoreThanWhatWasStored) {
  auto backend = MakeLoaded();
  uint64_t records = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string id = "key " + std::to_string(1000000 + i);
    ASSERT_TRUE(Store(*backend, id).ok());
    if (i % 10 != 0) {
      ASSERT_TRUE(Remove(*backend, id).ok());
    }
    records += 2 * SealedLog::RecordSize({{id, ""}, "AES", Secret(4)});
  }
  EXPECT_GT(Header().generation, 1u);
  EXPECT_LT(files_.bytes_appended, 2 * records);
}

// Every salt of every file that was ever written.
class SealedFileSaltsTest : public SealedFileBackendTest {
 protected:
  void CollectSalts() {
    const Bytes content = Content();
    size_t at = ReadSealedHeader(content)->size;
    while (at < content.size()) {
      ASSERT_GE(content.size(), at + 20);
      const uint8_t kind = content[at + 3];
      size_t size = 0;
      for (int i = 4; i < 8; ++i) size = size << 8 | content[at + i];
      if (kind != 3) {
        const Bytes salt(content.begin() + at + 20, content.begin() + at + 52);
        const Bytes record(content.begin() + at,
                           content.begin() + at + 20 + size);
        const auto known = salts_.emplace(salt, record).first;
        EXPECT_EQ(known->second, record) << "one salt for two texts";
      }
      at += 20 + size;
    }
  }
  std::map<Bytes, Bytes> salts_;
};

TEST_F(SealedFileSaltsTest, NoSaltIsUsedTwiceWhateverIsCutOrCopied) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "a").ok());
  ASSERT_TRUE(Remove(*backend, "a").ok());
  ASSERT_TRUE(Store(*backend, "a").ok());
  CollectSalts();
  EXPECT_EQ(salts_.size(), 3u);
  // The same key once more after a failure.
  files_.FailAt("sync", {StatusCode::kUnavailable, "planted"});
  files_.hook = [this](const std::string& step) {
    if (step != "sync") return Status::Ok();
    CollectSalts();
    return Status(StatusCode::kUnavailable, "planted");
  };
  EXPECT_FALSE(Store(*backend, "b").ok());
  files_.hook = nullptr;
  EXPECT_EQ(salts_.size(), 4u);
  ASSERT_TRUE(Store(*backend, "b").ok());
  CollectSalts();
  EXPECT_EQ(salts_.size(), 6u) << "a and b in a file that was written anew";
  // Two copies go their own ways.
  const Bytes copy = Content();
  for (int i = 0; i < 2; ++i) {
    backend.reset();
    files_.Put(kPath, copy);
    backend = MakeLoaded();
    ASSERT_TRUE(Store(*backend, "c").ok());
    CollectSalts();
    EXPECT_EQ(salts_.size(), 7u + i);
  }
}

class SealedFileRewrapTest : public SealedFileBackendTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(MakeFileWith({"a", "b"}));
    before_ = Content();
    kms_.SetCurrentKey("alias/new");
  }
  Bytes before_;
};

TEST_F(SealedFileRewrapTest, AnotherKmsKeyWrapsTheDataKeyAnew) {
  const SealedHeader old = Header();
  auto backend = MakeLoaded();
  EXPECT_EQ(kms_.calls("Unwrap"), 3) << "creation, load, and the check";
  EXPECT_EQ(kms_.calls("Wrap"), 1);
  const SealedHeader header = Header();
  EXPECT_EQ(header.kms_key, "alias/new");
  EXPECT_THAT(header.data_key.wrapping_key, HasSubstr("fake-alias/new"));
  EXPECT_EQ(header.file_id, old.file_id);
  EXPECT_EQ(header.binding, old.binding);
  EXPECT_EQ(header.generation, old.generation + 1);
  EXPECT_THAT(backend->Describe()[1].second, HasSubstr("alias/new"));
  ASSERT_TRUE(Store(*backend, "c").ok());
  backend.reset();
  files_.Crash();
  EXPECT_EQ(Loaded(), KeysWith({"a", "b", "c"}));
  EXPECT_EQ(kms_.calls("Wrap"), 1) << "once and for all";
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
}

TEST_F(SealedFileRewrapTest, AnotherContextBindsTheDataKeyAnew) {
  kms_.SetCurrentKey("alias/fake");
  options_.binding = {{"team", "db"}};
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_EQ(Header().binding.at("team"), "db");
  options_.binding.clear();
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_FALSE(Header().binding.contains("team"));
  EXPECT_EQ(kms_.calls("Wrap"), 2);
}

TEST_F(SealedFileRewrapTest, FailureOfAnyCallLeavesTheFileByteForByte) {
  for (const StatusCode code : kTransient) {
    FailKms("Wrap", {code, "away"});
    EXPECT_EQ(LoadError().code(), code);
    EXPECT_EQ(Content(), before_);
    for (const int failing : {1, 2}) {
      int unwraps = 0;
      kms_.SetHook([&](const std::string& operation) {
        return operation == "Unwrap" && ++unwraps == failing
                   ? Status(code, "away")
                   : Status::Ok();
      });
      EXPECT_EQ(LoadError().code(), code) << failing;
      EXPECT_EQ(Content(), before_);
    }
  }
  kms_.SetHook(nullptr);
  for (const char* step : {"create", "append", "rename"}) {
    files_.FailAt(step, {StatusCode::kUnavailable, "full"});
    EXPECT_EQ(LoadError().code(), StatusCode::kUnavailable);
    EXPECT_EQ(Content(), before_);
  }
  files_.hook = nullptr;
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
}

TEST_F(SealedFileRewrapTest, ReadOnlyRefusesAndNamesBothKeys) {
  options_.read_only = true;
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kReadOnly);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("alias/fake"), HasSubstr("alias/new")));
  EXPECT_EQ(Content(), before_);
}

TEST_F(SealedFileRewrapTest, WhoDoesNotHaveTheFileOnlyWarns) {
  auto holder = files_.OpenLocked(kPath);
  ASSERT_TRUE(holder);
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_EQ(Content(), before_);
  EXPECT_EQ(kms_.calls("Wrap"), 0);
  EXPECT_THAT(Warnings(), testing::Contains(AllOf(HasSubstr("alias/fake"),
                                                  HasSubstr("alias/new"))));
}

TEST_F(SealedFileRewrapTest, AKmsThatWrapsSomethingElseIsNoticed) {
  // Wraps another key than it was given.
  class LyingKms : public FakeKeyWrapper {
   public:
    explicit LyingKms(FakeKeyWrapper& honest) : honest_(honest) {}
    Result<WrappedKey> Wrap(const Secret& key, const Binding& binding,
                            const Deadline& deadline) override {
      return honest_.Wrap(Secret(key.size()), binding, deadline);
    }
    Result<UnwrappedKey> Unwrap(const WrappedKey& wrapped,
                                const Binding& binding,
                                const Deadline& deadline) override {
      return honest_.Unwrap(wrapped, binding, deadline);
    }

   private:
    FakeKeyWrapper& honest_;
  } kms(kms_);
  kms.SetCurrentKey("alias/new");
  SealedFileBackend backend({kms, files_, SystemRandom(), log_}, MakeFile(),
                            options_);
  EXPECT_EQ(backend.Load(Soon()).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), before_);
}

TEST_F(SealedFileRewrapTest, OfAFileThatIsTornKeepsAllWholeRecords) {
  Bytes torn = before_;
  torn.resize(torn.size() - 21);
  files_.Put(kPath, torn);
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
  EXPECT_EQ(Header().kms_key, "alias/new");
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
}

class SealedFileTornTest : public SealedFileBackendTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(MakeFileWith({"a", "b"}));
    whole_ = Content();
    record_ = SealedLog::RecordSize({{"b", ""}, "AES", Secret(4)});
  }
  // Without the last `bytes`.
  void Cut(size_t bytes) {
    files_.Put(kPath, Bytes(whole_.begin(), whole_.end() - bytes), 0600);
  }
  Bytes whole_;
  size_t record_ = 0;  // The size of the last one, with its mark.
};

TEST_F(SealedFileTornTest, TheEndIsPutAsideAndTheLogGoesOn) {
  for (size_t bytes = 21; bytes < record_; bytes += 9) {
    SCOPED_TRACE(bytes);
    for (const std::string& name : files_.Names()) {
      ASSERT_TRUE(files_.Remove(name).ok());
    }
    Cut(bytes);
    auto backend = MakeLoaded();
    EXPECT_EQ(Content(), Bytes(whole_.begin(), whole_.end() - record_));
    ASSERT_THAT(files_.Names(),
                ElementsAre(kPath, StartsWith("keyring.torn-")));
    const std::string aside = files_.Names()[1];
    EXPECT_EQ(files_.Content(aside),
              Bytes(whole_.end() - record_, whole_.end() - bytes));
    EXPECT_THAT(Warnings().back(), HasSubstr(aside));
    ASSERT_TRUE(Store(*backend, "b").ok());
    backend.reset();
    files_.Crash();
    EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
    EXPECT_THAT(files_.Names(), SizeIs(2)) << "only once";
  }
}

TEST_F(SealedFileTornTest, WithoutTheLockTheEndIsOnlyLeftOut) {
  Cut(25);
  const Bytes torn = Content();
  auto holder = files_.OpenLocked(kPath);
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
  EXPECT_EQ(Content(), torn);
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
}

TEST_F(SealedFileTornTest, NothingIsCutThatIsNotSafelyAside) {
  Cut(25);
  const Bytes torn = Content();
  for (const char* step : {"create", "append", "sync", "rename", "sync folder",
                           "truncate", "lie"}) {
    SCOPED_TRACE(step);
    files_.FailAt(step, {StatusCode::kUnavailable, "planted"});
    files_.lies_on_read_back = std::string(step) == "lie";
    auto backend = Make();
    const auto keys = backend->Load(Soon());
    files_.hook = nullptr;
    files_.lies_on_read_back = false;
    ASSERT_TRUE(keys) << keys.error().message();
    EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
    EXPECT_EQ(Content(), torn);
    const Status status = Store(*backend, "b");
    EXPECT_EQ(status.code(), std::string(step) == "lie"
                                 ? StatusCode::kCorrupt
                                 : StatusCode::kUnavailable);
    EXPECT_THAT(status.message(), HasSubstr("torn by a crash"));
    EXPECT_EQ(Content(), torn);
  }
  auto backend = MakeLoaded();
  EXPECT_TRUE(Store(*backend, "b").ok());
}

TEST_F(SealedFileTornTest, AFileThatCannotBeMadeDurableIsNotLoaded) {
  for (const char* step : {"sync", "sync folder"}) {
    files_.FailAt(step, {StatusCode::kUnavailable, "planted"});
    EXPECT_EQ(LoadError().code(), StatusCode::kUnavailable) << step;
  }
  files_.hook = nullptr;
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
}

TEST_F(SealedFileBackendTest, TheSecondOneReadsWarnsAndWritesNothing) {
  auto first = MakeLoaded();
  ASSERT_TRUE(Store(*first, "a").ok());
  const auto second_file = MakeFile();
  auto second = Make(second_file);
  const auto keys = second->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
  EXPECT_THAT(Warnings(), ElementsAre(HasSubstr("in use")));
  const Bytes before = Content();
  for (const Status& status : {Store(*second, "b"), Remove(*second, "a")}) {
    EXPECT_EQ(status.code(), StatusCode::kReadOnly);
    EXPECT_THAT(status.message(), HasSubstr("in use"));
  }
  EXPECT_EQ(Content(), before);
  ASSERT_TRUE(Store(*first, "c").ok());
  first.reset();
  EXPECT_FALSE(Store(*second, "b").ok()) << "it has not read c";
  second = MakeLoaded(second_file);
  ASSERT_TRUE(Store(*second, "b").ok());
  second.reset();
  EXPECT_EQ(Loaded(), KeysWith({"a", "b", "c"}));
}

TEST_F(SealedFileBackendTest, TheSecondOneIsToldTheHoldersPid) {
  TemporaryFolder folder;
  const std::string path = folder.PathOf("keyring");
  const FileBackendWorld world{kms_, PosixFileSystem(), SystemRandom(), log_};
  const auto make = [&] {
    return SealedFileBackend(
        world,
        std::make_shared<KeyringFile>(PosixFileSystem(), SystemRandom(), path,
                                      std::nullopt),
        options_);
  };
  auto first = make(), second = make();
  ASSERT_TRUE(first.Load(Soon()));
  ASSERT_TRUE(Store(first, "a").ok());
  const auto keys = second.Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
  const std::string holder = "process " + std::to_string(getpid());
  EXPECT_THAT(Warnings(), ElementsAre(HasSubstr(holder)));
  EXPECT_THAT(Store(second, "b").message(), HasSubstr(holder));
}

// Reloads in one process, which share the KeyringFile.
class SealedFileReloadTest : public SealedFileBackendTest {
 protected:
  void SetUp() override {
    file_ = MakeFile();
    old_ = MakeLoaded(file_);
    ASSERT_TRUE(Store(*old_, "a").ok());
    options_.may_create = false;
  }
  // Its error.
  Status FailToReload() { return Make(file_)->Load(Soon()).status(); }

  std::shared_ptr<KeyringFile> file_;
  std::unique_ptr<SealedFileBackend> old_;
};

TEST_F(SealedFileReloadTest, TheNextOneGoesOnWhereTheLastOneStood) {
  for (int i = 0; i < 3; ++i) {
    auto next = MakeLoaded(file_);
    old_ = std::move(next);
    ASSERT_TRUE(Store(*old_, std::to_string(i)).ok());
  }
  EXPECT_THAT(Warnings(), IsEmpty());
  old_.reset();
  file_.reset();
  EXPECT_EQ(Loaded(), KeysWith({"0", "1", "2", "a"}));
}

TEST_F(SealedFileReloadTest, AFailureAtKmsLeavesTheOldOneWriting) {
  FailKms("Unwrap", {StatusCode::kTimeout, "away"});
  EXPECT_EQ(FailToReload().code(), StatusCode::kTimeout);
  EXPECT_TRUE(Store(*old_, "b").ok());
  EXPECT_TRUE(Remove(*old_, "a").ok());
  kms_.SetHook(nullptr);
  EXPECT_EQ(Loaded(), KeysWith({"b"}));
}

TEST_F(SealedFileReloadTest, AFailureWhileWritingAnewStopsTheOldOneOrNot) {
  kms_.SetCurrentKey("alias/new");
  for (const char* step : {"create", "append", "rename", "sync folder"}) {
    SCOPED_TRACE(step);
    int count = 0;
    files_.hook = [&](const std::string& called) {
      // The load itself syncs the folder once.
      const bool fails =
          called == step && (called != "sync folder" || ++count == 2);
      return fails ? Status(StatusCode::kUnavailable, "planted") : Status::Ok();
    };
    EXPECT_EQ(FailToReload().code(), StatusCode::kUnavailable);
    files_.hook = nullptr;
    const Bytes before = Content();
    const Status status = Store(*old_, step);
    EXPECT_EQ(status.ok(), std::string(step) != "sync folder")
        << status.message();
    if (!status.ok()) {
      EXPECT_EQ(Content(), before);
    }
  }
  EXPECT_EQ(Loaded(), KeysWith({"a", "append", "create", "rename"}));
}

TEST_F(SealedFileReloadTest, ADamagedFileLeavesTheOldOneReadingOnly) {
  Bytes damaged = Content();
  damaged[damaged.size() - 40] ^= 1;
  files_.Overwrite(kPath, damaged);
  EXPECT_EQ(FailToReload().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), damaged);
  // Damage in the middle of what it knows is nothing a writer could notice by
  // a look at the end; it must not make it worse.
  (void)Store(*old_, "b");
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
}

TEST_F(SealedFileReloadTest, AnotherFileThatDoesNotLoadIsNotWrittenTo) {
  const Bytes good = Content();
  Bytes other = good;
  other[other.size() - 40] ^= 1;
  files_.Put(kPath, other);
  EXPECT_EQ(FailToReload().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Store(*old_, "b").code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), other);
  // Now the right one is there again, but the old keyring cannot know.
  files_.Put(kPath, good);
  EXPECT_EQ(Store(*old_, "b").code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), good);
  old_ = MakeLoaded(file_);
  EXPECT_TRUE(Store(*old_, "b").ok());
}

TEST_F(SealedFileReloadTest, ARemovedFileIsNeitherMadeNorWrittenTo) {
  const Bytes good = Content();
  ASSERT_TRUE(files_.Remove(kPath).ok());
  EXPECT_EQ(FailToReload().code(), StatusCode::kMisconfigured);
  const Status status = Store(*old_, "b");
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.code(), StatusCode::kNotFound);
  EXPECT_NE(Remove(*old_, "a").code(), StatusCode::kNotFound);
  EXPECT_THAT(files_.Names(), IsEmpty());
  files_.Put(kPath, good);
  old_ = MakeLoaded(file_);
  EXPECT_TRUE(Store(*old_, "b").ok());
}

// Compacted, an older state can be as long as a newer one.
TEST_F(SealedFileReloadTest, AnOlderCopyOfTheSameSizeIsNotWrittenOn) {
  const Bytes older = Content();
  ASSERT_TRUE(Remove(*old_, "a").ok());
  ASSERT_TRUE(Store(*old_, "b").ok());
  files_.FailAt("sync", {StatusCode::kUnavailable, "planted"});
  EXPECT_FALSE(Store(*old_, "c").ok());
  files_.hook = nullptr;
  ASSERT_TRUE(Store(*old_, "c").ok());  // Written anew.
  ASSERT_TRUE(Remove(*old_, "c").ok());
  for (const bool in_place : {false, true}) {
    Bytes content = older;
    content.resize(Content().size(), 0);
    in_place ? files_.Overwrite(kPath, content) : files_.Put(kPath, content);
    FailKms("Unwrap", {StatusCode::kUnavailable, "away"});
    EXPECT_EQ(FailToReload().code(), StatusCode::kUnavailable);
    kms_.SetHook(nullptr);
    EXPECT_EQ(Store(*old_, "d").code(), StatusCode::kCorrupt);
    EXPECT_EQ(Remove(*old_, in_place ? "a" : "b").code(), StatusCode::kCorrupt);
    EXPECT_EQ(Content(), content);
    old_ = MakeLoaded(file_);
    ASSERT_TRUE(Store(*old_, "n").ok());
    ASSERT_TRUE(Remove(*old_, "n").ok());
  }
}

TEST_F(SealedFileBackendTest, AnEmptyFileThatSomebodyHasIsNotReadyYet) {
  files_.Put(kPath, {});
  auto holder = files_.OpenLocked(kPath);
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("empty"), HasSubstr("in use")));
  EXPECT_EQ(KmsCalls(), 0);
  holder->reset();
  EXPECT_THAT(Loaded(), IsEmpty());
}

// Of the real file system, which has links and folders.
class SealedFilePosixTest : public SealedFileBackendTest {
 protected:
  Status LoadError(const std::string& path) {
    const FileBackendWorld world{kms_, PosixFileSystem(), SystemRandom(), log_};
    SealedFileBackend backend(
        world,
        std::make_shared<KeyringFile>(PosixFileSystem(), SystemRandom(), path,
                                      std::nullopt),
        options_);
    return backend.Load(Soon()).status();
  }
  TemporaryFolder folder_;
};

TEST_F(SealedFilePosixTest, ALinkThatLeadsNowhereIsNoNewKeyring) {
  ASSERT_EQ(symlink("nowhere", folder_.PathOf("keyring").c_str()), 0);
  for (const bool read_only : {false, true}) {
    options_.read_only = read_only;
    const Status status = LoadError(folder_.PathOf("keyring"));
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_THAT(status.message(), HasSubstr("link"));
  }
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFilePosixTest, AMissingFolderIsNoNewKeyring) {
  folder_.Write("file", "");
  for (const char* path : {"missing/keyring", "file/keyring"}) {
    for (const bool read_only : {false, true}) {
      options_.read_only = read_only;
      const Status status = LoadError(folder_.PathOf(path));
      EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << path;
      EXPECT_THAT(status.message(), HasSubstr("folder"));
    }
  }
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileReloadTest, ReadOnlyWritesNotEvenToAFileThatWasLocked) {
  options_.read_only = true;
  auto next = MakeLoaded(file_);
  const Bytes before = Content();
  EXPECT_EQ(Store(*next, "b").code(), StatusCode::kReadOnly);
  EXPECT_EQ(Remove(*next, "a").code(), StatusCode::kReadOnly);
  EXPECT_EQ(Content(), before);
}

// Unless told otherwise, the keyring would say that there is no such key.
TEST_F(SealedFileReloadTest, TroubleWithFilesIsNoAnswerAboutKeys) {
  for (const StatusCode code :
       {StatusCode::kNotFound, StatusCode::kAlreadyExists}) {
    for (const char* step : {"append", "sync", "create", "rename"}) {
      files_.FailAt(step, {code, "planted"});
      EXPECT_EQ(Store(*old_, "b").code(), StatusCode::kUnavailable) << step;
      EXPECT_EQ(Remove(*old_, "a").code(), StatusCode::kUnavailable) << step;
    }
    files_.hook = nullptr;
    kms_.SetCurrentKey("alias/" + std::string(StatusCodeName(code)));
    for (const char* step : {"sync", "sync folder", "create", "rename"}) {
      files_.FailAt(step, {code, "planted"});
      EXPECT_EQ(FailToReload().code(), StatusCode::kUnavailable) << step;
    }
    files_.hook = nullptr;
    old_ = MakeLoaded(file_);
  }
}

TEST_F(SealedFileBackendTest, WhatACrashLeftUnfinishedIsRemoved) {
  MakeFileWith({"a"});
  const std::string left = ".keyring.0123456789abcdef.tmp";
  const std::string other = ".keyring2.0123456789abcdef.tmp";
  const std::string torn =
      ".keyring.torn-0123456789abcdef.0123456789abcdef.tmp";
  for (const std::string& name : {left, other, torn}) files_.Put(name, {1});
  options_.read_only = true;
  (void)Loaded();
  EXPECT_THAT(files_.Names(), SizeIs(4));
  options_.read_only = false;
  {
    auto holder = files_.OpenLocked(left);
    (void)Loaded();
    EXPECT_THAT(files_.Names(), testing::Contains(left)) << "in use";
  }
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
  EXPECT_THAT(files_.Names(), ElementsAre(other, kPath));
  EXPECT_THAT(log_.Text(), HasSubstr(left));
}

// Somebody moved the file away and put another there, just then.
TEST_F(SealedFileTornTest, AnotherFileThanTheOneThatWasReadIsNotCut) {
  files_.hook = [&](const std::string& step) {
    if (step != "read") return Status::Ok();
    files_.hook = nullptr;
    EXPECT_TRUE(files_.Rename(kPath, "moved").ok());
    Cut(25);
    return Status::Ok();
  };
  auto backend = Make();
  const auto keys = backend->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
  EXPECT_EQ(files_.Content("moved"), whole_);
  EXPECT_FALSE(Store(*backend, "c").ok());
  EXPECT_EQ(files_.Content("moved"), whole_);
}

TEST_F(SealedFileBackendTest, NoFileGrowsLargerThanWhatCanBeRead) {
  options_.max_file = 20000;
  auto backend = MakeLoaded();
  const std::string data(500, 'x');
  size_t keys = 0;
  Status status;
  while ((status = Store(*backend, std::to_string(keys), data)).ok()) ++keys;
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("20000"));
  EXPECT_GT(keys, 25u);
  EXPECT_LE(Content().size(), options_.max_file);
  ASSERT_TRUE(Remove(*backend, "0").ok()) << "there is room for that";
  ASSERT_TRUE(Store(*backend, "0", data).ok()) << "in the room that it left";
  backend.reset();
  EXPECT_EQ(Loaded().size(), keys);
}

TEST_F(SealedFileBackendTest, WasteDoesNotGrowLargerThanWhatCanBeReadEither) {
  options_.max_file = 20000;
  auto backend = MakeLoaded();
  const std::string data(500, 'x');
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Store(*backend, "kept " + std::to_string(i), data).ok());
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Store(*backend, "k", data).ok());
    ASSERT_TRUE(Remove(*backend, "k").ok());
    ASSERT_LE(Content().size(), options_.max_file);
  }
  backend.reset();
  EXPECT_EQ(Loaded().size(), 10u);
}

}  // namespace
}  // namespace openkeyring
