// SPDX-License-Identifier: MIT
#include "storage/sealed/key_set_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "keyring/versioned_keys.h"
#include "storage/key_names.h"
#include "testing/key_set_fixture.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr char kSet[] = "aws-kms-key-set";
constexpr char kMark[] = "aws-kms-key-set-made";

using KeySetBackendTest = KeySetTest;

// ---- Life ------------------------------------------------------------------

TEST_F(KeySetBackendTest, OneCallOpensEveryKey) {
  std::vector<KeyVersion> keys;
  for (uint32_t id = 1; id <= 50; ++id) keys.push_back({id, 1});
  MakeKeys(keys);
  const int before = Calls();
  auto backend = MakePrepared();
  EXPECT_EQ(backend->List()->size(), 50u);
  EXPECT_EQ(Calls(), before) << "the list takes no call";
  std::set<std::string> texts;
  for (const KeyVersion key : keys) texts.insert(TextOf(*backend, key));
  EXPECT_EQ(texts.size(), 50u);
  EXPECT_EQ(Calls(), before + 1);
}

TEST_F(KeySetBackendTest, NothingIsMadeBeforeTheFirstKey) {
  auto backend = MakePrepared();
  EXPECT_TRUE(backend->List()->empty());
  EXPECT_EQ(backend->Fetch({1, 1}, Soon()).status().code(),
            StatusCode::kNotFound);
  EXPECT_THAT(files_.Names(), testing::IsEmpty());
  EXPECT_EQ(Calls(), 0);
  ASSERT_TRUE(backend->Create({1, 1}, 16, Soon()).ok());
  EXPECT_THAT(files_.Names(),
              UnorderedElementsAre(kSet, kMark, "aws-kms-key-installation",
                                   "aws-kms-key-made.1.1"));
}

TEST_F(KeySetBackendTest, AKeyIsWhatKmsMadeAndStaysTheSame) {
  auto backend = MakePrepared();
  ASSERT_TRUE(backend->Create({1, 1}, 32, Soon()).ok());
  const std::string text = TextOf(*backend, {1, 1});
  EXPECT_EQ(text.size(), 32u);
  EXPECT_THAT(text, HasSubstr("wwww")) << "the fake KMS makes them of 'w'";
  EXPECT_EQ(TextOf(*backend, {1, 1}), text) << "also a second time";
  backend = nullptr;
  EXPECT_EQ(TextOf(*MakePrepared(), {1, 1}), text);
}

TEST_F(KeySetBackendTest, LocalKeysTakeNoCall) {
  options_.source = KeySource::kLocal;
  auto backend = MakePrepared();
  ASSERT_TRUE(backend->Create({1, 1}, 16, Soon()).ok());
  const int before = Calls();
  ASSERT_TRUE(backend->Create({2, 1}, 16, Soon()).ok());
  ASSERT_TRUE(backend->Create({1, 2}, 16, Soon()).ok());
  EXPECT_NE(TextOf(*backend, {2, 1}), TextOf(*backend, {1, 2}));
  EXPECT_EQ(Calls(), before);
}

TEST_F(KeySetBackendTest, NoKeyIsMadeWithoutAMasterKey) {
  options_.source = KeySource::kLocal;
  MakeKeys({{1, 1}});
  kms_.SetCurrentKey("");
  auto backend = MakePrepared();
  const Status status = backend->Create({2, 1}, 16, Soon());
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("aws_key_management_master_key_id"));
  EXPECT_EQ(TextOf(*backend, {1, 1}).size(), 16u);
}

TEST_F(KeySetBackendTest, AVersionIsMadeOnce) {
  MakeKeys({{1, 1}});
  auto backend = MakePrepared();
  const std::string text = TextOf(*backend, {1, 1});
  const int before = Calls();
  EXPECT_EQ(backend->Create({1, 1}, 16, Soon()).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(Calls(), before);
  EXPECT_EQ(TextOf(*backend, {1, 1}), text);
}

TEST_F(KeySetBackendTest, KeysMadeTogetherAreOneAppendAndOneSync) {
  MakeKeys({{1, 1}, {2, 1}, {3, 1}});
  auto backend = MakePrepared();
  TextOf(*backend, {1, 1});
  files_.seen.clear();
  const auto outcomes = backend->CreateAll({{1, 2}, {2, 1}, {3, 2}}, 16,
                                           [this] { return Soon(); });
  EXPECT_TRUE(outcomes[0].ok() && outcomes[2].ok());
  EXPECT_EQ(outcomes[1].code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(std::ranges::count(files_.seen, "sync"), 1);
  EXPECT_EQ(std::ranges::count(files_.seen, "append"), 2)
      << "the keys, and the mark that they are complete";
  EXPECT_NE(TextOf(*backend, {1, 2}), TextOf(*backend, {3, 2}));
}

TEST_F(KeySetBackendTest, WhatKmsDoesNotMakeIsLeftOut) {
  auto backend = MakePrepared();
  ASSERT_TRUE(backend->Create({1, 1}, 16, Soon()).ok());
  options_.parallelism = 1;
  std::atomic<int> calls{0};
  kms_.SetHook([&](const std::string& name) {
    return name == "Generate" && ++calls == 2
               ? Status(StatusCode::kDenied, "not you")
               : Status::Ok();
  });
  FailSecondKms();
  const auto outcomes = backend->CreateAll({{2, 1}, {3, 1}, {4, 1}}, 16,
                                           [this] { return Soon(); });
  EXPECT_EQ(std::ranges::count_if(outcomes, &Status::ok), 2);
  EXPECT_EQ(std::ranges::count(outcomes, StatusCode::kDenied, &Status::code),
            1);
  EXPECT_EQ(backend->List()->size(), 3u);
}

TEST_F(KeySetBackendTest, ThrottledKeysAreMadeMoreSlowlyAndAllOfThem) {
  std::vector<KeyVersion> keys;
  for (uint32_t id = 2; id <= 101; ++id) keys.push_back({id, 1});
  auto backend = MakePrepared();
  ASSERT_TRUE(backend->Create({1, 1}, 16, Soon()).ok());
  std::atomic<int> calls{0};
  const int before = kms_.calls("Generate");
  kms_.SetHook([&](const std::string& operation) {
    return operation == "Generate" && ++calls % 20 == 0
               ? Status(StatusCode::kThrottled, "slower")
               : Status::Ok();
  });
  FailSecondKms();
  const auto outcomes = backend->CreateAll(keys, 16, [this] { return Soon(); });
  EXPECT_EQ(std::ranges::count_if(outcomes, &Status::ok), 100);
  EXPECT_LE(calls, 110);
  EXPECT_EQ(kms_.reporting_generates, calls) << "none by Create";
  EXPECT_EQ(kms_.calls("Generate"), before + calls);
  EXPECT_FALSE(clock_.sleeps().empty());
}

TEST_F(KeySetBackendTest, ThrottlingWithoutEndEndsTheCreation) {
  std::vector<KeyVersion> keys;
  for (uint32_t id = 2; id <= 101; ++id) keys.push_back({id, 1});
  auto backend = MakePrepared();
  ASSERT_TRUE(backend->Create({1, 1}, 16, Soon()).ok());
  const int before = kms_.calls("Generate");
  FailKms("Generate", {StatusCode::kThrottled, "slower"});
  FailSecondKms();
  const auto outcomes = backend->CreateAll(keys, 16, [this] { return Soon(); });
  EXPECT_EQ(std::ranges::count_if(outcomes, &Status::ok), 0);
  EXPECT_LE(kms_.calls("Generate"), before + 60);
  EXPECT_THAT(outcomes[99].message(), HasSubstr("not tried"));
}

TEST_F(KeySetBackendTest, TheNextKmsMakesKeysWhenTheFirstDoesNot) {
  auto backend = MakePrepared();
  ASSERT_TRUE(backend->Create({1, 1}, 16, Soon()).ok());
  FailKms("Generate", {StatusCode::kTimeout, "the first does not answer"});
  EXPECT_TRUE(backend->Create({2, 1}, 16, Soon()).ok());
  EXPECT_EQ(second_kms_.calls("Generate"), 1);
  FailSecondKms();
  EXPECT_EQ(backend->Create({3, 1}, 16, Soon()).message(),
            "the first does not answer");
}

TEST_F(KeySetBackendTest, WhatIsNotReadBackIsNotUsed) {
  auto backend = MakePrepared();
  ASSERT_TRUE(backend->Create({1, 1}, 16, Soon()).ok());
  files_.lies_on_read_back = true;
  EXPECT_FALSE(backend->Create({2, 1}, 16, Soon()).ok());
  EXPECT_THAT(*backend->List(), UnorderedElementsAre(KeyVersion{1, 1}));
  files_.lies_on_read_back = false;
  EXPECT_TRUE(backend->Create({2, 1}, 16, Soon()).ok());
}

TEST_F(KeySetBackendTest, KeysOfOtherSizesAreDamage) {
  MakeKeys({{1, 1}});
  auto backend = MakePrepared();
  ASSERT_TRUE(backend->Create({2, 1}, 20, Soon()).ok());
  backend = nullptr;
  const Status status = MakePrepared()->Fetch({1, 1}, Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("not the size of an AES key"));
}

// ---- Without KMS -----------------------------------------------------------

TEST_F(KeySetBackendTest, ASetIsKnownBeforeKmsAnswers) {
  MakeKeys({{1, 1}, {1, 2}, {7, 1}});
  FailKms("Unwrap", {StatusCode::kUnavailable, "no answer"});
  auto backend = MakePrepared();
  EXPECT_THAT(*backend->List(),
              UnorderedElementsAre(KeyVersion{1, 1}, KeyVersion{1, 2},
                                   KeyVersion{7, 1}));
  const Status status = backend->Fetch({7, 1}, Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("keyring file aws-kms-key-set: "));
  EXPECT_FALSE(backend->Create({8, 1}, 16, Soon()).ok());
  kms_.SetHook(nullptr);
  clock_.Advance(Millis(1000));
  EXPECT_EQ(TextOf(*backend, {7, 1}).size(), 16u);
}

TEST_F(KeySetBackendTest, AThousandKeysThatFailAreOneCall) {
  MakeKeys({{1, 1}, {2, 1}});
  for (const StatusCode code :
       {StatusCode::kDenied, StatusCode::kUnavailable}) {
    FailKms("Unwrap", {code, "no"});
    auto backend = MakePrepared();
    const int before = Calls();
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(backend->Fetch({2, 1}, Soon()).status().code(), code);
    }
    EXPECT_EQ(Calls(), before + 1);
  }
}

TEST_F(KeySetBackendTest, ConcurrentFetchesShareOneCall) {
  MakeKeys({{1, 1}, {2, 1}, {3, 1}, {4, 1}});
  auto backend = MakePrepared();
  const int before = Calls();
  std::vector<std::jthread> threads;
  for (uint32_t id = 1; id <= 4; ++id) {
    threads.emplace_back([&, id] {
      EXPECT_TRUE(backend->Fetch({id, 1}, Soon()));
    });
  }
  threads.clear();
  EXPECT_EQ(Calls(), before + 1);
}

// ---- Who may have it -------------------------------------------------------

TEST_F(KeySetBackendTest, ASecondServerIsRefused) {
  MakeKeys({{1, 1}});
  auto first = MakePrepared();
  const Status status = PrepareError();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("belongs to one server"));
  EXPECT_THAT(status.message(), HasSubstr("key_store=FILES"));
  first = nullptr;
  EXPECT_TRUE(PrepareError().ok());
}

TEST_F(KeySetBackendTest, AReaderFollowsTheServerAndWritesNothing) {
  MakeKeys({{1, 1}});
  auto server = MakePrepared();
  auto reader = MakeReader();
  EXPECT_EQ(TextOf(*reader, {1, 1}).size(), 16u);
  ASSERT_TRUE(server->Create({5, 1}, 16, Soon()).ok());
  const auto before = files_.Names();
  const Bytes content = files_.Content(kSet);
  EXPECT_EQ(TextOf(*reader, {5, 1}), TextOf(*server, {5, 1}));
  EXPECT_EQ(reader->Create({6, 1}, 16, Soon()).code(), StatusCode::kReadOnly);
  EXPECT_EQ(reader->Fetch({9, 1}, Soon()).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(files_.Names(), before);
  EXPECT_EQ(files_.Content(kSet), content);
}

// Whatever part of an append a copy has: all that was promised before.
TEST_F(KeySetBackendTest, ACopyThatEndsAnywhereInAnAppendIsRead) {
  MakeKeys({{1, 1}});
  const size_t before = files_.Content(kSet).size();
  MakeKeys({{2, 1}});
  const Bytes whole = files_.Content(kSet);
  for (size_t size = before; size < whole.size(); ++size) {
    files_.Overwrite(kSet, Bytes(whole.begin(), whole.begin() + size));
    auto reader = MakeReader();
    ASSERT_EQ(TextOf(*reader, {1, 1}).size(), 16u) << size;
    const auto second = reader->Fetch({2, 1}, Soon());
    ASSERT_TRUE(second || second.status().code() == StatusCode::kNotFound);
  }
}

TEST_F(KeySetBackendTest, NoChangedByteGivesAnotherKey) {
  MakeKeys({{1, 1}, {2, 1}});
  const std::string first = TextOf(*MakeReader(), {1, 1});
  const std::string second = TextOf(*MakeReader(), {2, 1});
  const Bytes whole = files_.Content(kSet);
  const auto same_or_none = [&](KeySetBackend& reader, KeyVersion key,
                                const std::string& text) {
    const auto secret = reader.Fetch(key, Soon());
    return !secret || secret->RevealText() == text;
  };
  options_.keys.read_only = true;
  for (size_t i = 0; i < whole.size(); ++i) {
    Bytes damaged = whole;
    damaged[i] ^= 1;
    files_.Overwrite(kSet, damaged);
    auto reader = Make();
    if (!reader->Prepare().ok()) continue;
    ASSERT_TRUE(same_or_none(*reader, {1, 1}, first)) << i;
    ASSERT_TRUE(same_or_none(*reader, {2, 1}, second)) << i;
  }
}

TEST_F(KeySetBackendTest, ALostSetIsNotANewOne) {
  MakeKeys({{1, 1}});
  ASSERT_TRUE(files_.Remove(kSet).ok());
  auto backend = Make();
  ASSERT_TRUE(backend->Prepare().ok());
  EXPECT_EQ(backend->List().status().code(), StatusCode::kMisconfigured);
  const Status status = backend->Create({1, 1}, 16, Soon());
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("was made and is missing"));
  EXPECT_THAT(files_.Names(), Not(testing::Contains(kSet)));
}

TEST_F(KeySetBackendTest, AnIdThatAnOldCopyLacksIsMissing) {
  MakeKeys({{1, 1}});
  const Bytes old = files_.Content(kSet);
  MakeKeys({{5, 1}});
  files_.Overwrite(kSet, old);
  auto backend = MakePrepared();
  EXPECT_THAT(*backend->List(),
              UnorderedElementsAre(KeyVersion{1, 1}, KeyVersion{5, 1}));
  FakeRandom random;
  VersionedKeys keys(*backend, clock_, random, log_,
                     {[] { return size_t{16}; }, [] { return Millis(5000); }});
  ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
  EXPECT_THAT(keys.LatestVersion(5).status().message(),
              HasSubstr("was stored and is missing"));
  EXPECT_THAT(*MakeReader()->List(), UnorderedElementsAre(KeyVersion{1, 1}))
      << "a backup may have the mark and an older set";
}

TEST_F(KeySetBackendTest, MarksThatACrashPreventedAreMadeUpFor) {
  MakeKeys({{1, 1}, {5, 1}});
  ASSERT_TRUE(files_.Remove(kMark).ok());
  ASSERT_TRUE(files_.Remove("aws-kms-key-made.5.1").ok());
  TextOf(*MakePrepared(), {1, 1});
  EXPECT_THAT(files_.Names(),
              testing::IsSupersetOf(
                  {std::string(kMark), std::string("aws-kms-key-made.5.1")}));
}

TEST_F(KeySetBackendTest, AnotherInstallationsSetIsRefused) {
  MakeKeys({{1, 1}});
  CrashFileSystem other;
  {
    auto theirs = Make(other);
    ASSERT_TRUE(theirs->Prepare().ok());
    ASSERT_TRUE(theirs->Create({1, 1}, 16, Soon()).ok());
  }
  files_.Put(kSet, other.Content(kSet));
  const Status status = PrepareError();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("belongs to another installation"));
}

TEST_F(KeySetBackendTest, ALostInstallationIdIsRestoredFromTheSet) {
  MakeKeys({{1, 1}});
  const Bytes id = files_.Content("aws-kms-key-installation");
  ASSERT_TRUE(files_.Remove("aws-kms-key-installation").ok());
  EXPECT_EQ(TextOf(*MakePrepared(), {1, 1}).size(), 16u);
  EXPECT_EQ(files_.Content("aws-kms-key-installation"), id);
}

// ---- Keys that a tool brings -----------------------------------------------

TEST_F(KeySetBackendTest, StoredKeysAreAllThereOrNone) {
  MakeKeys({{1, 1}});
  const Secret one = Secret::CopyOf("sixteen bytes. 1");
  const Secret two = Secret::CopyOf("sixteen bytes. 2");
  const Secret odd = Secret::CopyOf("not an AES key");
  auto backend = MakePrepared();
  ASSERT_TRUE(backend->Store({{{1, 2}, &one}, {{7, 1}, &two}}, Soon()).ok());
  const Bytes before = files_.Content(kSet);
  EXPECT_EQ(backend->Store({{{1, 2}, &two}, {{8, 1}, &one}}, Soon()).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(backend->Store({{{8, 1}, &one}, {{9, 1}, &odd}}, Soon()).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(files_.Content(kSet), before);
  backend = nullptr;
  backend = MakePrepared();
  EXPECT_EQ(backend->List()->size(), 3u);
  EXPECT_EQ(TextOf(*backend, {1, 2}), "sixteen bytes. 1");
  EXPECT_EQ(TextOf(*backend, {7, 1}), "sixteen bytes. 2");
  EXPECT_TRUE(files_.Stat("aws-kms-key-made.7.1"));
}

TEST_F(KeySetBackendTest, NothingIsStoredWithoutAMasterKey) {
  const Secret one = Secret::CopyOf("sixteen bytes. 1");
  kms_.SetCurrentKey("");
  EXPECT_EQ(MakePrepared()->Store({{{1, 1}, &one}}, Soon()).code(),
            StatusCode::kMisconfigured);
  EXPECT_THAT(files_.Names(), testing::IsEmpty());
}

// ---- Key files beside it ---------------------------------------------------

TEST_F(KeySetBackendTest, AKeyFileThatWasNotImportedIsRefused) {
  const Secret imported = Secret::CopyOf("sixteen bytes. 1");
  ASSERT_TRUE(MakePrepared()->Import({{{1, 1}, &imported}}, Soon()).ok());
  MakeKeys({{1, 2}});
  files_.Put("aws-kms-key.1.1", {1});
  EXPECT_EQ(MakePrepared()->List()->size(), 2u);
  for (const char* stray :
       {"aws-kms-key.1.2", "aws-kms-key.1.3", "aws-kms-key.9.1"}) {
    files_.Put(stray, {1});
    auto backend = MakePrepared();
    const Status status = backend->List().status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_THAT(status.message(), HasSubstr(stray));
    EXPECT_THAT(status.message(), HasSubstr("keyringctl convert"));
    ASSERT_TRUE(files_.Remove(stray).ok());
  }
}

TEST_F(KeySetBackendTest, AnImportThatReadsBackAnotherKeyIsNone) {
  const Secret key = Secret::CopyOf("sixteen bytes. 1");
  auto backend = MakePrepared();
  int calls = 0;
  kms_.SetHook([&calls](const std::string& name) {
    // The first opens the new data key, the second the file.
    return name == "Unwrap" && ++calls == 2
               ? Status(StatusCode::kUnavailable, "no answer")
               : Status::Ok();
  });
  EXPECT_FALSE(backend->Import({{{1, 1}, &key}}, Soon()).ok());
  EXPECT_THAT(files_.Names(), UnorderedElementsAre("aws-kms-key-installation"));
}

}  // namespace
}  // namespace openkeyring
