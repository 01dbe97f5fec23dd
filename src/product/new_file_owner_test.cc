// SPDX-License-Identifier: MIT
#include "product/new_file_owner.h"

#include <gtest/gtest.h>

#include <map>

#include "testing/read_only_file_system.h"

namespace openkeyring {
namespace {

// Directories and who they belong to.
class OwnedDirectories : public ReadOnlyFileSystem {
 public:
  explicit OwnedDirectories(std::map<std::string, FileOwner> owners)
      : owners_(std::move(owners)) {}
  Result<Secret> ReadSecret(const std::string& path, size_t) override {
    return Status(StatusCode::kNotFound, path + " is missing");
  }
  Result<FileInfo> Stat(const std::string& path) override {
    const auto found = owners_.find(path);
    if (found == owners_.end()) {
      return Status(StatusCode::kNotFound, path + " is missing");
    }
    FileInfo info;
    info.owner = found->second;
    return info;
  }

 private:
  const std::map<std::string, FileOwner> owners_;
};

constexpr FileOwner kRoot{0, 0}, kMysql{27, 27}, kAdmin{1000, 1000};

TEST(OwnerOfNewFile, IsTheOwnerOfItsDirectory) {
  OwnedDirectories files({{"/keys", kMysql}, {"/conf", kAdmin}, {".", kRoot}});
  EXPECT_EQ(OwnerOfNewFile(files, "/keys/keyring", "/conf"), kMysql);
  EXPECT_EQ(OwnerOfNewFile(files, "/keys/keyring", ""), kMysql)
      << "a tool gives no data directory";
}

TEST(OwnerOfNewFile, IsTheDataDirectorysWhereItsOwnBelongsToRoot) {
  OwnedDirectories files({{"/etc", kRoot}, {"/data", kMysql}, {".", kAdmin}});
  EXPECT_EQ(OwnerOfNewFile(files, "/etc/keyring", "/data"), kMysql);
  EXPECT_EQ(OwnerOfNewFile(files, "/etc/keyring", ""), kAdmin);
  EXPECT_EQ(OwnerOfNewFile(files, "/missing/keyring", "/data"), kMysql);
}

TEST(OwnerOfNewFile, IsNobodyWhereNothingTells) {
  OwnedDirectories files({});
  EXPECT_EQ(OwnerOfNewFile(files, "/keys/keyring", "/data"), std::nullopt);
}

}  // namespace
}  // namespace openkeyring
