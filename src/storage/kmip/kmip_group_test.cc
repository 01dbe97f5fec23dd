// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "emulators/kmip/lab.h"
#include "keyring/versioned_keys.h"
#include "storage/kmip/kmip_keyring_backend.h"
#include "storage/kmip/kmip_versioned_backend.h"

namespace openkeyring {
namespace {

using kmip_server::Fault;
using kmip_server::Lab;
using kmip_server::MakeFault;

// A database server that may meet two KMIP servers with objects of their own.
class KmipGroupTest : public testing::Test {
 protected:
  KmipGroupTest() {
    lab_.AddServer(lab_.ServerOptions(), other_store_);
    client_ = &lab_.Client();
  }
  struct Started {
    std::unique_ptr<KmipGroup> group;
    std::unique_ptr<KmipKeyringBackend> mysql;
    std::unique_ptr<KmipVersionedBackend> mariadb;
  };
  Started Start(bool read_only = false) {
    Started started;
    KmipGroupOptions options = {group_, note_, std::nullopt, read_only};
    started.group = std::make_unique<KmipGroup>(
        *client_, PosixFileSystem(), SystemRandom(), lab_.log, options);
    started.mysql = std::make_unique<KmipKeyringBackend>(
        *client_, *started.group, SystemClock(), SystemRandom(), lab_.log,
        KmipKeyringOptions());
    started.mariadb = std::make_unique<KmipVersionedBackend>(
        *client_, *started.group, SystemClock(), SystemRandom(), lab_.log,
        KmipVersionedBackend::Options{100, [] { return Millis(30000); }});
    return started;
  }
  static Key Aes(const std::string& id) {
    return {{id, ""}, "AES", Secret::CopyOf("0123456789abcdef")};
  }
  Status LoadError() { return Start().mysql->Load(Lab::Soon()).status(); }
  bool Said(const std::string& text, LogLevel level = LogLevel::kWarning) {
    return std::ranges::any_of(lab_.log.lines(), [&](const auto& line) {
      return line.first == level && line.second.find(text) != text.npos;
    });
  }
  void SwitchServer() {
    lab_.server(0).Stop();
    // A server that failed is passed over for a while only.
    client_ = &lab_.Client();
  }

  kmip_server::Store other_store_;
  Lab lab_;
  KmipClient* client_;
  std::string group_ = "g";
  std::string note_ = lab_.directory.path() + "/note";
};

TEST_F(KmipGroupTest, ANewGroupIsMarkedAndNotedAndSaid) {
  ASSERT_TRUE(Start().mysql->Load(Lab::Soon()));
  EXPECT_TRUE(Said("has no keys: a new keyring begins")) << lab_.log.Text();
  EXPECT_TRUE(Said("object group \"g\" on KMIP server 127.0.0.1:"));
  EXPECT_EQ(lab_.store.size(), 1U);
  const auto note = ReadKmipGroupNote(PosixFileSystem(), note_);
  ASSERT_TRUE(note) << note.error().ToString();
  EXPECT_EQ(note->object_group, "g");
  // Once.
  Started again = Start();
  ASSERT_TRUE(again.mysql->Load(Lab::Soon())->empty());
  ASSERT_TRUE(again.mariadb->List()->empty());
  EXPECT_EQ(again.group->marker_id(), note->id);
  EXPECT_EQ(lab_.store.size(), 1U);
}

TEST_F(KmipGroupTest, AStartOnAServerWithoutTheMarkerIsRefused) {
  Started started = Start();
  ASSERT_TRUE(started.mysql->Load(Lab::Soon()));
  ASSERT_TRUE(started.mysql->Store(Aes("k"), Lab::Soon()).ok());
  SwitchServer();
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.ToString();
  EXPECT_NE(status.message().find(note_), std::string::npos);
  EXPECT_EQ(Start().mariadb->List().status().code(),
            StatusCode::kMisconfigured);
  EXPECT_EQ(Start().mariadb->Fetch({1, 1}, Lab::Soon()).status().code(),
            StatusCode::kMisconfigured);
  EXPECT_EQ(other_store_.size(), 0U);
}

// A server that bounds what it searches in cannot hide keys from a load.
TEST_F(KmipGroupTest, AStoreThatTheServerDoesNotShowFails) {
  Started started = Start();
  ASSERT_TRUE(started.mysql->Load(Lab::Soon()));
  ASSERT_TRUE(started.mysql->Store(Aes("k"), Lab::Soon()).ok());
  kmip_server::Behaviour behaviour;
  behaviour.locate_cap = 2;  // The marker and the key.
  behaviour.caps_before_match = true;
  lab_.server(0).Set(behaviour);
  EXPECT_FALSE(started.mysql->Store(Aes("l"), Lab::Soon()).ok());
  const auto keys = Start().mysql->Load(Lab::Soon());
  ASSERT_TRUE(keys) << keys.error().ToString();
  EXPECT_EQ(keys->size(), 1U);
}

TEST_F(KmipGroupTest, ALoadWithoutTheOldestObjectsIsRefused) {
  Started started = Start();
  ASSERT_TRUE(started.mysql->Load(Lab::Soon()));
  for (const char* id : {"k", "l"}) {
    ASSERT_TRUE(started.mysql->Store(Aes(id), Lab::Soon()).ok());
  }
  kmip_server::Behaviour behaviour;
  behaviour.locate_cap = 2;
  behaviour.caps_before_match = behaviour.newest_first = true;
  lab_.server(0).Set(behaviour);
  EXPECT_EQ(LoadError().code(), StatusCode::kMisconfigured);
  behaviour.locate_cap = static_cast<int>(lab_.store.size());
  lab_.server(0).Set(behaviour);
  client_ = &lab_.Client();  // That does not pass the server over.
  const Status status = LoadError();
  EXPECT_TRUE(status.ok()) << status.ToString();
}

TEST_F(KmipGroupTest, NothingIsChangedOnAServerWithoutTheMarker) {
  Started started = Start();
  ASSERT_TRUE(started.mysql->Load(Lab::Soon()));
  ASSERT_TRUE(started.mysql->Store(Aes("k"), Lab::Soon()).ok());
  VersionedKeys keys(*started.mariadb, SystemClock(), SystemRandom(), lab_.log,
                     {[] { return size_t{16}; }, [] { return Millis(30000); }});
  ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
  ASSERT_EQ(*keys.LatestVersion(1), 1U);
  const size_t before = lab_.store.size();
  lab_.server(0).Stop();
  EXPECT_EQ(started.mysql->Store(Aes("l"), Lab::Soon()).code(),
            StatusCode::kMisconfigured);
  EXPECT_EQ(started.mysql->Remove({"k", ""}, Lab::Soon()).code(),
            StatusCode::kMisconfigured);
  // A backend that has listed nothing yet knows the note.
  EXPECT_EQ(Start().mariadb->Create({3, 1}, 16, Lab::Soon()).code(),
            StatusCode::kMisconfigured);
  EXPECT_FALSE(keys.LatestVersion(2));
  EXPECT_FALSE(keys.Rotate(1));
  EXPECT_EQ(other_store_.size(), 0U);
  lab_.server(0).Start();
  EXPECT_EQ(lab_.store.size(), before);
  client_ = &lab_.Client();  // The old one passes it over for a while.
  EXPECT_TRUE(Start().mysql->Load(Lab::Soon()));
}

// A replica that lags: it has the marker, and not yet the key.
TEST_F(KmipGroupTest, WhatAnotherServerDoesNotHaveIsUnknownNotAbsent) {
  Started started = Start();
  ASSERT_TRUE(started.mysql->Load(Lab::Soon()));
  ASSERT_TRUE(started.mariadb->List());
  ASSERT_TRUE(started.mysql->Store(Aes("k"), Lab::Soon()).ok());
  kmip_server::StoredObject marker;
  lab_.store.With("object-1", "client", [&](auto& stored) {
    marker.attributes = stored.attributes;
    marker.object.value = stored.object.value.Clone();
    marker.object.algorithm = stored.object.algorithm;
  });
  marker.owner = "client";
  other_store_.Add(std::move(marker));
  lab_.server(0).Stop();
  const Status status = started.mysql->Remove({"k", ""}, Lab::Soon());
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.ToString();
  EXPECT_NE(status.message().find("which was seen on"), std::string::npos);
  // What is listed on one server is not made on another.
  EXPECT_TRUE(started.mariadb->Create({1, 1}, 16, Lab::In(3000)).IsTransient());
  EXPECT_EQ(other_store_.size(), 1U);
  lab_.server(0).Start();
  client_ = &lab_.Client();
  EXPECT_EQ(Start().mysql->Load(Lab::Soon())->size(), 1U);
}

TEST_F(KmipGroupTest, AnOlderGroupIsMarkedAndNoted) {
  ASSERT_TRUE(Start().mysql->Store(Aes("k"), Lab::Soon()).ok());
  ASSERT_EQ(lab_.store.size(), 1U);
  EXPECT_EQ(Start().mysql->Load(Lab::Soon())->size(), 1U);
  EXPECT_TRUE(Said("has keys and gets its marker"));
  EXPECT_EQ(lab_.store.size(), 2U);
  SwitchServer();
  EXPECT_EQ(LoadError().code(), StatusCode::kMisconfigured);
}

TEST_F(KmipGroupTest, ADataDirectoryWithoutANoteJoinsAMarkedGroup) {
  ASSERT_TRUE(Start().mysql->Load(Lab::Soon()));
  const auto first = ReadKmipGroupNote(PosixFileSystem(), note_);
  note_ += "2";
  ASSERT_TRUE(Start().mysql->Load(Lab::Soon()));
  EXPECT_TRUE(Said("belongs to object group \"g\" on KMIP server"));
  EXPECT_EQ(*ReadKmipGroupNote(PosixFileSystem(), note_), *first);
  EXPECT_EQ(lab_.store.size(), 1U);
}

TEST_F(KmipGroupTest, AnotherGroupThanTheNoteSaysIsRefused) {
  ASSERT_TRUE(Start().mysql->Load(Lab::Soon()));
  for (const char* group : {"h", ""}) {
    group_ = group;
    const Status status = LoadError();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_NE(status.message().find("belongs to object group \"g\""),
              std::string::npos)
        << status.message();
  }
  EXPECT_EQ(lab_.store.size(), 1U);
}

TEST_F(KmipGroupTest, AMarkerOfAnotherGroupIsNotOurs) {
  ASSERT_TRUE(Start().mysql->Load(Lab::Soon()));
  note_ += "2";
  group_ = "";  // Sees the objects of all groups.
  ASSERT_TRUE(Start().mysql->Load(Lab::Soon())->empty());
  EXPECT_EQ(lab_.store.size(), 2U);
  EXPECT_EQ(ReadKmipGroupNote(PosixFileSystem(), note_)->object_group, "");
}

TEST_F(KmipGroupTest, ANoteThatCannotBeReadIsRefused) {
  ASSERT_TRUE(Start().mysql->Load(Lab::Soon()));
  std::ifstream in(note_);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  for (const std::string& text :
       {std::string(), good.substr(0, good.size() - 1), good + "\n", "x" + good,
        std::string("openkeyring kmip group note 2\n")}) {
    std::ofstream(note_) << text;
    const Status status = LoadError();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << text;
    EXPECT_NE(status.message().find(note_), std::string::npos);
  }
  std::ofstream(note_) << good;
  EXPECT_TRUE(LoadError().ok());
}

TEST_F(KmipGroupTest, AReloadNeedsTheMarkerInUseEvenWithoutANote) {
  Started started = Start();
  ASSERT_TRUE(started.mysql->Load(Lab::Soon()));
  SwitchServer();
  ASSERT_TRUE(PosixFileSystem().Remove(note_).ok());
  KmipGroupOptions options = {group_, note_};
  options.required = started.group->marker();
  KmipGroup group(*client_, PosixFileSystem(), SystemRandom(), lab_.log,
                  options);
  KmipKeyringBackend again(*client_, group, SystemClock(), SystemRandom(),
                           lab_.log, {});
  EXPECT_EQ(again.Load(Lab::Soon()).status().code(),
            StatusCode::kMisconfigured);
  EXPECT_EQ(other_store_.size(), 0U);
}

TEST_F(KmipGroupTest, AGroupWithoutKeysIsNoKeyringForDataThatNeedOne) {
  std::string asked;
  KmipGroupOptions options = {group_, note_};
  options.check_new_keyring = [&](const std::string& place) {
    asked = place;
    return Status(StatusCode::kMisconfigured, "t.ibd is encrypted");
  };
  const auto load = [&] {
    KmipGroup group(*client_, PosixFileSystem(), SystemRandom(), lab_.log,
                    options);
    return KmipKeyringBackend(*client_, group, SystemClock(), SystemRandom(),
                              lab_.log, {})
        .Load(Lab::Soon())
        .status();
  };
  EXPECT_EQ(load().message(), "t.ibd is encrypted");
  EXPECT_EQ(asked.find("object group \"g\" on KMIP server 127.0.0.1:"), 0U);
  EXPECT_EQ(lab_.store.size(), 0U) << "no marker";
  EXPECT_FALSE(ReadKmipGroupNote(PosixFileSystem(), note_));
  // Nor is one that another database has begun.
  Started other = Start();
  ASSERT_TRUE(other.mysql->Load(Lab::Soon()));
  ASSERT_TRUE(PosixFileSystem().Remove(note_).ok());
  EXPECT_EQ(load().message(), "t.ibd is encrypted");
  EXPECT_FALSE(ReadKmipGroupNote(PosixFileSystem(), note_));
  // One with keys is, and so is the noted one.
  ASSERT_TRUE(other.mysql->Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_TRUE(load().ok());
  EXPECT_TRUE(ReadKmipGroupNote(PosixFileSystem(), note_));
  ASSERT_TRUE(other.mysql->Remove({"k", ""}, Lab::Soon()).ok());
  EXPECT_TRUE(load().ok());
}

TEST_F(KmipGroupTest, TheRightServerIsTriedAgainAsSoonAsAWrongOneWasMet) {
  Started started = Start();
  ASSERT_TRUE(started.mysql->Load(Lab::Soon()));
  lab_.server(0).Stop();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(started.mysql->Store(Aes("k"), Lab::Soon()).code(),
              StatusCode::kMisconfigured);
  }
  lab_.server(0).Start();
  EXPECT_TRUE(started.mysql->Store(Aes("k"), Lab::Soon()).ok());
  EXPECT_EQ(other_store_.size(), 0U);
}

TEST_F(KmipGroupTest, AnEmptyDataDirectoryIsLeftEmptyForInitialize) {
  const std::string data = lab_.directory.PathOf("data");
  std::filesystem::create_directory(data);
  note_ = data + "/note";
  ASSERT_TRUE(Start().mysql->Load(Lab::Soon()));
  EXPECT_EQ(lab_.store.size(), 1U) << "the marker";
  EXPECT_TRUE(std::filesystem::is_empty(data));
  // The first start joins what was begun.
  lab_.directory.Write("data/ibdata1", "");
  ASSERT_TRUE(Start().mysql->Load(Lab::Soon()));
  EXPECT_EQ(lab_.store.size(), 1U);
  EXPECT_TRUE(ReadKmipGroupNote(PosixFileSystem(), note_));
}

TEST_F(KmipGroupTest, AReadOnlyKeyringMakesNothing) {
  ASSERT_TRUE(Start(/*read_only=*/true).mysql->Load(Lab::Soon()));
  EXPECT_EQ(lab_.store.size(), 0U);
  EXPECT_EQ(ReadKmipGroupNote(PosixFileSystem(), note_).status().code(),
            StatusCode::kNotFound);
}

TEST_F(KmipGroupTest, AServerThatRefusesTheMarkerIsUsedWithoutOne) {
  for (const char* operation : {"Create", "Register"}) {
    Fault fault = MakeFault("fail", operation, 2);
    fault.reason = static_cast<uint32_t>(KmipResultReason::kPermissionDenied);
    lab_.server().Push(fault);
  }
  EXPECT_TRUE(Start().mysql->Load(Lab::Soon()));
  EXPECT_TRUE(Said("cannot be marked"));
  EXPECT_EQ(lab_.store.size(), 0U);
}

TEST_F(KmipGroupTest, TheFirstVersionOfAKeyIsSaidWithItsPlace) {
  Started started = Start();
  ASSERT_TRUE(started.mariadb->List());
  ASSERT_TRUE(started.mariadb->Create({7, 1}, 16, Lab::Soon()).ok());
  EXPECT_TRUE(
      Said("key 7 is new: object group \"g\" on KMIP server 127.0.0.1:"))
      << lab_.log.Text();
  ASSERT_TRUE(started.mariadb->Create({7, 2}, 16, Lab::Soon()).ok());
  EXPECT_FALSE(Said("key 7 is new, version 2"));
}

TEST_F(KmipGroupTest, AMarkerIsNoKeyOfAnybody) {
  Started started = Start();
  ASSERT_TRUE(started.mysql->Load(Lab::Soon())->empty());
  EXPECT_TRUE(started.mariadb->List()->empty());
  for (const auto& [name, value] : started.mysql->Describe()) {
    if (name == "Skipped_objects") {
      EXPECT_EQ(value, "0");
    }
  }
}

}  // namespace
}  // namespace openkeyring
