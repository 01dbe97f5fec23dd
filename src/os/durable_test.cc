// SPDX-License-Identifier: MIT
#include "os/durable.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

// The real file system, which writes down each step and fails one on demand.
class ScriptedFileSystem : public FileSystem {
 public:
  std::string fail_at;  // The name of a step.
  bool lies_on_read_back = false;
  std::optional<FileOwner> owner_asked_for;
  std::vector<std::string> steps;

  Status Step(const std::string& name) {
    steps.push_back(name);
    if (name != fail_at) return Status::Ok();
    return {StatusCode::kUnavailable, "scripted failure at " + name};
  }

  class File : public WritableFile {
   public:
    File(ScriptedFileSystem& owner, std::unique_ptr<WritableFile> real)
        : owner_(owner), real_(std::move(real)) {}
    ~File() override { (void)owner_.Step("close"); }
    Status Append(ByteView bytes) override {
      const Status status = owner_.Step("append");
      if (!status.ok()) (void)real_->Append(bytes.first(bytes.size() / 2));
      return status.ok() ? real_->Append(bytes) : status;
    }
    Status Sync() override {
      const Status status = owner_.Step("sync");
      return status.ok() ? real_->Sync() : status;
    }
    Result<Bytes> ReadBack(uint64_t offset, size_t size) override {
      const Status status = owner_.Step("read back");
      if (owner_.lies_on_read_back) return Bytes(size);
      return status.ok() ? real_->ReadBack(offset, size) : status;
    }
    Result<uint64_t> Size() override { return real_->Size(); }
    Status Truncate(uint64_t size) override { return real_->Truncate(size); }
    Status SetOwner(FileOwner owner) override {
      owner_.owner_asked_for = owner;
      return real_->SetOwner(owner);
    }
    Result<bool> IsAt(const std::string& path) override {
      return real_->IsAt(path);
    }

   private:
    ScriptedFileSystem& owner_;
    std::unique_ptr<WritableFile> real_;
  };

  Result<Bytes> Read(const std::string& path, size_t max_size) override {
    return real_.Read(path, max_size);
  }
  Result<Secret> ReadSecret(const std::string& path, size_t max_size) override {
    return real_.ReadSecret(path, max_size);
  }
  Result<std::vector<std::string>> List(const std::string& directory) override {
    return real_.List(directory);
  }
  Result<FileInfo> Stat(const std::string& path) override {
    return real_.Stat(path);
  }
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                               mode_t permissions) override {
    const Status status = Step("create");
    if (!status.ok()) return status;
    auto file = real_.Create(path, permissions);
    if (!file) return file.error();
    return std::make_unique<File>(*this, std::move(*file));
  }
  Result<std::unique_ptr<WritableFile>> OpenLocked(
      const std::string& path) override {
    return real_.OpenLocked(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    const Status status = Step("replace");
    return status.ok() ? real_.Rename(from, to) : status;
  }
  Status RenameNoReplace(const std::string& from,
                         const std::string& to) override {
    const Status status = Step("rename");
    return status.ok() ? real_.RenameNoReplace(from, to) : status;
  }
  Status SyncDirectory(const std::string& directory) override {
    const Status status = Step("sync directory");
    return status.ok() ? real_.SyncDirectory(directory) : status;
  }
  Status Remove(const std::string& path) override {
    const Status status = Step("remove");
    return status.ok() ? real_.Remove(path) : status;
  }
  Status RemoveUnlocked(const std::string& path) override {
    return real_.RemoveUnlocked(path);
  }

 private:
  FileSystem& real_ = PosixFileSystem();
};

class CreateDurablyTest : public testing::Test {
 protected:
  Status Create(std::string_view content = "content") {
    return CreateDurably(files_, random_, directory_.path(), "name",
                         AsBytes(content), 0440);
  }
  std::vector<std::string> Names() { return *files_.List(directory_.path()); }

  TemporaryDirectory directory_;
  ScriptedFileSystem files_;
  FakeRandom random_;
};

TEST_F(CreateDurablyTest, WritesSyncsRenamesAndSyncsTheDirectoryInThisOrder) {
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(files_.steps,
            (std::vector<std::string>{"create", "append", "sync", "read back",
                                      "rename", "sync directory", "close"}));
  EXPECT_EQ(Names(), std::vector<std::string>{"name"});
  EXPECT_EQ(directory_.ReadBack("name"), "content");
  EXPECT_EQ(files_.Stat(directory_.PathOf("name"))->permissions, 0440u);
}

TEST_F(CreateDurablyTest, LeavesNothingWhenAStepBeforeTheRenameFails) {
  for (const char* step : {"create", "append", "sync", "read back", "rename"}) {
    files_.fail_at = step;
    const Status status = Create();
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << step;
    EXPECT_NE(status.message().find(step), std::string::npos);
    EXPECT_TRUE(Names().empty()) << step;
  }
}

TEST_F(CreateDurablyTest, WhatReadsBackDifferentlyIsNotUsed) {
  files_.lies_on_read_back = true;
  EXPECT_EQ(Create().code(), StatusCode::kCorrupt);
  EXPECT_TRUE(Names().empty());
}

TEST_F(CreateDurablyTest, TellsTheFirstErrorWhenCleaningUpFailsToo) {
  class NeverRemoves : public ScriptedFileSystem {
   public:
    Status Remove(const std::string&) override {
      return {StatusCode::kDenied, "no removal"};
    }
  } files;
  files.fail_at = "sync";
  EXPECT_EQ(
      CreateDurably(files, random_, directory_.path(), "name", {}, 0440).code(),
      StatusCode::kUnavailable);
  ASSERT_EQ(Names().size(), 1u);
  EXPECT_TRUE(IsTemporaryName(Names()[0], "name"));
}

TEST_F(CreateDurablyTest, IsNotOkUntilTheDirectoryIsSynced) {
  files_.fail_at = "sync directory";
  EXPECT_EQ(Create().code(), StatusCode::kUnavailable);
  EXPECT_EQ(directory_.ReadBack("name"), "content");
}

TEST_F(CreateDurablyTest, LeavesAnExistingFileUntouched) {
  directory_.Write("name", "theirs");
  EXPECT_EQ(Create("ours").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Names(), std::vector<std::string>{"name"});
  EXPECT_EQ(directory_.ReadBack("name"), "theirs");
}

TEST_F(CreateDurablyTest, KeepsItsTemporaryLockedWhileItWrites) {
  class Sweeper : public ScriptedFileSystem {
   public:
    Status RenameNoReplace(const std::string& from,
                           const std::string& to) override {
      swept = RemoveUnlocked(from);
      return ScriptedFileSystem::RenameNoReplace(from, to);
    }
    Status swept;
  } files;
  EXPECT_TRUE(
      CreateDurably(files, random_, directory_.path(), "name", {}, 0440).ok());
  EXPECT_EQ(files.swept.code(), StatusCode::kUnavailable);
}

class ReplaceDurablyTest : public CreateDurablyTest {
 protected:
  Replaced Replace(std::string_view content = "new") {
    return ReplaceDurably(files_, random_, directory_.PathOf("name"),
                          AsBytes(content), 0640, FileOwner{12, 34});
  }
};

TEST_F(ReplaceDurablyTest, ReadsBackBeforeTheNewFileTakesTheName) {
  directory_.Write("name", "old");
  Replaced replaced = Replace();
  ASSERT_TRUE(replaced.status.ok()) << replaced.status.ToString();
  EXPECT_EQ(files_.steps,
            (std::vector<std::string>{"create", "append", "sync", "read back",
                                      "replace", "sync directory"}));
  EXPECT_EQ(Names(), std::vector<std::string>{"name"});
  EXPECT_EQ(directory_.ReadBack("name"), "new");
  EXPECT_EQ(files_.owner_asked_for, (FileOwner{12, 34}));
  EXPECT_TRUE(*replaced.file->IsAt(directory_.PathOf("name")));
}

TEST_F(ReplaceDurablyTest, GivesTheNewFileLockedAndReadyToGrow) {
  Replaced replaced = Replace();
  ASSERT_TRUE(replaced.status.ok());
  EXPECT_EQ(files_.OpenLocked(directory_.PathOf("name")).status().code(),
            StatusCode::kAlreadyExists);
  ASSERT_TRUE(replaced.file->Append(AsBytes("+")).ok());
  EXPECT_EQ(directory_.ReadBack("name"), "new+");
}

TEST_F(ReplaceDurablyTest, KeepsTheOldFileWhenAStepUpToTheRenameFails) {
  directory_.Write("name", "old");
  for (const char* step :
       {"create", "append", "sync", "read back", "replace"}) {
    files_.fail_at = step;
    Replaced replaced = Replace();
    EXPECT_EQ(replaced.status.code(), StatusCode::kUnavailable) << step;
    EXPECT_EQ(replaced.file, nullptr) << step;
    EXPECT_EQ(Names(), std::vector<std::string>{"name"}) << step;
    EXPECT_EQ(directory_.ReadBack("name"), "old") << step;
  }
}

TEST_F(ReplaceDurablyTest, WhatReadsBackDifferentlyIsNotUsed) {
  directory_.Write("name", "old");
  files_.lies_on_read_back = true;
  EXPECT_EQ(Replace().status.code(), StatusCode::kCorrupt);
  EXPECT_EQ(directory_.ReadBack("name"), "old");
}

TEST_F(ReplaceDurablyTest, ADirectoryThatCannotBeSyncedLeavesTheNewFileInUse) {
  files_.fail_at = "sync directory";
  Replaced replaced = Replace();
  EXPECT_EQ(replaced.status.code(), StatusCode::kUnavailable);
  ASSERT_NE(replaced.file, nullptr);
  EXPECT_EQ(directory_.ReadBack("name"), "new");
}

TEST(IsTemporaryName, KnowsTheNamesThatCreateDurablyMakes) {
  EXPECT_TRUE(IsTemporaryName(".key.7.1.0123456789abcdef.tmp", "key."));
  EXPECT_TRUE(IsTemporaryName(".key.0123456789abcdef.tmp", "key"));
  EXPECT_TRUE(IsTemporaryName(".x.0123456789abcdef.tmp", ""));
}

TEST(IsTemporaryName, RefusesOtherNames) {
  for (const char* name :
       {"key.7.1", "key.0123456789abcdef.tmp", ".key.0123456789abcde.tmp",
        ".key.0123456789abcdeF.tmp", ".key.0123456789abcdeg.tmp",
        ".key.0123456789abcdef.tmp~", ".key0123456789abcdef.tmp",
        ".other.0123456789abcdef.tmp", ".0123456789abcdef.tmp", ".tmp", "",
        ".key.0123456789abcdef", ".key.0123456789abcdef.TMP"}) {
    EXPECT_FALSE(IsTemporaryName(name, "key")) << name;
  }
}

}  // namespace
}  // namespace openkeyring
