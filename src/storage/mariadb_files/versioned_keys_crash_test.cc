// SPDX-License-Identifier: MIT
// Key files when a server dies at any step (testing/versioned_keys_machine.h).
#include <memory>

#include "storage/mariadb_files/key_file_backend.h"
#include "testing/versioned_keys_machine.h"

namespace openkeyring {
namespace {

void CheckFiles(const CrashFileSystem& files) {
  for (const std::string& name : files.Names()) {
    ASSERT_THAT(name, testing::StartsWith("aws-kms-key")) << "a leftover";
    if (!ParseKeyFileName(name)) continue;
    ASSERT_TRUE(ReadKeyFile(files.Content(name))) << "half a file";
  }
}

KeyStoreOnTrial MakeStore(VersionedKeysMachine& machine) {
  auto backend = std::make_unique<KeyFileBackend>(
      machine.kms, machine.files, machine.random, machine.log,
      KeyFileBackend::Options{{}, [] { return BindPolicy::kOn; }});
  KeyFileBackend& files = *backend;
  return {std::move(backend), [&files] { return files.Prepare(); },
          [&machine] { CheckFiles(machine.files); }};
}

TEST(VersionedKeysCrashTest, NothingUsedIsLostWhereverOneServerDies) {
  DieAtEveryStep(MakeStore);
}

TEST(VersionedKeysCrashTest, NothingUsedIsLostWhereverTheNextOneDiesToo) {
  DieTwiceAtEveryStep(MakeStore, 4);
}

TEST(VersionedKeysCrashTest, RunWithoutACrashUsesWhatItSays) {
  LiveToTheEnd(MakeStore);
}

}  // namespace
}  // namespace openkeyring
