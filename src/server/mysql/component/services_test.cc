// SPDX-License-Identifier: MIT
// The services that change the keyring, its loading and its state.
#include "server/mysql/component/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>

#include "testing/mysql_component/component_under_test.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;
using testing::Not;

class Services : public testing::Test {
 protected:
  ~Services() override { EXPECT_EQ(component_.server().handles_held(), 0); }

  static Code Load() { return load_service.load("/plugins", "/data"); }
  static Code Store(const char* data_id, const char* auth_id,
                    const std::string& data, const char* type = "AES") {
    return writer_service.store(
        data_id, auth_id, reinterpret_cast<const unsigned char*>(data.data()),
        data.size(), type);
  }
  // Present, absent ("none") or an error.
  static std::string Fetch(const char* data_id, const char* auth_id) {
    Handle reader = &reader;
    if (reader_service.init(data_id, auth_id, &reader) != kSuccess) {
      EXPECT_EQ(reader, nullptr);
      return "error";
    }
    if (reader == nullptr) return "none";
    size_t data_size = 0, type_size = 0;
    EXPECT_EQ(reader_service.fetch_length(reader, &data_size, &type_size),
              kSuccess);
    std::string data(data_size, '?'), type(type_size, '?');
    EXPECT_EQ(
        reader_service.fetch(
            reader, reinterpret_cast<unsigned char*>(data.data()), data.size(),
            &data_size, type.data(), type.size(), &type_size),
        kSuccess);
    EXPECT_EQ(reader_service.deinit(reader), kSuccess);
    return type + ":" + data;
  }
  static std::string StatusRow(const std::string& name) {
    for (const auto& row : TheKeyring().Rows()) {
      if (row.first == name) return row.second;
    }
    return "no such row";
  }

  ComponentUnderTest component_;
};

TEST_F(Services, AreNotReadyBeforeTheFirstLoad) {
  EXPECT_EQ(status_service.is_initialized(), 0);
  EXPECT_EQ(Fetch("id", "owner"), "error");
  EXPECT_EQ(Store("id", "owner", "data"), kFailure);
  EXPECT_EQ(writer_service.remove("id", "owner"), kFailure);
  EXPECT_EQ(generator_service.generate("id", "owner", "AES", 16), kFailure);
  EXPECT_EQ(component_.keys().Contents().size(), 0u);
  EXPECT_EQ(Load(), kSuccess);
  EXPECT_NE(status_service.is_initialized(), 0);
  EXPECT_EQ(Fetch("id", "owner"), "none");
}

TEST_F(Services, StoreMakesAKeyThatIsThereAfterAReload) {
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(Store("id", "owner", std::string("a\0b", 3)), kSuccess);
  EXPECT_EQ(Fetch("id", "owner"), "AES:" + std::string("a\0b", 3));
  EXPECT_EQ(component_.keys().Contents().size(), 1u);
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(Fetch("id", "owner"), "AES:" + std::string("a\0b", 3));
}

TEST_F(Services, StoreKeepsTheTypeAsItIsWritten) {
  ASSERT_EQ(Load(), kSuccess);
  for (const char* type :
       {"aes", "AES", "SECRET", "Anything at all", "\xc3\xa4"}) {
    EXPECT_EQ(Store(type, nullptr, "data", type), kSuccess);
    EXPECT_EQ(Fetch(type, nullptr), std::string(type) + ":data");
  }
}

TEST_F(Services, NoOwnerAndAnEmptyOwnerAreTheSame) {
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(Store("a", nullptr, "data"), kSuccess);
  EXPECT_EQ(Fetch("a", ""), "AES:data");
  EXPECT_EQ(Store("a", "", "other"), kFailure);
  EXPECT_EQ(Store("a", "owner", "owned"), kSuccess);
  EXPECT_EQ(Fetch("a", nullptr), "AES:data");
  EXPECT_EQ(Fetch("a", "owner"), "AES:owned");
  EXPECT_EQ(writer_service.remove("a", ""), kSuccess);
  EXPECT_EQ(Fetch("a", nullptr), "none");
  EXPECT_EQ(Fetch("a", "owner"), "AES:owned");
}

// As in the components of MySQL.
TEST_F(Services, AnEmptyValueIsAKey) {
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(Store("id", "owner", ""), kSuccess);
  EXPECT_EQ(Fetch("id", "owner"), "AES:");
  EXPECT_EQ(Store("id", "owner", "data"), kFailure) << "it is there";
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(Fetch("id", "owner"), "AES:");
  EXPECT_EQ(generator_service.generate("x", "owner", "AES", 0), kFailure);
}

TEST_F(Services, StoreRefusesWhatMakesNoSense) {
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(Store(nullptr, "owner", "data"), kFailure);
  EXPECT_EQ(Store("", "owner", "data"), kFailure);
  EXPECT_EQ(Store("id", "owner", "data", nullptr), kFailure);
  EXPECT_EQ(Store("id", "owner", "data", ""), kFailure);
  EXPECT_EQ(writer_service.store("id", "owner", nullptr, 4, "AES"), kFailure);
  EXPECT_EQ(writer_service.store("id", "owner", nullptr, 0, "AES"), kFailure);
  EXPECT_EQ(component_.keys().Contents().size(), 0u);
  EXPECT_EQ(Store("id", "owner", "data"), kSuccess);
  EXPECT_EQ(Store("id", "owner", "data"), kFailure);
  EXPECT_EQ(Fetch("id", "owner"), "AES:data");
}

TEST_F(Services, AKeyHasAtMost16384Bytes) {
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(Store("most", nullptr, std::string(16384, 'x')), kSuccess);
  EXPECT_EQ(Fetch("most", nullptr), "AES:" + std::string(16384, 'x'));
  EXPECT_EQ(Store("more", nullptr, std::string(16385, 'x')), kFailure);
  EXPECT_EQ(Fetch("more", nullptr), "none");
  EXPECT_EQ(generator_service.generate("gm", nullptr, "AES", 16384), kSuccess);
  EXPECT_EQ(generator_service.generate("gn", nullptr, "AES", 16385), kFailure);
  EXPECT_EQ(generator_service.generate("gn", nullptr, "AES", SIZE_MAX),
            kFailure);
}

TEST_F(Services, GenerateMakesRandomKeysOfThatSizeAndType) {
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(generator_service.generate("a", "owner", "Aes", 32), kSuccess);
  EXPECT_EQ(generator_service.generate("b", "owner", "Aes", 32), kSuccess);
  const std::string a = Fetch("a", "owner"), b = Fetch("b", "owner");
  EXPECT_EQ(a.size(), 4u + 32u);
  EXPECT_THAT(a, testing::StartsWith("Aes:"));
  EXPECT_NE(a, b);
  EXPECT_EQ(component_.keys().Contents().size(), 2u);
}

TEST_F(Services, GenerateRefusesWhatMakesNoSense) {
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(generator_service.generate(nullptr, "o", "AES", 16), kFailure);
  EXPECT_EQ(generator_service.generate("", "o", "AES", 16), kFailure);
  EXPECT_EQ(generator_service.generate("id", "o", nullptr, 16), kFailure);
  EXPECT_EQ(generator_service.generate("id", "o", "", 16), kFailure);
  EXPECT_EQ(generator_service.generate("id", "o", "AES", 0), kFailure);
  EXPECT_EQ(component_.keys().Contents().size(), 0u);
  EXPECT_EQ(generator_service.generate("id", "o", "AES", 16), kSuccess);
  const std::string before = Fetch("id", "o");
  EXPECT_EQ(generator_service.generate("id", "o", "AES", 16), kFailure);
  EXPECT_EQ(Fetch("id", "o"), before);
}

TEST_F(Services, RemoveOfWhatIsNotThereFails) {
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(writer_service.remove("id", "owner"), kFailure);
  EXPECT_EQ(writer_service.remove(nullptr, "owner"), kFailure);
  EXPECT_EQ(writer_service.remove("", nullptr), kFailure);
  ASSERT_EQ(Store("id", "owner", "data"), kSuccess);
  EXPECT_EQ(writer_service.remove("id", "other"), kFailure);
  EXPECT_EQ(writer_service.remove("id", "owner"), kSuccess);
  EXPECT_EQ(writer_service.remove("id", "owner"), kFailure);
  EXPECT_EQ(component_.keys().Contents().size(), 0u);
}

TEST_F(Services, AFailedStoreOrRemoveChangesNothingAndIsLoggedWithItsReason) {
  ASSERT_EQ(Load(), kSuccess);
  ASSERT_EQ(Store("old", "o", "data"), kSuccess);
  component_.keys().SetHook([](auto&, auto&) {
    return Status(StatusCode::kUnavailable, "disk is full");
  });
  EXPECT_EQ(Store("new", "o", "s3cret"), kFailure);
  EXPECT_EQ(writer_service.remove("old", "o"), kFailure);
  EXPECT_EQ(Fetch("new", "o"), "none");
  EXPECT_EQ(Fetch("old", "o"), "AES:data");
  EXPECT_THAT(component_.server().Text(),
              HasSubstr("storing key \"new\" of \"o\": disk is full"));
  EXPECT_THAT(component_.server().Text(), Not(HasSubstr("s3cret")));
  EXPECT_THAT(StatusRow("Last_failure"), HasSubstr("disk is full"));
}

TEST_F(Services,
       LoadPassesTheDirectoriesAndNoInstanceDirectoryIsTheCurrentOne) {
  EXPECT_EQ(load_service.load("/plugins", "/data"), kSuccess);
  EXPECT_EQ(StatusRow("Data_file"), "/plugins|/data");
  EXPECT_EQ(load_service.load("/plugins", nullptr), kSuccess);
  EXPECT_EQ(StatusRow("Data_file"), "/plugins|");
}

TEST_F(Services, LoadWithoutAComponentDirectoryFails) {
  EXPECT_EQ(load_service.load(nullptr, "/data"), kFailure);
  EXPECT_EQ(load_service.load("", "/data"), kFailure);
  EXPECT_EQ(status_service.is_initialized(), 0);
  EXPECT_THAT(component_.server().Text(), HasSubstr("plugin directory"));
}

TEST_F(Services, AFailedFirstLoadIsToldAsTheServersOwnMessage) {
  component_.keys().SetHook(
      [](auto&, auto&) { return Status(StatusCode::kTimeout, "KMS is away"); });
  EXPECT_EQ(Load(), kFailure);
  const auto lines = component_.server().lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].error_id, kNotInitialized);
  EXPECT_THAT(lines[0].text, HasSubstr("Error: KMS is away. Make sure"));
  EXPECT_EQ(status_service.is_initialized(), 0);
  EXPECT_EQ(StatusRow("Component_status"), "Disabled");
  EXPECT_EQ(StatusRow("Last_failure"), "KMS is away");
  EXPECT_EQ(Fetch("id", "owner"), "error");
  EXPECT_THAT(component_.server().Text(),
              HasSubstr("the keyring is not loaded: KMS is away"));
}

TEST_F(Services, AFailedReloadKeepsTheOldKeyring) {
  ASSERT_EQ(Load(), kSuccess);
  ASSERT_EQ(Store("id", "owner", "data"), kSuccess);
  component_.keys().SetHook([](const std::string& operation, auto&) {
    return operation == "Load" ? Status(StatusCode::kCorrupt, "torn")
                               : Status::Ok();
  });
  EXPECT_EQ(Load(), kFailure);
  EXPECT_NE(status_service.is_initialized(), 0);
  EXPECT_EQ(Fetch("id", "owner"), "AES:data");
  EXPECT_EQ(Store("more", "owner", "data"), kSuccess);
  EXPECT_EQ(StatusRow("Component_status"), "Active");
  EXPECT_EQ(StatusRow("Last_failure"), "torn");
  EXPECT_THAT(component_.server().Text(),
              HasSubstr("torn; the keyring that was loaded before stays in "
                        "use. Make sure"));
  EXPECT_EQ(component_.server().lines().back().error_id, kNotInitialized);
  EXPECT_EQ(component_.server().lines().back().priority, kErrorPriority)
      << "seen at the default verbosity";
  component_.keys().SetHook(nullptr);
  EXPECT_EQ(Load(), kSuccess);
  EXPECT_EQ(Fetch("more", "owner"), "AES:data");
  EXPECT_EQ(StatusRow("Last_failure"), "<NONE>");
}

TEST_F(Services, AReloadShowsWhatOthersChanged) {
  ASSERT_EQ(Load(), kSuccess);
  component_.keys().Put({"theirs", ""}, "SECRET", "x");
  EXPECT_EQ(Fetch("theirs", nullptr), "none");
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(Fetch("theirs", nullptr), "SECRET:x");
}

// A key that is stored while a reload reads would be missing from what it read.
// Were there no lock between them, the reload would begin at once.
TEST_F(Services, AReloadWaitsForAStoreThatIsUnderWay) {
  ASSERT_EQ(Load(), kSuccess);
  std::mutex mutex;
  std::condition_variable changed;
  bool storing = false, loading = false, met = false;
  component_.keys().SetHook([&](const std::string& operation, auto&) {
    std::unique_lock lock(mutex);
    (operation == "Store" ? storing : loading) = true;
    changed.notify_all();
    if (operation == "Store") {
      met = changed.wait_for(lock, std::chrono::milliseconds(300),
                             [&] { return loading; });
    }
    return Status::Ok();
  });
  {
    const std::jthread store([] { EXPECT_EQ(Store("id", "", "x"), kSuccess); });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return storing; });
    lock.unlock();
    EXPECT_EQ(Load(), kSuccess);
  }
  EXPECT_FALSE(met);
  EXPECT_TRUE(loading);
  EXPECT_FALSE(component_.keys().met());
  EXPECT_EQ(Fetch("id", nullptr), "AES:x");
}

// And the other way round: what it read would replace what was stored.
TEST_F(Services, AStoreWaitsForAReloadThatIsUnderWay) {
  ASSERT_EQ(Load(), kSuccess);
  std::mutex mutex;
  std::condition_variable changed;
  bool storing = false, loading = false, met = false;
  component_.keys().SetHook([&](const std::string& operation, auto&) {
    std::unique_lock lock(mutex);
    (operation == "Store" ? storing : loading) = true;
    changed.notify_all();
    if (operation == "Load") {
      met = changed.wait_for(lock, std::chrono::milliseconds(300),
                             [&] { return storing; });
    }
    return Status::Ok();
  });
  {
    const std::jthread load([] { EXPECT_EQ(Load(), kSuccess); });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return loading; });
    lock.unlock();
    EXPECT_EQ(Store("id", "", "x"), kSuccess);
  }
  EXPECT_FALSE(met);
  EXPECT_EQ(Fetch("id", nullptr), "AES:x");
}

TEST_F(Services, LetNoExceptionOut) {
  ASSERT_EQ(Load(), kSuccess);
  ASSERT_EQ(Store("old", "owner", "data"), kSuccess);
  const MemoryBackend::Hook throwing[] = {
      [](auto&, auto&) -> Status { throw std::bad_alloc(); },
      [](auto&, auto&) -> Status { throw std::runtime_error("strange"); },
      [](auto&, auto&) -> Status { throw 7; }};
  for (const auto& hook : throwing) {
    component_.keys().SetHook(hook);
    EXPECT_EQ(Store("new", "owner", "data"), kFailure);
    EXPECT_EQ(generator_service.generate("new", "owner", "AES", 16), kFailure);
    EXPECT_EQ(writer_service.remove("old", "owner"), kFailure);
    EXPECT_EQ(Load(), kFailure);
    EXPECT_EQ(Fetch("old", "owner"), "AES:data");
  }
  EXPECT_THAT(component_.server().Text(), HasSubstr("bad_alloc"));
  EXPECT_THAT(component_.server().Text(), HasSubstr("strange"));
  component_.keys().SetHook(nullptr);  // Nothing stays locked.
  EXPECT_EQ(Store("new", "owner", "data"), kSuccess);
  EXPECT_EQ(writer_service.remove("old", "owner"), kSuccess);
  EXPECT_EQ(Load(), kSuccess);
}

// As mysqld does before it prints its options: nothing is read, made or said.
TEST(ReloadableKeyring, AServerThatPrintsItsHelpLoadsNothing) {
  class NoLoader : public KeyringLoader {
   public:
    Result<std::shared_ptr<LoadedKeyring>> Load(const ServerDirectories&,
                                                LoadRetry, Log&) override {
      ADD_FAILURE() << "was asked to load";
      return Status(StatusCode::kInternal, "");
    }
    StatusRows RowsWithoutKeyring() const override { return {}; }
  };
  FakeServer server;
  server.OfferSimpleLog();
  Registry* const registry = server.registry();
  ReloadableKeyring keyring("component_memory", std::make_unique<NoLoader>(),
                            registry, ServerMode::kShowHelp);
  EXPECT_EQ(keyring.Load({"/plugins", "/data"}).code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(server.Text(), "");
}

TEST(ReloadableKeyring, AServerThatChecksItsOptionsDoesNotWaitForAKeyServer) {
  class RetryLoader : public KeyringLoader {
   public:
    explicit RetryLoader(LoadRetry& seen) : seen_(seen) {}
    Result<std::shared_ptr<LoadedKeyring>> Load(const ServerDirectories&,
                                                LoadRetry retry,
                                                Log&) override {
      seen_ = retry;
      return Status(StatusCode::kUnavailable, "away");
    }
    StatusRows RowsWithoutKeyring() const override { return {}; }

   private:
    LoadRetry& seen_;
  };
  FakeServer server;
  Registry* const registry = server.registry();
  for (const bool validates : {true, false}) {
    LoadRetry seen = LoadRetry::kUntilDeadline;
    ReloadableKeyring keyring(
        "component_memory", std::make_unique<RetryLoader>(seen), registry,
        validates ? ServerMode::kValidateConfig : ServerMode::kServe);
    EXPECT_FALSE(keyring.Load({"/plugins", "/data"}).ok());
    EXPECT_EQ(seen, validates ? LoadRetry::kOnce : LoadRetry::kUntilDeadline);
  }
}

}  // namespace
}  // namespace openkeyring
