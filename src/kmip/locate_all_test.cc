// SPDX-License-Identifier: MIT
// Lists of servers that page, truncate and count in their own ways.
#include "kmip/locate_all.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "emulators/kmip/lab.h"
#include "kmip/operations/register.h"

namespace openkeyring {
namespace {

using kmip_server::Behaviour;
using kmip_server::Fault;
using kmip_server::Lab;
using kmip_server::MakeFault;

// Registers so many keys; their identifiers.
std::vector<std::string> StoreMany(KmipClient& client, int count) {
  KmipObject key;
  key.value = Secret::CopyOf("0123456789abcdef");
  key.algorithm = KmipAlgorithm::kAes;
  key.length = 128;
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) {
    KmipAttributes attributes;
    attributes.names = {"k" + std::to_string(i)};
    const KmipChange change =
        client.Change(MakeRegister(key, attributes), Lab::Soon());
    EXPECT_TRUE(change.status.ok()) << change.status.message();
    ids.push_back(change.id);
  }
  return ids;
}

struct ListingQuirk {
  const char* name;
  std::function<void(Behaviour&)> set;
};
class KmipListing : public testing::TestWithParam<ListingQuirk> {};

TEST_P(KmipListing, FindsEveryObjectOnce) {
  Lab lab;
  KmipClient& client = lab.Client();
  const auto ids = StoreMany(client, 25);
  Behaviour behaviour;
  GetParam().set(behaviour);
  lab.server().Set(behaviour);
  KmipAttributes keys;
  keys.object_type = KmipObjectType::kSymmetricKey;
  const auto found = LocateAll(client, keys, 100, Lab::Soon());
  ASSERT_TRUE(found) << found.status().message();
  EXPECT_EQ(*found, ids);
}

INSTANTIATE_TEST_SUITE_P(
    Servers, KmipListing,
    testing::Values(
        ListingQuirk{"Plain", [](Behaviour&) {}},
        ListingQuirk{"Capped", [](Behaviour& b) { b.locate_cap = 10; }},
        ListingQuirk{"CappedAtADivisor",
                     [](Behaviour& b) { b.locate_cap = 5; }},
        ListingQuirk{"CappedWithoutCount",
                     [](Behaviour& b) {
                       b.locate_cap = 10;
                       b.exact_located_items = false;
                     }},
        ListingQuirk{"CappedWithCountZero",
                     [](Behaviour& b) {
                       b.locate_cap = 10;
                       b.zero_located_items = true;
                     }},
        ListingQuirk{"OverlappingPages",
                     [](Behaviour& b) {
                       b.locate_cap = 10;
                       b.overlapping_pages = true;
                     }},
        ListingQuirk{"NoOffset", [](Behaviour& b) { b.ignores_offset = true; }},
        ListingQuirk{"Version12",
                     [](Behaviour& b) {
                       b.versions = {{1, 2}};
                     }}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(KmipListing, ThatTheServerSaysIsIncompleteIsAnError) {
  Lab lab;
  KmipClient& client = lab.Client();
  StoreMany(client, 25);
  Behaviour behaviour;
  behaviour.locate_cap = 10;
  behaviour.ignores_offset = true;
  lab.server().Set(behaviour);
  const auto found = LocateAll(client, {}, 100, Lab::Soon());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), StatusCode::kUnavailable);
  EXPECT_NE(found.error().message().find("25"), std::string::npos);
}

// A server that truncates its lists and does not page, in one way or another.
struct TruncatingServer {
  const char* name;
  int stored, cap;
  KmipVersion version;
};
class KmipTruncatedListing : public testing::TestWithParam<TruncatingServer> {
 protected:
  KmipTruncatedListing() {
    behaviour_.locate_cap = GetParam().cap;
    behaviour_.versions = {GetParam().version};
    behaviour_.ignores_offset = true;
    // As Cosmian's: the total is how many it gave.
    behaviour_.exact_located_items = false;
    keys_.object_type = KmipObjectType::kSymmetricKey;
  }

  // The objects were made `seconds` one after the other.
  void StoreEvery(int seconds) {
    ids_ = StoreMany(client_, GetParam().stored);
    int64_t age = 1000000;
    for (const std::string& id : ids_) {
      const KmipTime made{std::chrono::seconds(age += seconds)};
      lab_.store.With(id, "client", [&](kmip_server::StoredObject& stored) {
        stored.attributes.initial_date = made;
      });
    }
    lab_.server().Set(behaviour_);
  }
  Result<std::vector<std::string>> List(KmipProbe probe = KmipProbe::kAllowed) {
    KmipSession session(client_);
    return LocateAll(session, keys_, 100, Lab::Soon(), probe);
  }

  Lab lab_;
  KmipClient& client_ = lab_.Client();
  Behaviour behaviour_;
  KmipAttributes keys_;
  std::vector<std::string> ids_;
};

TEST_P(KmipTruncatedListing, IsCompletedByDates) {
  StoreEvery(60);
  const auto found = List();
  ASSERT_TRUE(found) << found.status().message();
  std::vector<std::string> sorted = *found;
  std::ranges::sort(sorted);
  std::ranges::sort(ids_);
  EXPECT_EQ(sorted, ids_);
  EXPECT_EQ(lab_.server().operations()["Register"], GetParam().stored);
}

TEST_P(KmipTruncatedListing, IsAnErrorWhereDatesDoNotHelp) {
  StoreEvery(0);
  const auto found = List();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), StatusCode::kUnavailable);
  EXPECT_NE(found.error().message().find("not certain that these are all"),
            std::string::npos)
      << found.error().message();
  EXPECT_EQ(lab_.store.size(), ids_.size());  // Nothing is left of the probe.
}

TEST_P(KmipTruncatedListing, IsAnErrorWhereDatesAreNotSearched) {
  behaviour_.finds_no_dates = true;
  StoreEvery(60);
  EXPECT_EQ(List().status().code(), StatusCode::kUnavailable);
}

TEST_P(KmipTruncatedListing, IsAnErrorWhereDatesAreNotTold) {
  behaviour_.fewer_attributes = true;
  StoreEvery(60);
  EXPECT_EQ(List().status().code(), StatusCode::kUnavailable);
}

TEST_P(KmipTruncatedListing, IsCompletedByStates) {
  StoreEvery(0);
  for (size_t i = 0; i < ids_.size(); ++i) {
    lab_.store.With(ids_[i], "client", [&](kmip_server::StoredObject& stored) {
      stored.attributes.state = static_cast<KmipState>(1 + i * 5 / ids_.size());
    });
  }
  const auto found = List();
  ASSERT_TRUE(found) << found.status().message();
  EXPECT_EQ(found->size(), ids_.size());
}

// A server that does not truncate gives the same answers.
TEST_P(KmipTruncatedListing, IsCompleteOnAServerThatGivesMore) {
  behaviour_.locate_cap = 0;
  StoreEvery(0);
  const auto found = List();
  ASSERT_TRUE(found) << found.status().message();
  EXPECT_EQ(*found, ids_);
  EXPECT_EQ(lab_.store.size(), ids_.size());
  // Without the right to make an object nothing is proven.
  EXPECT_EQ(List(KmipProbe::kForbidden).status().code(),
            StatusCode::kUnavailable);
  Fault denied = MakeFault("fail", "Register", -1);
  denied.reason = 0x0C;
  lab_.server().Push(denied);
  const auto refused = List();
  EXPECT_EQ(refused.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(refused.error().message().find("Permission Denied"),
            std::string::npos);
}

TEST_P(KmipTruncatedListing, AnObjectOfAnotherTypeIsProof) {
  behaviour_.locate_cap = 0;
  KmipObject other;
  other.type = KmipObjectType::kSecretData;
  other.value = Secret::CopyOf("hush");
  const KmipAttributes attributes;
  ASSERT_TRUE(
      client_.Change(MakeRegister(other, attributes), Lab::Soon()).status.ok());
  StoreEvery(0);
  const auto found = List(KmipProbe::kForbidden);
  ASSERT_TRUE(found) << found.status().message();
  EXPECT_EQ(*found, ids_);
}

INSTANTIATE_TEST_SUITE_P(
    Servers, KmipTruncatedListing,
    testing::Values(TruncatingServer{"TenOfFifteen", 15, 10, {1, 4}},
                    TruncatingServer{"TenOfFifteenInVersion20", 15, 10, {2, 0}},
                    TruncatingServer{"TwoOfFiveInVersion12", 5, 2, {1, 2}}),
    [](const auto& one) { return std::string(one.param.name); });

// A server that pages, and applies its bound before the offset: a page after
// the first is empty whatever there is.
class KmipListingThatEndsTooEarly : public KmipTruncatedListing {
 protected:
  KmipListingThatEndsTooEarly() {
    behaviour_.ignores_offset = false;
    behaviour_.caps_before_offset = true;
  }
  void ExpectAll() {
    const auto found = List(KmipProbe::kForbidden);
    ASSERT_TRUE(found) << found.status().message();
    std::vector<std::string> sorted = *found;
    std::ranges::sort(sorted);
    std::ranges::sort(ids_);
    EXPECT_EQ(sorted, ids_);
  }
};

TEST_P(KmipListingThatEndsTooEarly, IsCompletedByDates) {
  StoreEvery(60);
  ExpectAll();
}

TEST_P(KmipListingThatEndsTooEarly, IsCompletedWhereMaximumItemsGivesMore) {
  behaviour_.caps_unasked_only = true;
  StoreEvery(60);
  ExpectAll();
}

// More was seen than the pages show, so that they prove nothing.
TEST_P(KmipListingThatEndsTooEarly, IsAnErrorWhereNotAllIsFound) {
  behaviour_.caps_unasked_only = true;
  StoreEvery(0);
  const auto found = List(KmipProbe::kForbidden);
  EXPECT_EQ(found.status().code(), StatusCode::kUnavailable);
}

// Nor does it prove a part that it is shorter than a list which was longer only
// because it was asked for more.
TEST_P(KmipListingThatEndsTooEarly, IsAnErrorWhereAPartIsTruncated) {
  behaviour_.caps_unasked_only = true;
  StoreEvery(0);
  for (size_t i = 0; i < ids_.size() / 5; ++i) {
    lab_.store.With(ids_[i], "client", [](kmip_server::StoredObject& stored) {
      stored.attributes.initial_date = KmipTime(std::chrono::seconds(1));
    });
  }
  const auto found = List(KmipProbe::kForbidden);
  EXPECT_EQ(found.status().code(), StatusCode::kUnavailable);
}

TEST_P(KmipListingThatEndsTooEarly, IsTheEndWhereTheServerHasNoMore) {
  behaviour_.locate_cap = 0;
  StoreEvery(0);
  ExpectAll();
}

TEST_P(KmipListingThatEndsTooEarly, IsTheEndWhereNothingElseIsAnswered) {
  behaviour_.locate_cap = 0;
  StoreEvery(0);
  Fault fault = MakeFault("fail", "Get Attributes", -1);
  fault.reason = 0x100;  // General Failure.
  lab_.server().Push(fault);
  ExpectAll();
}

INSTANTIATE_TEST_SUITE_P(
    Servers, KmipListingThatEndsTooEarly,
    testing::Values(TruncatingServer{"TenOfFifteen", 15, 10, {1, 4}},
                    TruncatingServer{"TwoOfFive", 5, 2, {2, 0}}),
    [](const auto& one) { return std::string(one.param.name); });

// Of objects of one second and state the searches show no more.
class KmipListingOfOneSecond : public KmipListingThatEndsTooEarly {
 protected:
  void ExpectNothingLeft() { EXPECT_EQ(lab_.store.size(), ids_.size()); }
};

TEST_P(KmipListingOfOneSecond, IsAnErrorWhereItIsTruncated) {
  StoreEvery(0);
  EXPECT_EQ(List().status().code(), StatusCode::kUnavailable);
  ExpectNothingLeft();
}

TEST_P(KmipListingOfOneSecond, IsProvenByAnObjectOfOurs) {
  behaviour_.locate_cap = 0;
  StoreEvery(0);
  const auto found = List();
  ASSERT_TRUE(found) << found.status().message();
  EXPECT_EQ(*found, ids_);
  EXPECT_EQ(lab_.server().operations()["Register"], GetParam().stored + 1);
  ExpectNothingLeft();
}

TEST_P(KmipListingOfOneSecond, IsTheEndWhereNoObjectCanBeMade) {
  behaviour_.locate_cap = 0;
  StoreEvery(0);
  Fault denied = MakeFault("fail", "Register", -1);
  denied.reason = 0x0C;
  lab_.server().Push(denied);
  ExpectAll();
  const auto found = List();
  ASSERT_TRUE(found) << found.status().message();
  EXPECT_EQ(found->size(), ids_.size());
}

INSTANTIATE_TEST_SUITE_P(
    Servers, KmipListingOfOneSecond,
    testing::Values(TruncatingServer{"TenOfFifteen", 15, 10, {1, 4}},
                    TruncatingServer{
                        "TenOfFifteenInVersion20", 15, 10, {2, 0}}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(KmipListing, IsCompleteWhileOthersStore) {
  Lab lab;
  KmipClient& client = lab.Client();
  StoreMany(client, 5);
  std::atomic<size_t> stored = 5;
  std::jthread other([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && stored < 90) {
      StoreMany(client, 1);
      ++stored;
    }
  });
  for (int i = 0; i < 30; ++i) {
    const size_t before = stored;
    const auto found = LocateAll(client, {}, 100, Lab::Soon());
    // With more than four new ones within one listing it may give up.
    if (!found) {
      EXPECT_EQ(found.error().code(), StatusCode::kUnavailable);
      continue;
    }
    EXPECT_GE(found->size(), before);
  }
}

// What another client destroys between two pages moves the next page up, so
// that one object is on neither.
TEST(KmipListing, IsCompleteWhileOthersDestroy) {
  for (const int skip : {0, 1, 3}) {
    Lab lab;
    KmipClient& client = lab.Client();
    const auto ids = StoreMany(client, 25);
    Behaviour behaviour;
    behaviour.locate_cap = 10;
    behaviour.exact_located_items = false;
    lab.server().Set(behaviour);
    Fault fault = MakeFault("lose_first", "Locate");
    fault.skip = skip;
    lab.server().Push(fault);
    const auto found = LocateAll(client, {}, 100, Lab::Soon());
    ASSERT_TRUE(found) << found.status().message();
    for (size_t i = 1; i < ids.size(); ++i) {
      EXPECT_EQ(std::ranges::count(*found, ids[i]), 1) << i << " " << skip;
    }
  }
}

TEST(KmipListing, OfAServerThatGoesAwayIsAnError) {
  Lab lab;
  KmipClient& client = lab.Client();
  StoreMany(client, 5);
  // The list and its end are answered, and nothing after that.
  Fault late = MakeFault("cut_before", "Locate", -1);
  late.skip = 2;
  lab.server().Push(late);
  const auto found = LocateAll(client, {}, 100, Lab::Soon());
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().IsTransient()) << found.error().message();
}

TEST(KmipListing, BeyondTheBoundIsAnError) {
  Lab lab;
  KmipClient& client = lab.Client();
  StoreMany(client, 5);
  EXPECT_EQ(LocateAll(client, {}, 4, Lab::Soon()).error().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace openkeyring
