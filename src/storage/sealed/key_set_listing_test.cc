// SPDX-License-Identifier: MIT
// What a key set is said to hold: before it was opened, while others write to
// it, and when a part of it is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "keyring/versioned_keys.h"
#include "testing/key_set_fixture.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr char kSet[] = "aws-kms-key-set";

class KeySetListingTest : public KeySetTest {
 protected:
  // A server of MariaDB.
  struct Server {
    std::unique_ptr<KeySetBackend> backend;
    std::unique_ptr<VersionedKeys> keys;
  };
  Server Start(Millis deadline = Millis(0)) {
    Server server;
    server.backend = MakePrepared();
    server.keys = std::make_unique<VersionedKeys>(
        *server.backend, clock_, random_, log_,
        VersionedKeys::Options{[] { return size_t{16}; },
                               [] { return Millis(5000); }});
    const Status status = server.keys->LoadAll(deadline);
    EXPECT_TRUE(status.ok()) << status.message();
    return server;
  }
  // The last record lost its last block to a power cut, and its mark.
  void TearLastRecord() {
    Bytes content = files_.Content(kSet);
    content.resize(content.size() - kMarkBytes);
    std::fill(content.end() - 32, content.end(), uint8_t{0});
    files_.Overwrite(kSet, content);
  }
  void StopKms() { FailKms("Unwrap", {StatusCode::kUnavailable, "no answer"}); }
  void ReturnKms() {
    kms_.SetHook(nullptr);
    clock_.Advance(Millis(60'000));
  }

  static constexpr size_t kMarkBytes = 20;
  FakeRandom random_;
  Status may_create_;  // What the product says about a first key.
};

// ---- A record whose end nothing proves -------------------------------------

TEST_F(KeySetListingTest, ATornVersionIsNoneWhileKmsIsAwayNorLater) {
  MakeKeys({{1, 1}});
  MakeKeys({{1, 2}});
  TearLastRecord();
  StopKms();
  const Server server = Start();
  EXPECT_THAT(*server.backend->List(), UnorderedElementsAre(KeyVersion{1, 1}));
  ReturnKms();
  EXPECT_EQ(*server.keys->LatestVersion(1), 1u);
  EXPECT_EQ(*server.keys->Rotate(1), 2u);
}

// Complete, but the power failed before its mark was on the disk: the server
// may have used it.
TEST_F(KeySetListingTest, AVersionWithoutAMarkIsTheLatestOnceTheSetIsOpen) {
  MakeKeys({{1, 1}, {2, 1}});
  MakeKeys({{1, 2}});
  Bytes content = files_.Content(kSet);
  content.resize(content.size() - kMarkBytes);
  for (const bool is_away : {false, true}) {
    SCOPED_TRACE(is_away);
    files_.Overwrite(kSet, content);
    if (is_away) StopKms();
    const Server server = Start();
    ReturnKms();
    EXPECT_EQ(*server.keys->LatestVersion(2), 1u);
    EXPECT_EQ(*server.keys->LatestVersion(1), 2u);
    EXPECT_TRUE(server.keys->Get({1, 2}));
    EXPECT_EQ(*server.keys->Rotate(1), 3u);
  }
}

// The only record there is: it must not look like an empty set. A server knows
// by the mark of the version; a backup is read without it.
TEST_F(KeySetListingTest, AnOnlyKeyWithoutAMarkIsNoEmptySet) {
  MakeKeys({{1, 1}});
  Bytes content = files_.Content(kSet);
  content.resize(content.size() - kMarkBytes);
  files_.Overwrite(kSet, content);
  may_create_ = Status(StatusCode::kMisconfigured, "has encrypted data");
  for (const bool is_reader : {false, true}) {
    for (const bool is_away : {false, true}) {
      SCOPED_TRACE(testing::Message() << is_reader << is_away);
      options_.keys.read_only = is_reader;
      if (is_away) StopKms();
      const Server server = Start();
      // As mariadb-backup looks at it.
      EXPECT_EQ(server.keys->CheckAllLoaded().ok(), !is_away);
      if (is_away) {
        EXPECT_EQ(server.keys->LatestVersion(1).status().code(),
                  StatusCode::kUnavailable);
      } else {
        EXPECT_EQ(server.keys->counts().ids, 1u);
      }
      ReturnKms();
      EXPECT_EQ(*server.keys->LatestVersion(1), 1u);
    }
  }
}

TEST_F(KeySetListingTest, KmsThatReturnsDuringTheLoadLeavesNoFailure) {
  MakeKeys({{1, 1}});
  Bytes content = files_.Content(kSet);
  content.resize(content.size() - kMarkBytes);
  files_.Overwrite(kSet, content);
  options_.keys.read_only = true;
  int tries = 0;
  kms_.SetHook([&](const std::string& operation) {
    return operation == "Unwrap" && ++tries == 1
               ? Status(StatusCode::kUnavailable, "no answer")
               : Status::Ok();
  });
  const Server server = Start(Millis(30'000));
  EXPECT_GT(tries, 1);
  EXPECT_TRUE(server.keys->CheckAllLoaded().ok());
  kms_.SetHook(nullptr);
}

TEST_F(KeySetListingTest, AnEmptySetTakesNoCallAtTheStart) {
  const int before = Calls();
  EXPECT_EQ(Start().keys->counts().ids, 0u);
  EXPECT_EQ(Calls(), before);
}

// ---- A reader, as mariadb-backup is ----------------------------------------

TEST_F(KeySetListingTest, AReaderFindsWhatWasMadeWhileItWaitedForKms) {
  MakeKeys({{1, 1}});
  const auto server = MakePrepared();
  ASSERT_TRUE(server->Fetch({1, 1}, Soon()));
  const auto reader = MakeReader();
  bool is_made = false;
  kms_.SetHook([&](const std::string& call) {
    if (call == "Unwrap" && !is_made) {
      is_made = true;
      EXPECT_TRUE(server->Create({1, 2}, 16, Soon()).ok());
    }
    return Status::Ok();
  });
  EXPECT_TRUE(reader->Fetch({1, 1}, Soon()));
  ASSERT_TRUE(is_made);
  kms_.SetHook(nullptr);
  clock_.Advance(Millis(10'000));
  EXPECT_EQ(TextOf(*reader, {1, 2}), TextOf(*server, {1, 2}));
  EXPECT_EQ(reader->List()->size(), 2u);
}

// ---- A part that is gone ---------------------------------------------------

// Before each of the reads of an opening.
TEST_F(KeySetListingTest, ASetThatVanishesWhileItIsOpenedIsNotMadeAgain) {
  MakeKeys({{1, 1}});
  const Bytes content = files_.Content(kSet);
  bool has_vanished = true;
  for (int last = 1; has_vanished; ++last) {
    SCOPED_TRACE(last);
    const auto backend = MakePrepared();
    int reads = 0;
    has_vanished = false;
    files_.hook = [&](const std::string& step) {
      if (step != "read" || ++reads != last) return Status::Ok();
      has_vanished = true;
      return files_.CrashFileSystem::Remove(kSet);
    };
    const Status status = backend->Create({2, 1}, 16, Soon());
    files_.hook = nullptr;
    EXPECT_EQ(status.ok(), !has_vanished) << status.message();
    if (!has_vanished) break;
    EXPECT_THAT(files_.Names(), testing::Not(testing::Contains(kSet)));
    files_.Put(kSet, content);
  }
}

TEST_F(KeySetListingTest, ANumberThatAMarkShowsIsNotMadeAgain) {
  MakeKeys({{1, 1}, {1, 2}});
  ASSERT_TRUE(files_.Remove("aws-kms-key-made.1.1").ok());
  ASSERT_TRUE(files_.Create("aws-kms-key-made.1.9", 0440));
  const Server server = Start();
  EXPECT_THAT(*server.backend->List(),
              UnorderedElementsAre(KeyVersion{1, 1}, KeyVersion{1, 2},
                                   KeyVersion{1, 9}));
  EXPECT_THAT(server.keys->LatestVersion(1).status().message(),
              HasSubstr("1.9"));
  EXPECT_EQ(*server.keys->Rotate(1), 10u);
}

}  // namespace
}  // namespace openkeyring
