// SPDX-License-Identifier: MIT
// The services that list.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string.h>

#include <string>
#include <utility>
#include <vector>

#include "testing/mysql_component/component_under_test.h"

namespace openkeyring {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class ListServices : public testing::Test {
 protected:
  void Put(const char* data_id, const char* auth_id) {
    component_.keys().Put({data_id, auth_id}, "AES", "x");
  }
  static void Load() {
    ASSERT_EQ(load_service.load("/plugins", "/data"), kSuccess);
  }
  // All that it gives until it is no longer valid; `extra` is what a buffer
  // needs more than the length that it tells.
  template <typename Service>
  static Pairs All(const Service& service, size_t extra) {
    Pairs pairs;
    Handle cursor = nullptr;
    EXPECT_EQ(service.init(&cursor), kSuccess);
    EXPECT_NE(cursor, nullptr);
    while (service.is_valid(cursor) != 0) {
      pairs.push_back(Current(service, cursor, extra));
      EXPECT_EQ(service.next(cursor), kSuccess);
    }
    EXPECT_EQ(service.next(cursor), kFailure);
    EXPECT_EQ(service.next(cursor), kFailure);
    EXPECT_EQ(service.is_valid(cursor), 0);
    EXPECT_EQ(service.deinit(cursor), kSuccess);
    return pairs;
  }
  template <typename Service>
  static std::pair<std::string, std::string> Current(const Service& service,
                                                     Handle cursor,
                                                     size_t extra) {
    size_t first_size = 0, second_size = 0;
    EXPECT_EQ(service.get_length(cursor, &first_size, &second_size), kSuccess);
    first_size += extra;
    second_size += extra;
    // One more byte each, which must stay.
    std::string first(first_size + 1, '#'), second(second_size + 1, '#');
    EXPECT_EQ(service.get(cursor, first.data(), first_size, second.data(),
                          second_size),
              kSuccess);
    EXPECT_EQ(first.substr(first_size - 1), std::string("\0#", 2));
    EXPECT_EQ(second.substr(second_size - 1), std::string("\0#", 2));
    EXPECT_EQ(service.get(cursor, first.data(), first_size - 1, second.data(),
                          second_size),
              kFailure);
    EXPECT_EQ(service.get(cursor, first.data(), first_size, second.data(),
                          second_size - 1),
              kFailure);
    EXPECT_EQ(
        service.get(cursor, nullptr, first_size, second.data(), second_size),
        kFailure);
    EXPECT_EQ(
        service.get(cursor, first.data(), first_size, nullptr, second_size),
        kFailure);
    EXPECT_EQ(service.get_length(cursor, nullptr, &second_size), kFailure);
    EXPECT_EQ(service.get_length(cursor, &first_size, nullptr), kFailure);
    return {first.c_str(), second.c_str()};
  }
  template <typename Service>
  static void ExpectNullsAreHarmless(const Service& service) {
    char text[8];
    size_t size = 0;
    EXPECT_EQ(service.init(nullptr), kFailure);
    EXPECT_EQ(service.is_valid(nullptr), 0);
    EXPECT_EQ(service.next(nullptr), kFailure);
    EXPECT_EQ(service.get_length(nullptr, &size, &size), kFailure);
    EXPECT_EQ(service.get(nullptr, text, 8, text, 8), kFailure);
    EXPECT_EQ(service.deinit(nullptr), kSuccess);
  }

  ComponentUnderTest component_;
};

TEST_F(ListServices, TheIteratorGivesEveryKeyOfEveryOwner) {
  Put("a", "");
  Put("a", "owner");
  Put("INNODBKey-uuid-1", "");
  Load();
  EXPECT_EQ(All(iterator_service, 1),
            (Pairs{{"INNODBKey-uuid-1", ""}, {"a", ""}, {"a", "owner"}}));
}

TEST_F(ListServices, OfAnEmptyKeyringTheIteratorIsThereButNotValid) {
  Load();
  EXPECT_TRUE(All(iterator_service, 1).empty());
}

TEST_F(ListServices, BehindTheLastKeyTheIteratorGivesNothing) {
  Put("a", "owner");
  Load();
  Handle cursor = nullptr;
  ASSERT_EQ(iterator_service.init(&cursor), kSuccess);
  EXPECT_NE(iterator_service.is_valid(cursor), 0);
  EXPECT_EQ(iterator_service.next(cursor), kSuccess);
  EXPECT_EQ(iterator_service.is_valid(cursor), 0);
  size_t size = 0;
  char text[8] = "same";
  EXPECT_EQ(iterator_service.get_length(cursor, &size, &size), kFailure);
  EXPECT_EQ(iterator_service.get(cursor, text, 8, text, 8), kFailure);
  EXPECT_STREQ(text, "same");
  EXPECT_EQ(iterator_service.deinit(cursor), kSuccess);
}

TEST_F(ListServices, TheIteratorIsOfOneMomentAndOutlivesAReload) {
  Put("a", "");
  Put("b", "");
  Load();
  Handle cursor = nullptr;
  ASSERT_EQ(iterator_service.init(&cursor), kSuccess);
  ASSERT_EQ(writer_service.remove("b", ""), kSuccess);
  ASSERT_EQ(generator_service.generate("c", "", "AES", 16), kSuccess);
  Load();
  TheKeyring().Unload();
  EXPECT_EQ(Current(iterator_service, cursor, 1).first, "a");
  ASSERT_EQ(iterator_service.next(cursor), kSuccess);
  EXPECT_EQ(Current(iterator_service, cursor, 1).first, "b");
  ASSERT_EQ(iterator_service.next(cursor), kSuccess);
  EXPECT_EQ(iterator_service.is_valid(cursor), 0);
  EXPECT_EQ(iterator_service.deinit(cursor), kSuccess);
}

TEST_F(ListServices, WithoutAKeyringThereIsNoIterator) {
  Handle cursor = &cursor;
  EXPECT_EQ(iterator_service.init(&cursor), kFailure);
  EXPECT_EQ(cursor, nullptr);
}

TEST_F(ListServices, NullArgumentsAreHarmless) {
  Load();
  ExpectNullsAreHarmless(iterator_service);
  ExpectNullsAreHarmless(metadata_service);
}

TEST_F(ListServices, RowsAreThereWithoutAKeyringAndSayDisabled) {
  Pairs rows = All(metadata_service, 0);
  ASSERT_GE(rows.size(), 2u);
  Pairs::value_type& memory = rows[rows.size() - 2];
  EXPECT_THAT(memory.second, testing::ContainsRegex("[0-9]+ .*bytes.* locked"));
  memory.second = "counted";
  EXPECT_EQ(rows, (Pairs{{"Component_name", "component_memory"},
                         {"Author", "OpenKeyring"},
                         {"License", "MIT"},
                         {"Implementation_name", "component_memory"},
                         {"Version", OPENKEYRING_VERSION},
                         {"Component_status", "Disabled"},
                         {"Data_file", "<NOT APPLICABLE>"},
                         {"Secret_memory", "counted"},
                         {"Last_failure", "<NONE>"}}));
}

TEST_F(ListServices, RowsOfALoadedKeyringAreInTheOrderThatToolsExpect) {
  Load();
  const Pairs rows = All(metadata_service, 0);
  ASSERT_EQ(rows.size(), 9u);
  EXPECT_EQ(rows[0].first, "Component_name");
  EXPECT_EQ(rows[5], (Pairs::value_type{"Component_status", "Active"}));
  EXPECT_EQ(rows[6], (Pairs::value_type{"Data_file", "/plugins|/data"}));
}

TEST_F(ListServices, RowsFitTheServersTable) {
  component_.keys().SetHook([](auto&, auto&) {
    return Status(StatusCode::kUnavailable, std::string(5000, 'x'));
  });
  ASSERT_EQ(load_service.load("/plugins", "/data"), kFailure);
  for (const auto& [name, value] : All(metadata_service, 0)) {
    EXPECT_LE(name.size(), 256u);
    EXPECT_LE(value.size(), 1023u);
  }
}

}  // namespace
}  // namespace openkeyring
