// SPDX-License-Identifier: MIT
#include "testing/memory_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const KeyName kName{"k", "u@h"};

class MemoryBackendTest : public testing::Test {
 protected:
  Key MakeKey(const KeyName& name = kName) {
    return {name, "AES", Secret::CopyOf("data")};
  }
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }

  ManualClock clock_;
  MemoryBackend backend_;
};

TEST_F(MemoryBackendTest, LoadsWhatWasStoredAndNotRemoved) {
  EXPECT_TRUE(backend_.Store(MakeKey(), Soon()).ok());
  EXPECT_TRUE(backend_.Store(MakeKey({"k", ""}), Soon()).ok());
  EXPECT_TRUE(backend_.Remove({"k", ""}, Soon()).ok());
  const auto keys = backend_.Load(Soon());
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 1u);
  EXPECT_EQ(keys->front().name, kName);
  EXPECT_EQ(keys->front().type, "AES");
  EXPECT_EQ(keys->front().data.RevealText(), "data");
  EXPECT_THAT(backend_.Contents(), ElementsAre(Pair(kName, "AES:data")));
  EXPECT_EQ(backend_.calls("Store"), 2);
  EXPECT_EQ(backend_.calls("Remove"), 1);
  EXPECT_EQ(backend_.calls("Load"), 1);
  EXPECT_EQ(backend_.deadline(), Soon().at());
}

TEST_F(MemoryBackendTest, IsStrictAboutWhatIsThere) {
  EXPECT_EQ(backend_.Remove(kName, Soon()).code(), StatusCode::kNotFound);
  backend_.Put(kName, "AES", "1");
  EXPECT_EQ(backend_.Store(MakeKey(), Soon()).code(),
            StatusCode::kAlreadyExists);
  backend_.Put(kName, "AES", "2");
  EXPECT_EQ(backend_.Load(Soon())->size(), 2u) << "twice, when a test says so";
}

TEST_F(MemoryBackendTest, FaultsComeInTheirOrderAndDoNothing) {
  backend_.PushFault({StatusCode::kTimeout, "1"});
  backend_.PushFault(Status::Ok());
  backend_.PushFault({StatusCode::kUnavailable, "2"});
  EXPECT_EQ(backend_.Store(MakeKey(), Soon()).code(), StatusCode::kTimeout);
  EXPECT_THAT(backend_.Contents(), IsEmpty());
  EXPECT_TRUE(backend_.Store(MakeKey(), Soon()).ok());
  EXPECT_EQ(backend_.Load(Soon()).status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(backend_.Load(Soon()));
}

TEST_F(MemoryBackendTest, AFaultMayTakeEffectAllTheSame) {
  backend_.PushFault({StatusCode::kTimeout, "no answer"}, true);
  backend_.PushFault({StatusCode::kTimeout, "no answer"}, true);
  EXPECT_EQ(backend_.Store(MakeKey(), Soon()).code(), StatusCode::kTimeout);
  EXPECT_EQ(backend_.Contents().size(), 1u);
  EXPECT_EQ(backend_.Remove(kName, Soon()).code(), StatusCode::kTimeout);
  EXPECT_THAT(backend_.Contents(), IsEmpty());
}

TEST_F(MemoryBackendTest, TheHookSeesEveryOperationAndCanRefuseIt) {
  std::vector<std::string> seen;
  backend_.SetHook([&](const std::string& operation, const KeyName& name) {
    seen.push_back(operation + " " + name.data_id);
    return operation == "Store" ? Status(StatusCode::kDenied, "no")
                                : Status::Ok();
  });
  EXPECT_EQ(backend_.Store(MakeKey(), Soon()).code(), StatusCode::kDenied);
  EXPECT_TRUE(backend_.Load(Soon()));
  EXPECT_THAT(seen, ElementsAre("Store k", "Load "));
}

TEST_F(MemoryBackendTest, TellsWhetherChangesOfOneNameMet) {
  for (const bool same : {false, true}) {
    MemoryBackend backend;
    std::latch both(2);
    backend.SetHook([&](const std::string&, const KeyName&) {
      both.arrive_and_wait();
      return Status::Ok();
    });
    {
      std::jthread other([&] { (void)backend.Store(MakeKey(), Soon()); });
      (void)backend.Store(MakeKey(same ? kName : KeyName{"other", ""}), Soon());
    }
    EXPECT_EQ(backend.met(), same);
  }
}

}  // namespace
}  // namespace openkeyring
