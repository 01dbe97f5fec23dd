// SPDX-License-Identifier: MIT
#include "product/slot_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "os/process.h"
#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SlotKeysTest : public testing::Test {
 protected:
  SlotKeysTest() {
    std::filesystem::create_directory(directory_.PathOf("data"));
    std::filesystem::create_directory(directory_.PathOf("safe"));
    secret_ = directory_.Write("safe/secret", std::string(32, 's'));
    EXPECT_EQ(chmod(secret_.c_str(), 0400), 0);
    KmsKeyOptions first, second;
    first.key = "alias/a";
    second.key = "alias/b";
    first.region = second.region = "eu-west-1";
    Result<std::unique_ptr<KmsServices>> kms =
        KmsServices::Make({first, second}, {}, {}, nullptr, log_);
    EXPECT_TRUE(kms) << kms.status().ToString();
    kms_ = std::move(*kms);
  }
  SlotKeys Make(const std::vector<RecoveryKey>& recovery = {}) {
    return MakeSlotKeys(*kms_, recovery, {secret_, {directory_.PathOf("data")}},
                        PosixFileSystem(), SystemRandom());
  }
  Status SealByLocalFile() {
    const Deadline deadline = Deadline::After(SystemClock(), Millis(20000));
    return Make().back()->Seal(Secret(32), {}, deadline).status();
  }

  TemporaryDirectory directory_;
  std::string secret_;
  MemoryLog log_;
  std::unique_ptr<KmsServices> kms_;
};

TEST_F(SlotKeysTest, AreInTheOrderInWhichTheyAreTried) {
  EXPECT_TRUE(SystemProcessRunner().Run(
      "cd " + directory_.path() +
          " && openssl genpkey -quiet -algorithm RSA -pkeyopt "
          "rsa_keygen_bits:3072 | openssl pkey -pubout -out public.pem",
      Millis(60000), 1000, nullptr));
  std::vector<std::string> problems;
  const std::vector<RecoveryKey> recovery = ReadRecoveryKeys(
      PosixFileSystem(), {directory_.PathOf("public.pem")}, problems);
  std::vector<std::string> names;
  const SlotKeys keys = Make(recovery);
  for (const auto& key : keys) {
    names.push_back(SlotKindName(key->kind()) + " " + key->name());
  }
  EXPECT_THAT(
      names,
      ElementsAre("aws-kms alias/a@eu-west-1", "aws-kms alias/b@eu-west-1",
                  "public-key " + directory_.PathOf("public.pem"),
                  "local-file " + secret_));
  EXPECT_FALSE(keys[0]->IsLastResort());
  EXPECT_FALSE(keys[2]->CanOpen());
  EXPECT_TRUE(keys[3]->IsLastResort());
}

TEST_F(SlotKeysTest, WithoutALocalFileThereIsNone) {
  secret_.clear();
  EXPECT_EQ(Make().size(), 2u);
}

TEST_F(SlotKeysTest, TheLocalFileIsCheckedEachTimeThatItIsUsed) {
  EXPECT_TRUE(SealByLocalFile().ok());
  EXPECT_EQ(chmod(secret_.c_str(), 0444), 0);
  EXPECT_THAT(SealByLocalFile().message(),
              HasSubstr("; run: chown root:mysql "));
  EXPECT_EQ(chmod(secret_.c_str(), 0400), 0);
  std::filesystem::rename(secret_, directory_.PathOf("data/secret"));
  EXPECT_FALSE(SealByLocalFile().ok());
  std::filesystem::create_symlink(directory_.PathOf("data/secret"), secret_);
  EXPECT_THAT(SealByLocalFile().message(), HasSubstr(" lies in "));
}

}  // namespace
}  // namespace openkeyring
