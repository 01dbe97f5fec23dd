// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include "os/file_system.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

class PosixFiles : public testing::Test {
 protected:
  std::string PathOf(std::string_view name) { return directory_.PathOf(name); }
  mode_t ModeOf(std::string_view name) {
    struct stat st {};
    stat(PathOf(name).c_str(), &st);
    return st.st_mode & 07777;
  }

  TemporaryDirectory directory_;
  FileSystem& files_ = PosixFileSystem();
};

TEST_F(PosixFiles, ReadGivesTheWholeFile) {
  const std::string content("a\0b\xff\n", 5);
  const Result<Bytes> read = files_.Read(directory_.Write("f", content), 100);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(AsText(*read), content);
  EXPECT_TRUE(files_.Read(directory_.Write("empty", ""), 0)->empty());
}

TEST_F(PosixFiles, OfASparseFileThatIsTooLargeNothingIsRead) {
  constexpr size_t kMost = size_t{512} << 20;
  const auto peak = [] {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<size_t>(usage.ru_maxrss) << 10;
  };
  const std::string path = directory_.Write("f", "x");
  ASSERT_EQ(truncate(path.c_str(), off_t{1} << 40), 0);
  const size_t before = peak();
  const Status status = files_.Read(path, kMost).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_NE(status.message().find("is larger than"), std::string::npos);
  EXPECT_LT(peak() - before, kMost / 8);
}

TEST_F(PosixFiles, ReadSecretReadsTheSameAsRead) {
  const std::string big(200000, 'x');
  const std::string path = directory_.Write("big", big);
  EXPECT_EQ(files_.ReadSecret(path, big.size())->RevealText(), big);
  for (const size_t limit : {big.size() - 1, size_t{0}}) {
    EXPECT_EQ(files_.ReadSecret(path, limit).status().code(),
              StatusCode::kCorrupt);
  }
  EXPECT_EQ(files_.ReadSecret(PathOf("absent"), 1).status().code(),
            StatusCode::kNotFound);
}

TEST_F(PosixFiles, ALinkIsResolvedToTheFileThatItLeadsTo) {
  const std::string file = directory_.Write("file", "content");
  EXPECT_EQ(*files_.ResolveLink(file), file);
  EXPECT_EQ(*files_.ResolveLink(PathOf("absent")), PathOf("absent"));
  ASSERT_EQ(symlink("file", PathOf("relative").c_str()), 0);
  ASSERT_EQ(symlink(PathOf("relative").c_str(), PathOf("twice").c_str()), 0);
  const std::string real =
      std::filesystem::canonical(directory_.path()).string() + "/file";
  EXPECT_EQ(*files_.ResolveLink(PathOf("relative")), real);
  EXPECT_EQ(*files_.ResolveLink(PathOf("twice")), real);
  ASSERT_EQ(symlink("nothing", PathOf("dangling").c_str()), 0);
  EXPECT_EQ(files_.ResolveLink(PathOf("dangling")).status().code(),
            StatusCode::kNotFound);
}

TEST_F(PosixFiles, ReadTakesUpToTheLimitAndNoByteMore) {
  const std::string big(200000, 'x');
  const std::string path = directory_.Write("big", big);
  EXPECT_EQ(AsText(*files_.Read(path, big.size())), big);
  EXPECT_EQ(files_.Read(path, SIZE_MAX)->size(), big.size());
  for (const size_t limit : {big.size() - 1, size_t{100}, size_t{0}}) {
    const Result<Bytes> read = files_.Read(path, limit);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), StatusCode::kCorrupt);
    EXPECT_NE(read.error().message().find(path), std::string::npos);
  }
}

TEST_F(PosixFiles, ReadOfAMissingFileIsNotFoundAndNamesIt) {
  const Result<Bytes> read = files_.Read(PathOf("none"), 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), StatusCode::kNotFound);
  EXPECT_NE(read.error().message().find(PathOf("none")), std::string::npos);
}

// The calls of this thread that read, by the kernel's count; 0 without one.
size_t ReadCalls() {
  std::ifstream counts("/proc/thread-self/io");
  std::string name;
  size_t number = 0;
  while (counts >> name >> number) {
    if (name == "syscr:") return number;
  }
  return 0;
}

// Files of /proc say that they are empty.
TEST_F(PosixFiles, ReadOfAFileWithoutASizeTakesFewCalls) {
  const size_t before = ReadCalls();
  if (before == 0) GTEST_SKIP() << "the kernel does not count";
  const Result<Bytes> maps = files_.Read("/proc/self/maps", 1 << 20);
  ASSERT_TRUE(maps);
  EXPECT_GT(maps->size(), 1000u);
  ASSERT_TRUE(files_.ReadSecret("/proc/self/maps", 1 << 20));
  EXPECT_LT(ReadCalls() - before, 200u);
}

TEST_F(PosixFiles, ReadRefusesADirectory) {
  EXPECT_EQ(files_.Read(directory_.path(), 10).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(PosixFiles, ReadRefusesAFifoAndDoesNotWaitForAWriter) {
  ASSERT_EQ(mkfifo(PathOf("fifo").c_str(), 0600), 0);
  EXPECT_EQ(files_.Read(PathOf("fifo"), 10).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(PosixFiles, ReadFollowsALinkButNotALoop) {
  directory_.Write("real", "content");
  ASSERT_EQ(symlink("real", PathOf("link").c_str()), 0);
  EXPECT_EQ(AsText(*files_.Read(PathOf("link"), 10)), "content");
  ASSERT_EQ(symlink("b", PathOf("a").c_str()), 0);
  ASSERT_EQ(symlink("a", PathOf("b").c_str()), 0);
  EXPECT_EQ(files_.Read(PathOf("a"), 10).status().code(), StatusCode::kDenied);
}

TEST_F(PosixFiles, ReadWithoutTheRightToIsDenied) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  chmod(directory_.Write("f", "x").c_str(), 0);
  EXPECT_EQ(files_.Read(PathOf("f"), 10).status().code(), StatusCode::kDenied);
}

TEST_F(PosixFiles, ListGivesAllNamesButTheTwoDots) {
  directory_.Write("one", "");
  directory_.Write(".hidden", "");
  mkdir(PathOf("directory").c_str(), 0700);
  auto names = files_.List(directory_.path());
  ASSERT_TRUE(names);
  std::ranges::sort(*names);
  EXPECT_EQ(*names, (std::vector<std::string>{".hidden", "directory", "one"}));
  EXPECT_EQ(files_.List(PathOf("none")).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(files_.List(PathOf("one")));
}

TEST_F(PosixFiles, StatTellsSizeModeOwnerAndKind) {
  directory_.Write("f", "12345");
  chmod(PathOf("f").c_str(), 0640);
  const Result<FileInfo> file = files_.Stat(PathOf("f"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size, 5u);
  EXPECT_EQ(file->permissions, 0640u);
  EXPECT_EQ(file->owner.user, geteuid());
  EXPECT_TRUE(file->is_regular);
  EXPECT_FALSE(file->is_directory);
  EXPECT_GT(file->modified_ns, 1600000000LL * 1000000000);
  EXPECT_TRUE(files_.Stat(directory_.path())->is_directory);
  EXPECT_EQ(files_.Stat(PathOf("none")).status().code(), StatusCode::kNotFound);
}

TEST_F(PosixFiles, CreateWritesAFileOfExactlyThesePermissions) {
  const mode_t before = umask(0077);
  auto file = files_.Create(PathOf("f"), 0444);
  umask(before);
  ASSERT_TRUE(file) << file.error().ToString();
  EXPECT_TRUE((*file)->Append(AsBytes("one ")).ok());
  EXPECT_TRUE((*file)->Append({}).ok());
  EXPECT_TRUE((*file)->Append(AsBytes("two")).ok());
  EXPECT_TRUE((*file)->Sync().ok());
  file->reset();
  EXPECT_EQ(directory_.ReadBack("f"), "one two");
  EXPECT_EQ(ModeOf("f"), 0444u);
}

TEST_F(PosixFiles, CreateRefusesATakenNameAndLeavesItAlone) {
  directory_.Write("f", "old");
  EXPECT_EQ(files_.Create(PathOf("f"), 0600).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(directory_.ReadBack("f"), "old");
}

TEST_F(PosixFiles, CreateDoesNotWriteThroughALink) {
  ASSERT_EQ(symlink("elsewhere", PathOf("link").c_str()), 0);
  EXPECT_EQ(files_.Create(PathOf("link"), 0600).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_FALSE(directory_.Has("elsewhere"));
}

TEST_F(PosixFiles, CreateInAMissingDirectoryIsNotFound) {
  EXPECT_EQ(files_.Create(PathOf("none/f"), 0600).status().code(),
            StatusCode::kNotFound);
}

TEST_F(PosixFiles, RenameReplacesAndRenameNoReplaceDoesNot) {
  directory_.Write("a", "a");
  directory_.Write("b", "b");
  EXPECT_EQ(files_.RenameNoReplace(PathOf("a"), PathOf("b")).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(directory_.ReadBack("a"), "a");
  EXPECT_EQ(directory_.ReadBack("b"), "b");
  EXPECT_TRUE(files_.RenameNoReplace(PathOf("a"), PathOf("c")).ok());
  EXPECT_FALSE(directory_.Has("a"));
  EXPECT_TRUE(files_.Rename(PathOf("c"), PathOf("b")).ok());
  EXPECT_EQ(directory_.ReadBack("b"), "a");
  EXPECT_EQ(files_.Rename(PathOf("none"), PathOf("b")).code(),
            StatusCode::kNotFound);
  EXPECT_EQ(files_.RenameNoReplace(PathOf("none"), PathOf("d")).code(),
            StatusCode::kNotFound);
}

TEST_F(PosixFiles, RemoveTakesOneFileAndNoDirectory) {
  directory_.Write("f", "");
  EXPECT_TRUE(files_.Remove(PathOf("f")).ok());
  EXPECT_FALSE(directory_.Has("f"));
  EXPECT_EQ(files_.Remove(PathOf("f")).code(), StatusCode::kNotFound);
  EXPECT_FALSE(files_.Remove(directory_.path()).ok());
}

TEST_F(PosixFiles, RemoveUnlockedLeavesAFileThatIsBeingWritten) {
  auto file = files_.Create(PathOf("f"), 0440);
  ASSERT_TRUE(file);
  EXPECT_EQ(files_.RemoveUnlocked(PathOf("f")).code(),
            StatusCode::kUnavailable);
  EXPECT_TRUE(directory_.Has("f"));
  file->reset();
  EXPECT_TRUE(files_.RemoveUnlocked(PathOf("f")).ok());
  EXPECT_FALSE(directory_.Has("f"));
  EXPECT_EQ(files_.RemoveUnlocked(PathOf("f")).code(), StatusCode::kNotFound);
}

TEST_F(PosixFiles, RemoveUnlockedLeavesTheTargetOfALink) {
  directory_.Write("target", "x");
  ASSERT_EQ(symlink("target", PathOf("link").c_str()), 0);
  EXPECT_FALSE(files_.RemoveUnlocked(PathOf("link")).ok());
  EXPECT_TRUE(directory_.Has("target"));
}

TEST_F(PosixFiles, SyncDirectoryWantsADirectory) {
  EXPECT_TRUE(files_.SyncDirectory(directory_.path()).ok());
  EXPECT_EQ(files_.SyncDirectory(PathOf("none")).code(), StatusCode::kNotFound);
  EXPECT_FALSE(files_.SyncDirectory(directory_.Write("f", "")).ok());
}

TEST(JoinPath, LeavesOutTheCurrentDirectory) {
  EXPECT_EQ(JoinPath("", "n"), "n");
  EXPECT_EQ(JoinPath(".", "n"), "n");
  EXPECT_EQ(JoinPath("/a", "n"), "/a/n");
  EXPECT_EQ(JoinPath("/a/", "n"), "/a/n");
  EXPECT_EQ(JoinPath("/", "n"), "/n");
}

TEST_F(PosixFiles, OpenLockedAppendsToAnExistingFileOnly) {
  EXPECT_EQ(files_.OpenLocked(PathOf("none")).status().code(),
            StatusCode::kNotFound);
  const std::string path = directory_.Write("f", "abc");
  auto file = files_.OpenLocked(path);
  ASSERT_TRUE(file) << file.error().ToString();
  ASSERT_TRUE((*file)->Append(AsBytes("def")).ok());
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(directory_.ReadBack("f"), "abcdef");
  ASSERT_TRUE((*file)->Truncate(2).ok());
  ASSERT_TRUE((*file)->Append(AsBytes("!")).ok());
  EXPECT_EQ(directory_.ReadBack("f"), "ab!");
}

TEST_F(PosixFiles, OpenLockedNamesWhoHasTheFile) {
  const std::string path = directory_.Write("f", "abc");
  auto first = files_.OpenLocked(path);
  ASSERT_TRUE(first);
  const auto second = files_.OpenLocked(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(second.error().message().find("in use by "), std::string::npos);
  first->reset();
  EXPECT_TRUE(files_.OpenLocked(path));
}

TEST_F(PosixFiles, IsAtNoticesThatAFileWasReplacedOrRemoved) {
  const std::string path = directory_.Write("f", "abc");
  auto file = files_.OpenLocked(path);
  ASSERT_TRUE(file);
  EXPECT_TRUE(*(*file)->IsAt(path));
  const std::string other = directory_.Write("g", "abc");
  EXPECT_FALSE(*(*file)->IsAt(other));
  ASSERT_TRUE(files_.Rename(other, path).ok());
  EXPECT_FALSE(*(*file)->IsAt(path));
  ASSERT_TRUE(files_.Remove(path).ok());
  EXPECT_FALSE(*(*file)->IsAt(path));
}

TEST_F(PosixFiles, ReadBackGivesExactlyTheBytesOrAnError) {
  auto file = files_.OpenLocked(directory_.Write("f", "abcdef"));
  ASSERT_TRUE(file);
  EXPECT_EQ(AsText(*(*file)->ReadBack(2, 3)), "cde");
  EXPECT_EQ((*file)->ReadBack(2, 5).status().code(), StatusCode::kCorrupt);
}

TEST_F(PosixFiles, OnlyRootGivesFilesAway) {
  const std::string path = directory_.Write("f", "abc");
  auto file = files_.OpenLocked(path);
  ASSERT_TRUE(file);
  const FileOwner now = files_.Stat(path)->owner;
  EXPECT_TRUE((*file)->SetOwner(now).ok());
  const Status given = (*file)->SetOwner({now.user + 1, now.group});
  if (geteuid() == 0) {
    EXPECT_TRUE(given.ok());
    EXPECT_EQ(files_.Stat(path)->owner.user, now.user + 1);
  } else {
    EXPECT_EQ(given.code(), StatusCode::kDenied);
  }
}

TEST_F(PosixFiles, NoDirectoryBehindALinkIsGivenAway) {
  const std::string target = directory_.PathOf("target");
  const std::string link = directory_.PathOf("link");
  ASSERT_TRUE(files_.MakeDirectory(target, 0751).ok());
  EXPECT_EQ(files_.Stat(target)->permissions, mode_t{0751});
  ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
  const FileOwner now = files_.Stat(target)->owner;
  EXPECT_TRUE(files_.SetDirectoryOwner(target, now).ok());
  EXPECT_FALSE(files_.SetDirectoryOwner(link, now).ok());
  EXPECT_EQ(files_.MakeDirectory(link, 0700).code(),
            StatusCode::kAlreadyExists);
}

TEST(Paths, AreTakenApartAtTheLastSlash) {
  EXPECT_EQ(DirectoryName("/a/b/c"), "/a/b");
  EXPECT_EQ(BaseName("/a/b/c"), "c");
  EXPECT_EQ(DirectoryName("/c"), "/");
  EXPECT_EQ(DirectoryName("c"), ".");
  EXPECT_EQ(BaseName("c"), "c");
}

}  // namespace
}  // namespace openkeyring
