// SPDX-License-Identifier: MIT
#include "storage/percona/json_file_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/encoding.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

constexpr char kPath[] = "keyring";
constexpr char kBackup[] = "keyring.backup";

using Keys = std::map<KeyName, std::string>;

// A directory in which calls can be made to fail.
class Directory : public CrashFileSystem {
 public:
  Result<std::vector<std::string>> List(const std::string& directory) override {
    if (!list_error.ok()) return list_error;
    return CrashFileSystem::List(directory);
  }
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                               mode_t permissions) override {
    if (!create_error.ok() && creates_left-- <= 0) return create_error;
    auto file = CrashFileSystem::Create(path, permissions);
    if (file) last_created = file->get();
    return file;
  }
  Result<std::unique_ptr<WritableFile>> OpenLocked(
      const std::string& path) override {
    if (!open_error.ok()) return open_error;
    return CrashFileSystem::OpenLocked(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    names_at_rename = Names();
    return CrashFileSystem::Rename(from, to);
  }
  Status SyncDirectory(const std::string& directory) override {
    if (failing_syncs > 0) {
      --failing_syncs;
      return {StatusCode::kUnavailable, "cannot sync"};
    }
    return CrashFileSystem::SyncDirectory(directory);
  }
  Status Remove(const std::string& path) override {
    if (path == unremovable) return {StatusCode::kUnavailable, "cannot remove"};
    return CrashFileSystem::Remove(path);
  }

  Status list_error, create_error, open_error;
  int creates_left = 0;  // Before create_error.
  int failing_syncs = 0;
  std::string unremovable;
  std::vector<std::string> names_at_rename;
  WritableFile* last_created = nullptr;
};

class JsonFileBackendTest : public testing::Test {
 protected:
  std::unique_ptr<JsonFileBackend> Make(
      std::shared_ptr<KeyringFile> file = nullptr) {
    if (file == nullptr) {
      file = std::make_shared<KeyringFile>(files_, random_, kPath, owner_);
    }
    return std::make_unique<JsonFileBackend>(
        FileBackendDependencies{wrapper_, files_, random_, log_}, clock_, file,
        options_);
  }
  std::unique_ptr<JsonFileBackend> MakeLoaded() {
    auto backend = Make();
    const auto keys = backend->Load(Soon());
    EXPECT_TRUE(keys) << keys.error().message();
    return backend;
  }
  // What a new process finds.
  Keys Loaded() {
    const auto keys = Make()->Load(Soon());
    EXPECT_TRUE(keys) << keys.error().message();
    return keys ? KeysOf(*keys) : Keys();
  }
  Status LoadError() { return Make()->Load(Soon()).status(); }
  static Keys KeysOf(const std::vector<Key>& keys) {
    Keys found;
    for (const Key& key : keys) found[key.name] = key.data.RevealText();
    return found;
  }

  Status Store(KeyringBackend& backend, const std::string& id,
               const std::string& data = "0123456789abcdef",
               const std::string& owner = "", const std::string& type = "AES") {
    return backend.Store({{id, owner}, type, Secret::CopyOf(data)}, Soon());
  }
  // A file with these keys, without owner, data "<id>-data".
  Bytes FileWith(const std::vector<std::string>& ids) {
    JsonKeyring keyring;
    for (const std::string& id : ids) {
      auto& blob = blobs_[id];
      if (blob.empty()) {
        blob = wrapper_.Wrap(Secret::CopyOf(id + "-data"), {}, Soon())->blob;
      }
      EXPECT_TRUE(keyring.Add({id, ""}, "AES", {blob, ""}).ok());
    }
    return *keyring.Write();
  }
  static Keys KeysWith(const std::vector<std::string>& ids) {
    Keys keys;
    for (const std::string& id : ids) keys[{id, ""}] = id + "-data";
    return keys;
  }
  static Bytes Torn(Bytes content) {
    content.resize(content.size() / 2);
    return content;
  }
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }
  // The warning of a new keyring does not count.
  size_t Warnings() const {
    size_t count = 0;
    for (const auto& [level, line] : log_.lines()) {
      const bool is_new = line.find("new and empty") != std::string::npos;
      if (level == LogLevel::kWarning && !is_new) ++count;
    }
    return count;
  }
  std::string Text(const std::string& name) const {
    return std::string(AsText(files_.Content(name)));
  }

  ManualClock clock_;
  Directory files_;
  FakeKeyWrapper wrapper_;
  FakeRandom random_;
  MemoryLog log_;
  FileBackendOptions options_;
  std::optional<FileOwner> owner_;
  std::map<std::string, Bytes> blobs_;
};

TEST_F(JsonFileBackendTest, StoredKeysAreThereAfterARestart) {
  {
    auto backend = MakeLoaded();
    ASSERT_TRUE(Store(*backend, "k", "data of k").ok());
    ASSERT_TRUE(Store(*backend, "k", "another", "u@h", "SECRET").ok());
  }
  const auto keys = Make()->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(KeysOf(*keys),
            (Keys{{{"k", ""}, "data of k"}, {{"k", "u@h"}, "another"}}));
  EXPECT_EQ((*keys)[1].type, "SECRET");
  EXPECT_EQ(files_.Permissions(kPath), 0640u);
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
}

TEST_F(JsonFileBackendTest, NewFileIsPerconasToTheByte) {
  ASSERT_TRUE(Store(*MakeLoaded(), "k", "x", "u").ok());
  const auto file = JsonKeyring::Parse(files_.Content(kPath));
  ASSERT_TRUE(file);
  std::string data =
      HexEncode(AsBytes(Base64Encode(file->element(0).wrapped.blob)));
  for (char& c : data) c = static_cast<char>(toupper(c));
  EXPECT_EQ(Text(kPath),
            "{\"version\":\"1.0\",\"elements\":[{\"user\":\"u\",\"data_id\":"
            "\"k\",\"data_type\":\"AES\",\"data\":\"" +
                data + "\",\"extension\":[]}]}");
}

TEST_F(JsonFileBackendTest, OraclesFileStaysOracles) {
  const auto blob = wrapper_.Wrap(Secret::CopyOf("old"), {}, Soon())->blob;
  const std::string text =
      R"({"version":"1.0","elements":[{"user":"mary@%","data_id":"k",)"
      R"("data_type":"AES","data":")" +
      HexEncode(blob) + R"(","extension":[],"mine":1}],"note":true})";
  files_.Put(kPath, Bytes(text.begin(), text.end()), 0600);
  {
    auto backend = MakeLoaded();
    EXPECT_EQ(backend->Describe()[0].second, "Oracle JSON 1.0");
    ASSERT_TRUE(Store(*backend, "n", "new").ok());
  }
  const auto file = JsonKeyring::Parse(files_.Content(kPath));
  EXPECT_EQ(file->element(1).encoding, JsonEncoding::kOracle);
  EXPECT_THAT(Text(kPath), AllOf(StartsWith(text.substr(0, text.find("}]"))),
                                 HasSubstr("],\"note\":true}")));
  EXPECT_EQ(Loaded(), (Keys{{{"k", "mary@%"}, "old"}, {{"n", ""}, "new"}}));
  EXPECT_EQ(files_.Permissions(kPath), 0600u);
}

TEST_F(JsonFileBackendTest, RemovedKeyIsGoneAfterARestart) {
  {
    auto backend = MakeLoaded();
    ASSERT_TRUE(Store(*backend, "a").ok());
    ASSERT_TRUE(Store(*backend, "b").ok());
    ASSERT_TRUE(backend->Remove({"a", ""}, Soon()).ok());
    EXPECT_EQ(backend->Remove({"a", ""}, Soon()).code(), StatusCode::kNotFound);
  }
  EXPECT_EQ(Loaded().size(), 1u);
}

TEST_F(JsonFileBackendTest, MissingFileIsAnEmptyKeyringAndLoadMakesNone) {
  EXPECT_THAT(Loaded(), IsEmpty());
  EXPECT_THAT(files_.Names(), IsEmpty());
  EXPECT_EQ(wrapper_.calls("Unwrap"), 0);
}

TEST_F(JsonFileBackendTest, MissingDirectoryIsAnErrorAndNoEmptyKeyring) {
  files_.list_error = {StatusCode::kNotFound, "no such directory"};
  EXPECT_EQ(LoadError().code(), StatusCode::kMisconfigured);
}

TEST_F(JsonFileBackendTest, LinkThatLeadsNowhereIsAnErrorAndNoEmptyKeyring) {
  class DanglingLink : public Directory {
   public:
    Result<std::vector<std::string>> List(const std::string&) override {
      return std::vector<std::string>{kPath};
    }
  } files;
  JsonFileBackend backend(
      {wrapper_, files, random_, log_}, clock_,
      std::make_shared<KeyringFile>(files, random_, kPath, owner_), options_);
  const Status status = backend.Load(Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("symbolic link"));
}

TEST_F(JsonFileBackendTest, ReloadDoesNotTakeAMissingOrEmptyFileForANewOne) {
  options_.may_create = false;
  EXPECT_EQ(LoadError().code(), StatusCode::kMisconfigured);
  files_.Put(kPath, {});
  EXPECT_EQ(LoadError().code(), StatusCode::kMisconfigured);
  options_.may_create = true;
  EXPECT_THAT(Loaded(), IsEmpty());
}

TEST_F(JsonFileBackendTest, NewFileGoesToItsOwnerAndKeepsItWhenReplaced) {
  owner_ = FileOwner{123, 456};
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "a").ok());
  EXPECT_EQ(files_.Stat(kPath)->owner, *owner_);
  ASSERT_TRUE(Store(*backend, "b").ok());
  EXPECT_EQ(files_.Stat(kPath)->owner, *owner_);
}

TEST_F(JsonFileBackendTest, WhoComesSecondReadsAndIsToldWhyItCannotWrite) {
  auto first = MakeLoaded();
  ASSERT_TRUE(Store(*first, "k", "data").ok());
  const Bytes before = files_.Content(kPath);
  auto second = Make();
  const auto keys = second->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(KeysOf(*keys), (Keys{{{"k", ""}, "data"}}));
  EXPECT_EQ(Warnings(), 1u);
  EXPECT_THAT(log_.Text(), HasSubstr("is in use"));
  for (const Status& status :
       {Store(*second, "n"), second->Remove({"k", ""}, Soon())}) {
    EXPECT_EQ(status.code(), StatusCode::kReadOnly);
    EXPECT_THAT(status.message(), HasSubstr("is in use"));
  }
  EXPECT_EQ(files_.Content(kPath), before);
  EXPECT_TRUE(Store(*first, "n").ok());
}

TEST_F(JsonFileBackendTest, TwoServersThatFindNoFileDoNotOverwriteEachOther) {
  auto first = MakeLoaded(), second = MakeLoaded();
  ASSERT_TRUE(Store(*first, "k").ok());
  EXPECT_EQ(Store(*second, "n").code(), StatusCode::kCorrupt);
  EXPECT_EQ(Loaded().size(), 1u);
}

TEST_F(JsonFileBackendTest, KeyringOfAReloadTakesTheLockOver) {
  auto file = std::make_shared<KeyringFile>(files_, random_, kPath, owner_);
  auto first = Make(file);
  ASSERT_TRUE(first->Load(Soon()));
  ASSERT_TRUE(Store(*first, "a").ok());
  auto second = Make(file);
  ASSERT_TRUE(second->Load(Soon()));
  EXPECT_TRUE(Store(*second, "b").ok());
  EXPECT_EQ(Store(*first, "c").code(), StatusCode::kCorrupt) << "out of date";
  first.reset();
  EXPECT_TRUE(Store(*second, "d").ok());
  EXPECT_EQ(Warnings(), 0u);
}

TEST_F(JsonFileBackendTest, FileThatCannotBeOpenedForWritingIsOnlyRead) {
  files_.Put(kPath, FileWith({"k"}));
  files_.open_error = {StatusCode::kDenied, "permission denied"};
  auto backend = MakeLoaded();
  EXPECT_EQ(Warnings(), 1u);
  const Status status = Store(*backend, "n");
  EXPECT_EQ(status.code(), StatusCode::kReadOnly);
  EXPECT_THAT(status.message(), HasSubstr("permission denied"));
}

TEST_F(JsonFileBackendTest, DirectoryThatCannotBeWrittenIsFoundOutAtTheStart) {
  files_.Put(kPath, FileWith({"k"}));
  files_.create_error = {StatusCode::kDenied, "permission denied"};
  auto backend = MakeLoaded();
  EXPECT_EQ(Warnings(), 1u);
  EXPECT_THAT(log_.Text(), HasSubstr("permission denied"));
  files_.create_error = Status::Ok();
  EXPECT_EQ(Store(*backend, "n").code(), StatusCode::kReadOnly);
}

TEST_F(JsonFileBackendTest, FullDiskAtTheStartIsNoReasonToOnlyRead) {
  files_.Put(kPath, FileWith({"k"}));
  files_.create_error = {StatusCode::kUnavailable, "no space left"};
  auto backend = MakeLoaded();
  files_.create_error = Status::Ok();
  EXPECT_TRUE(Store(*backend, "n").ok());
}

TEST_F(JsonFileBackendTest, ReadOnlyTouchesNothingAndLocksNothing) {
  options_.read_only = true;
  files_.Put(kPath, FileWith({"a"}));
  files_.Put(kBackup, FileWith({"a", "b"}));
  files_.FailWith(Status(StatusCode::kInternal, "a step was taken"));
  auto first = MakeLoaded(), second = Make();
  const auto keys = second->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(KeysOf(*keys), KeysWith({"a", "b"})) << "the newer one counts";
  EXPECT_EQ(Store(*first, "n").code(), StatusCode::kReadOnly);
  EXPECT_EQ(first->Remove({"a", ""}, Soon()).code(), StatusCode::kReadOnly);
  EXPECT_THAT(files_.Names(), ElementsAre(kPath, kBackup));
  EXPECT_TRUE(files_.OpenLocked(kPath));
}

TEST_F(JsonFileBackendTest, BackupStandsInForAFileThatIsNotWhole) {
  const Bytes good = FileWith({"a", "b"});
  for (const Bytes& main : {Bytes(), Torn(good), Bytes{'x'}}) {
    CrashFileSystem& files = files_;
    files.Put(kPath, main, 0600);
    files.Put(kBackup, good);
    EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
    EXPECT_EQ(files.Content(kPath), good);
    EXPECT_EQ(files.Permissions(kPath), 0600u);
    files.Crash();
    EXPECT_THAT(files.Names(), Not(testing::Contains(kBackup)));
    EXPECT_EQ(files.Names().size(), main.empty() ? 1u : 2u);
    for (const std::string& name : files.Names()) {
      if (name == kPath) continue;
      EXPECT_THAT(name, StartsWith("keyring.damaged-"));
      EXPECT_EQ(files.Content(name), main) << "what was there is kept";
      ASSERT_TRUE(files.Remove(name).ok());
    }
  }
}

TEST_F(JsonFileBackendTest, BackupStandsInForAFileThatIsMissing) {
  files_.Put(kBackup, FileWith({"a"}));
  auto backend = MakeLoaded();
  files_.Crash();
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  backend.reset();
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
}

TEST_F(JsonFileBackendTest, BackupWithMoreKeysIsTakenAndEqualOneRemoved) {
  files_.Put(kPath, FileWith({"a"}));
  files_.Put(kBackup, FileWith({"b", "a"}));
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_EQ(files_.Content(kPath), FileWith({"b", "a"}));
  files_.Put(kBackup, FileWith({"a", "b"}));
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  files_.Crash();
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  EXPECT_EQ(files_.Content(kPath), FileWith({"b", "a"}));
}

TEST_F(JsonFileBackendTest, TornOrOtherBackupNeverReplacesAWholeFile) {
  for (const Bytes& backup : {Torn(FileWith({"a", "b", "c"})), FileWith({"b"}),
                              FileWith({"c", "a"}), FileWith({})}) {
    files_.Put(kPath, FileWith({"a", "b"}));
    files_.Put(kBackup, backup);
    EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
    files_.Crash();
    const auto names = files_.Names();
    ASSERT_THAT(names,
                ElementsAre(kPath, StartsWith("keyring.backup.ignored-")));
    EXPECT_EQ(files_.Content(names[1]), backup);
    EXPECT_THAT(log_.Text(), HasSubstr(names[1]));
    ASSERT_TRUE(files_.Remove(names[1]).ok());
  }
}

TEST_F(JsonFileBackendTest, DamagedFileWithoutAGoodBackupIsRefusedUntouched) {
  const Bytes torn = Torn(FileWith({"a"}));
  files_.Put(kPath, torn);
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
  files_.Put(kBackup, torn);
  const size_t steps = files_.steps();
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
  EXPECT_EQ(files_.steps(), steps);
  EXPECT_THAT(files_.Names(), ElementsAre(kPath, kBackup));
}

TEST_F(JsonFileBackendTest, NothingIsRestoredBeforeTheKmsHasOpenedAllKeys) {
  const Bytes main = FileWith({"a"});
  JsonKeyring forged = *JsonKeyring::Parse(main);
  ASSERT_TRUE(forged.Add({"b", ""}, "AES", {{1, 2, 3}, ""}).ok());
  files_.Put(kPath, main);
  files_.Put(kBackup, *forged.Write());
  const size_t steps = files_.steps();
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
  EXPECT_EQ(files_.steps(), steps);
}

TEST_F(JsonFileBackendTest, BackupThatCannotBeRemovedForbidsChanges) {
  files_.Put(kPath, FileWith({"a"}));
  files_.Put(kBackup, FileWith({"a"}));
  files_.unremovable = kBackup;
  auto backend = MakeLoaded();
  // Else the backup would have more than the file, and bring the key back.
  EXPECT_EQ(backend->Remove({"a", ""}, Soon()).code(), StatusCode::kReadOnly);
}

TEST_F(JsonFileBackendTest, WhoHasNoLockLeavesABackupAlone) {
  auto first = MakeLoaded();
  ASSERT_TRUE(Store(*first, "a").ok());
  files_.Put(kBackup, FileWith({"b"}));
  const size_t steps = files_.steps();
  ASSERT_TRUE(Make()->Load(Soon()));
  EXPECT_EQ(files_.steps(), steps);
}

TEST_F(JsonFileBackendTest, LoadMakesDurableWhatADeadWriterLeftUnsynced) {
  {
    auto file = files_.CrashFileSystem::Create(kPath, 0640);
    ASSERT_TRUE((*file)->Append(FileWith({"a"})).ok());
  }
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
  files_.Crash();
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
}

TEST_F(JsonFileBackendTest, LeftoversOfCrashesAreRemoved) {
  files_.Put(kPath, FileWith({"a"}));
  files_.Put(".keyring.0123456789abcdef.tmp", {1});
  files_.Put("keyring.other", {1});
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
  EXPECT_THAT(files_.Names(), ElementsAre(kPath, "keyring.other"));
}

TEST_F(JsonFileBackendTest, OneKeyThatDoesNotOpenFailsTheLoadAndIsNamed) {
  JsonKeyring file = *JsonKeyring::Parse(FileWith({"a", "b"}));
  ASSERT_TRUE(file.Add({"bad", "u"}, "AES", {{1, 2, 3}, ""}).ok());
  files_.Put(kPath, *file.Write());
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("key \"bad\" of \"u\""),
                                      HasSubstr("1 of 3 keys failed")));
}

TEST_F(JsonFileBackendTest, UnreachableKmsIsNotNotFoundAndIsSoonGivenUp) {
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) ids.push_back("k" + std::to_string(i));
  files_.Put(kPath, FileWith(ids));
  wrapper_.SetHook([](const std::string&) {
    return Status(StatusCode::kTimeout, "no answer");
  });
  EXPECT_EQ(LoadError().code(), StatusCode::kTimeout);
  EXPECT_LE(wrapper_.calls("Unwrap"), 2 * 16);
}

TEST_F(JsonFileBackendTest, ChangedKmsKeyWrapsOldKeysAnew) {
  files_.Put(kPath, FileWith({"a", "b"}), 0600);
  wrapper_.SetCurrentKey("alias/new");
  {
    auto backend = MakeLoaded();
    EXPECT_THAT(files_.names_at_rename,
                testing::Contains(StartsWith("keyring.rewrapped-")));
    ASSERT_TRUE(Store(*backend, "c", "c-data").ok());
    EXPECT_EQ(backend->Describe()[1].second,
              "arn:aws:kms:us-east-1:111122223333:key/fake-alias/new");
  }
  EXPECT_THAT(log_.Text(), HasSubstr("2 keys of keyring that were wrapped by "
                                     "arn:aws:kms:us-east-1:111122223333:"
                                     "key/fake-alias/fake are now wrapped by"));
  EXPECT_EQ(files_.Permissions(kPath), 0600u);
  files_.Crash();
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  const int wraps = wrapper_.calls("Wrap");
  EXPECT_EQ(Loaded(), KeysWith({"a", "b", "c"}));
  EXPECT_EQ(wrapper_.calls("Wrap"), wraps) << "once is enough";
}

TEST_F(JsonFileBackendTest, OnlyKeysOfAnotherKmsKeyAreWrappedAnew) {
  (void)FileWith({"a"});
  wrapper_.SetCurrentKey("alias/new");
  files_.Put(kPath, FileWith({"a", "b"}));
  const int wraps = wrapper_.calls("Wrap");
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_EQ(wrapper_.calls("Wrap"), wraps + 1);
  EXPECT_EQ(JsonKeyring::Parse(files_.Content(kPath))->element(1).wrapped.blob,
            blobs_["b"]);
}

TEST_F(JsonFileBackendTest, AReloadWithReadOnlyUnderAnotherKmsKeyIsRefused) {
  files_.Put(kPath, FileWith({"a"}));
  wrapper_.SetCurrentKey("alias/new");
  options_.read_only = true;
  EXPECT_EQ(Loaded(), KeysWith({"a"})) << "not at a start";
  options_.first_load = false;
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kReadOnly);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("key/fake-alias/fake"), HasSubstr("alias/new")));
}

TEST_F(JsonFileBackendTest, WhoHasNoLockDoesNotWrapAnew) {
  auto first = MakeLoaded();
  ASSERT_TRUE(Store(*first, "a").ok());
  wrapper_.SetCurrentKey("alias/new");
  const size_t steps = files_.steps();
  ASSERT_TRUE(Make()->Load(Soon()));
  EXPECT_EQ(files_.steps(), steps);
  EXPECT_THAT(log_.Text(), HasSubstr("stay wrapped by"));
}

TEST_F(JsonFileBackendTest, KmsKeyThatMayNotBeDescribedIsTakenAsCurrent) {
  files_.Put(kPath, FileWith({"a"}));
  wrapper_.SetCurrentKey("alias/new");
  wrapper_.SetHook([](const std::string& operation) {
    return operation == "IsCurrent" ? Status(StatusCode::kDenied, "no describe")
                                    : Status::Ok();
  });
  const int wraps = wrapper_.calls("Wrap");
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
  EXPECT_EQ(wrapper_.calls("Wrap"), wraps);
  EXPECT_THAT(log_.Text(), HasSubstr("no describe"));
}

TEST_F(JsonFileBackendTest,
       FailureOfWrappingAgainFailsAReloadAndChangesNothing) {
  options_.first_load = false;
  const Bytes before = FileWith({"a", "b"});
  files_.Put(kPath, before);
  wrapper_.SetCurrentKey("alias/new");
  for (const std::string failing : {"IsCurrent", "Wrap"}) {
    wrapper_.SetHook([&](const std::string& operation) {
      return operation == failing ? Status(StatusCode::kUnavailable, "away")
                                  : Status::Ok();
    });
    EXPECT_EQ(LoadError().code(), StatusCode::kUnavailable) << failing;
    EXPECT_EQ(files_.Content(kPath), before);
    EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  }
  wrapper_.SetHook(nullptr);
  files_.create_error = {StatusCode::kUnavailable, "no space left"};
  for (const int creates : {0, 1, 2}) {
    files_.creates_left = creates;
    EXPECT_EQ(LoadError().code(), StatusCode::kUnavailable);
    EXPECT_EQ(files_.Content(kPath), before);
    EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  }
}

TEST_F(JsonFileBackendTest, FailureOfWrappingAgainAtAStartIsAWarning) {
  const Bytes before = FileWith({"a", "b"});
  files_.Put(kPath, before);
  wrapper_.SetCurrentKey("alias/new");
  for (const std::string failing : {"IsCurrent", "Wrap"}) {
    wrapper_.SetHook([&](const std::string& operation) {
      return operation == failing ? Status(StatusCode::kUnavailable, "away")
                                  : Status::Ok();
    });
    const size_t warnings = Warnings();
    EXPECT_EQ(Loaded(), KeysWith({"a", "b"})) << failing;
    EXPECT_EQ(Warnings(), warnings + 1);
    EXPECT_EQ(files_.Content(kPath), before);
  }
}

TEST_F(JsonFileBackendTest, WhoMustRewrapFailsWhenAKeyIsNotWrappedAgain) {
  const Bytes before = FileWith({"a", "b"});
  files_.Put(kPath, before);
  wrapper_.SetCurrentKey("alias/new");
  options_.must_rewrap = true;
  StatusCode code = StatusCode::kUnavailable;
  std::string failing;
  wrapper_.SetHook([&](const std::string& operation) {
    return operation == failing ? Status(code, "away") : Status::Ok();
  });
  for (code = StatusCode::kUnavailable;
       const char* name : {"IsCurrent", "Wrap"}) {
    failing = name;
    EXPECT_EQ(LoadError().code(), code) << name;
  }
  code = StatusCode::kDenied;
  failing = "IsCurrent";
  EXPECT_EQ(LoadError().code(), code) << "it may be another one";
  failing = "";
  options_.read_only = true;
  EXPECT_EQ(LoadError().code(), StatusCode::kReadOnly);
  options_.read_only = false;
  files_.open_error = {StatusCode::kDenied, "permission denied"};
  EXPECT_FALSE(Make()->Load(Soon()));
  files_.open_error = Status::Ok();
  EXPECT_EQ(files_.Content(kPath), before);
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_NE(files_.Content(kPath), before);
}

TEST_F(JsonFileBackendTest, AnEmptyFileStaysInPerconasFormatAndIsAWarning) {
  files_.Put(kPath, {}, 0600);
  auto backend = MakeLoaded();
  EXPECT_EQ(Warnings(), 1u);
  EXPECT_THAT(log_.Text(), HasSubstr("the keyring has no keys"));
  ASSERT_TRUE(Store(*backend, "a", "a-data").ok());
  EXPECT_THAT(Text(kPath), HasSubstr("\"version\":\"1.0\""));
  EXPECT_EQ(files_.Permissions(kPath), 0600u);
}

TEST_F(JsonFileBackendTest, AnEmptyFileWithAnEmptyBackupIsRefused) {
  files_.Put(kPath, {});
  files_.Put(kBackup, {});
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("its backup, left by a crash, is "
                                          "empty"));
  EXPECT_THAT(files_.Names(), ElementsAre(kPath, kBackup));
}

TEST_F(JsonFileBackendTest, KeyThatKmsOrJsonCannotHoldIsRefusedBeforeAnyCall) {
  auto backend = MakeLoaded();
  const Status status = Store(*backend, "k", std::string(4097, 'x'));
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("4096"));
  EXPECT_EQ(Store(*backend, "k", "").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Store(*backend, "\xff").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Store(*backend, "k", "x", "", "").code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(wrapper_.calls("Wrap"), 0);
  EXPECT_TRUE(Store(*backend, "k", std::string(4096, 'x')).ok());
}

TEST_F(JsonFileBackendTest, KeyThatDoesNotOpenAgainIsNotStored) {
  auto backend = MakeLoaded();
  wrapper_.SetHook([](const std::string& operation) {
    return operation == "Unwrap" ? Status(StatusCode::kDenied, "no decrypt")
                                 : Status::Ok();
  });
  EXPECT_EQ(Store(*backend, "k").code(), StatusCode::kDenied);
  EXPECT_THAT(files_.Names(), IsEmpty());
}

TEST_F(JsonFileBackendTest, FullDiskLosesNothingAndPasses) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "a", "a-data").ok());
  const Bytes before = files_.Content(kPath);
  files_.TearAppends(true);
  files_.FailWith(Status(StatusCode::kUnavailable, "no space left"));
  EXPECT_EQ(Store(*backend, "b").code(), StatusCode::kUnavailable);
  EXPECT_EQ(backend->Remove({"a", ""}, Soon()).code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(files_.Content(kPath), before);
  files_.FailWith(std::nullopt);
  EXPECT_TRUE(Store(*backend, "b", "b-data").ok());
  backend.reset();
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
}

TEST_F(JsonFileBackendTest, ReplaceThatIsNotCertainIsTakenBack) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "a", "a-data").ok());
  files_.failing_syncs = 1;
  EXPECT_EQ(Store(*backend, "b").code(), StatusCode::kUnavailable);
  EXPECT_EQ(JsonKeyring::Parse(files_.Content(kPath))->size(), 1u);
  EXPECT_TRUE(Store(*backend, "b", "b-data").ok()) << "the name is free";
  files_.failing_syncs = 1;
  EXPECT_EQ(backend->Remove({"a", ""}, Soon()).code(),
            StatusCode::kUnavailable);
  backend.reset();
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
}

TEST_F(JsonFileBackendTest, FileThatSomebodyElseTouchedIsLeftAlone) {
  const Bytes other = FileWith({"x"});
  for (const bool in_place : {false, true}) {
    ASSERT_TRUE(!files_.Stat(kPath) || files_.Remove(kPath).ok());
    auto backend = MakeLoaded();
    ASSERT_TRUE(Store(*backend, "a").ok());
    if (in_place) {
      ASSERT_TRUE(files_.last_created->Truncate(0).ok());
      ASSERT_TRUE(files_.last_created->Append(other).ok());
    } else {
      files_.Put(kPath, other);
    }
    for (const Status& status :
         {Store(*backend, "b"), backend->Remove({"a", ""}, Soon())}) {
      EXPECT_EQ(status.code(), StatusCode::kCorrupt);
      EXPECT_THAT(status.message(), HasSubstr("ALTER INSTANCE RELOAD KEYRING"));
    }
    EXPECT_EQ(files_.Content(kPath), other);
    backend.reset();
    EXPECT_EQ(Loaded(), KeysWith({"x"}));
  }
}

TEST_F(JsonFileBackendTest, RemovedFileIsNotMadeAnew) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "a").ok());
  ASSERT_TRUE(files_.Remove(kPath).ok());
  EXPECT_EQ(Store(*backend, "b").code(), StatusCode::kCorrupt);
  EXPECT_THAT(files_.Names(), IsEmpty());
}

TEST_F(JsonFileBackendTest, CutFileNeverYieldsKeys) {
  const Bytes whole = FileWith({"a", "b"});
  for (size_t size = 1; size < whole.size(); ++size) {
    files_.Put(kPath, Bytes(whole.begin(), whole.begin() + size));
    ASSERT_EQ(LoadError().code(), StatusCode::kCorrupt) << size;
  }
}

TEST_F(JsonFileBackendTest, RealFilesAreLockedReplacedAndRestored) {
  const TemporaryDirectory directory;
  FileSystem& files = PosixFileSystem();
  const std::string path = directory.path() + "/keyring";
  const auto make = [&] {
    return std::make_unique<JsonFileBackend>(
        FileBackendDependencies{wrapper_, files, random_, log_}, clock_,
        std::make_shared<KeyringFile>(files, random_, path, owner_), options_);
  };
  auto first = make();
  ASSERT_TRUE(first->Load(Soon()));
  ASSERT_TRUE(Store(*first, "a", "a-data").ok());
  ASSERT_TRUE(Store(*first, "b", "b-data").ok());
  auto second = make();
  ASSERT_TRUE(second->Load(Soon()));
  EXPECT_THAT(Store(*second, "c").message(), HasSubstr("is in use by"));
  EXPECT_EQ(files.Stat(path)->permissions, 0640u);
  first.reset();
  ASSERT_TRUE(files.Rename(path, path + ".backup").ok());
  const auto keys = make()->Load(Soon());
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_EQ(KeysOf(*keys), KeysWith({"a", "b"}));
  EXPECT_THAT(*files.List(directory.path()), ElementsAre("keyring"));
}

// A changed blob is noticed by KMS, a changed structure by us. What this format
// does not protect: names and types, which stand in clear.
TEST_F(JsonFileBackendTest, NoFlippedBitPutsAWrongKeyUnderARightName) {
  const Bytes whole = FileWith({"alpha", "beta"});
  const Keys right = KeysWith({"alpha", "beta"});
  size_t undetected = 0;
  for (size_t i = 0; i < whole.size() * 8; ++i) {
    Bytes damaged = whole;
    damaged[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
    files_.Put(kPath, damaged);
    const auto keys = Make()->Load(Soon());
    if (!keys) {
      ASSERT_NE(keys.error().code(), StatusCode::kNotFound);
      continue;
    }
    for (const auto& [name, data] : KeysOf(*keys)) {
      const auto found = right.find(name);
      if (found == right.end()) {
        ++undetected;
      } else {
        ASSERT_EQ(data, found->second) << "bit " << i;
      }
    }
  }
  EXPECT_GT(undetected, 0u);
}

TEST_F(JsonFileBackendTest, SwappedBlobsCannotBeNoticedInThisFormat) {
  (void)FileWith({"a", "b"});
  std::swap(blobs_["a"], blobs_["b"]);
  files_.Put(kPath, FileWith({"a", "b"}));
  EXPECT_EQ(Loaded(), (Keys{{{"a", ""}, "b-data"}, {{"b", ""}, "a-data"}}));
}

TEST_F(JsonFileBackendTest, DescribeTellsTheFormatAndTheWrappingKeys) {
  (void)FileWith({"a"});
  wrapper_.SetCurrentKey("alias/new");
  files_.Put(kPath, FileWith({"a", "b"}));
  wrapper_.SetHook([](const std::string& operation) {
    return operation == "IsCurrent" ? Status(StatusCode::kDenied, "")
                                    : Status::Ok();
  });
  const std::string arn = "arn:aws:kms:us-east-1:111122223333:key/fake-alias/";
  EXPECT_THAT(MakeLoaded()->Describe(),
              ElementsAre(std::pair<std::string, std::string>(
                              "File_format", "Percona JSON 1.0"),
                          std::pair<std::string, std::string>(
                              "Wrapping_key", arn + "fake, " + arn + "new")));
}

}  // namespace
}  // namespace openkeyring
