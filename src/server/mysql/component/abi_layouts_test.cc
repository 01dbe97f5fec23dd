// SPDX-License-Identifier: MIT
// What servers are known to have, as tables: the names of the slots of each
// struct in their order, read in the headers of the versions that are named.
// A slot that we call by its position must be the one of that name.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "server/mysql/abi/component.h"
#include "server/mysql/abi/keyring_services.h"
#include "server/mysql/abi/log_services.h"
#include "server/mysql/abi/plugin.h"

namespace openkeyring {
namespace {

using Slots = std::vector<std::string_view>;

// log_builtins before 8.0.22, where keyring_aws refuses to start.
const Slots& OldestLogBuiltins() {
  static const Slots slots = {"wellknown_by_type",
                              "wellknown_by_name",
                              "wellknown_get_type",
                              "wellknown_get_name",
                              "item_inconsistent",
                              "item_generic_type",
                              "item_string_class",
                              "item_numeric_class",
                              "item_set_int",
                              "item_set_float",
                              "item_set_lexstring",
                              "item_set_cstring",
                              "item_set_with_key",
                              "item_set",
                              "line_item_set_with_key",
                              "line_item_set",
                              "line_init",
                              "line_exit",
                              "line_item_count",
                              "line_item_types_seen",
                              "line_item_iter_acquire",
                              "line_item_iter_release",
                              "line_item_iter_first",
                              "line_item_iter_next",
                              "line_item_iter_current",
                              "line_submit",
                              "message",
                              "sanitize",
                              "errmsg_by_errcode",
                              "errcode_by_errsymbol"};
  return slots;
}

Slots With(Slots slots, std::string_view added, std::string_view before) {
  slots.insert(std::ranges::find(slots, before), added);
  return slots;
}

// 8.0.22 to 8.4: what error_log of the Performance Schema needs.
Slots OldLogBuiltins() {
  return With(OldestLogBuiltins(), "line_get_output_buffer",
              "line_item_iter_acquire");
}

// Since 9.x: what telemetry needs.
Slots NewLogBuiltins() {
  return With(OldLogBuiltins(), "line_set_flag", "item_set_with_key");
}

struct Use {
  int slot;  // Of the old layout.
  std::string_view name;
};
constexpr Use kMoved[] = {{kLineItemSet, "line_item_set"},
                          {kLineInit, "line_init"},
                          {kLineExit, "line_exit"},
                          {kLineSubmit, "line_submit"},
                          {kCodeBySymbol, "errcode_by_errsymbol"}};
constexpr Use kFixed[] = {{kItemSetInt, "item_set_int"},
                          {kItemSetText, "item_set_cstring"}};

TEST(AbiLayouts, SlotsOfTheLogAreThoseOfBothLayouts) {
  const Slots old_slots = OldLogBuiltins(), new_slots = NewLogBuiltins();
  for (const Use& use : kFixed) {
    EXPECT_EQ(old_slots.at(static_cast<size_t>(use.slot)), use.name);
    EXPECT_EQ(new_slots.at(static_cast<size_t>(use.slot)), use.name);
  }
  for (const Use& use : kMoved) {
    EXPECT_EQ(old_slots.at(static_cast<size_t>(use.slot)), use.name);
    EXPECT_EQ(new_slots.at(static_cast<size_t>(use.slot) + 1), use.name);
  }
}

// The reason for the lower bound: FindLayout would call other functions.
TEST(AbiLayouts, SlotsOfTheLogWereOthersBefore8022) {
  const Slots& slots = OldestLogBuiltins();
  EXPECT_NE(slots.at(kLineSubmit), "line_submit");
  EXPECT_EQ(slots.at(kCodeBySymbol - 1), "errcode_by_errsymbol");
}

// The eight services are the same from 8.0.24 to 9.7.
TEST(AbiLayouts, KeyringServicesHaveTheSlotsOfTheServer) {
  constexpr size_t kSlot = sizeof(void*);
  EXPECT_EQ(sizeof(KeyringLoad), kSlot);
  EXPECT_EQ(offsetof(KeyringReader, init), 0 * kSlot);
  EXPECT_EQ(offsetof(KeyringReader, deinit), 1 * kSlot);
  EXPECT_EQ(offsetof(KeyringReader, fetch_length), 2 * kSlot);
  EXPECT_EQ(offsetof(KeyringReader, fetch), 3 * kSlot);
  EXPECT_EQ(sizeof(KeyringReader), 4 * kSlot);
  EXPECT_EQ(offsetof(KeyringWriter, store), 0 * kSlot);
  EXPECT_EQ(offsetof(KeyringWriter, remove), 1 * kSlot);
  EXPECT_EQ(sizeof(KeyringWriter), 2 * kSlot);
  EXPECT_EQ(sizeof(KeyringGenerator), kSlot);
  EXPECT_EQ(offsetof(KeyringIterator, init), 0 * kSlot);
  EXPECT_EQ(offsetof(KeyringIterator, deinit), 1 * kSlot);
  EXPECT_EQ(offsetof(KeyringIterator, is_valid), 2 * kSlot);
  EXPECT_EQ(offsetof(KeyringIterator, next), 3 * kSlot);
  EXPECT_EQ(offsetof(KeyringIterator, get_length), 4 * kSlot);
  EXPECT_EQ(offsetof(KeyringIterator, get), 5 * kSlot);
  EXPECT_EQ(sizeof(KeyringIterator), 6 * kSlot);
  EXPECT_EQ(offsetof(KeyringAes, get_size), 0 * kSlot);
  EXPECT_EQ(offsetof(KeyringAes, encrypt), 1 * kSlot);
  EXPECT_EQ(offsetof(KeyringAes, decrypt), 2 * kSlot);
  EXPECT_EQ(sizeof(KeyringStatus), kSlot);
  EXPECT_EQ(offsetof(KeyringMetadata, get_length), 4 * kSlot);
  EXPECT_EQ(offsetof(KeyringMetadata, get), 5 * kSlot);
  EXPECT_EQ(sizeof(KeyringMetadata), 6 * kSlot);
}

TEST(AbiLayouts, AComponentIsDescribedAsTheServerReadsIt) {
  EXPECT_EQ(offsetof(Component, name), 0u);
  EXPECT_EQ(offsetof(Component, provides), 8u);
  EXPECT_EQ(offsetof(Component, requirements), 16u);
  EXPECT_EQ(offsetof(Component, metadata), 24u);
  EXPECT_EQ(offsetof(Component, init), 32u);
  EXPECT_EQ(offsetof(Component, deinit), 40u);
  EXPECT_EQ(offsetof(Registry, acquire), 0u);
  EXPECT_EQ(offsetof(Registry, acquire_related), 8u);
  EXPECT_EQ(offsetof(Registry, release), 16u);
}

// MySQL 5.7 to 9.7.
TEST(AbiLayouts, APluginIsDescribedAsTheServerReadsIt) {
  EXPECT_EQ(offsetof(Plugin, type), 0u);
  EXPECT_EQ(offsetof(Plugin, interface), 8u);
  EXPECT_EQ(offsetof(Plugin, name), 16u);
  EXPECT_EQ(offsetof(Plugin, author), 24u);
  EXPECT_EQ(offsetof(Plugin, description), 32u);
  EXPECT_EQ(offsetof(Plugin, license), 40u);
  EXPECT_EQ(offsetof(Plugin, init), 48u);
  EXPECT_EQ(offsetof(Plugin, check_uninstall), 56u);
  EXPECT_EQ(offsetof(Plugin, deinit), 64u);
  EXPECT_EQ(offsetof(Plugin, version), 72u);
  EXPECT_EQ(offsetof(Plugin, status_variables), 80u);
  EXPECT_EQ(offsetof(Plugin, system_variables), 88u);
  EXPECT_EQ(offsetof(Plugin, reserved), 96u);
  EXPECT_EQ(offsetof(Plugin, flags), 104u);
  EXPECT_EQ(sizeof(Plugin), 112u);
}

// MySQL 5.7 to 9.7; the numbers of types as in its enumeration.
TEST(AbiLayouts, AStatusVariableIsDescribedAsTheServerReadsIt) {
  static const Slots types = {
      "SHOW_UNDEF", "SHOW_BOOL",     "SHOW_INT",   "SHOW_LONG", "SHOW_LONGLONG",
      "SHOW_CHAR",  "SHOW_CHAR_PTR", "SHOW_ARRAY", "SHOW_FUNC", "SHOW_DOUBLE"};
  EXPECT_EQ(types.at(kShowText), "SHOW_CHAR");
  EXPECT_EQ(types.at(kShowArray), "SHOW_ARRAY");
  EXPECT_EQ(types.at(kShowFunction), "SHOW_FUNC");
  static const Slots scopes = {"SHOW_SCOPE_UNDEF", "SHOW_SCOPE_GLOBAL",
                               "SHOW_SCOPE_SESSION", "SHOW_SCOPE_ALL"};
  EXPECT_EQ(scopes.at(kGlobalScope), "SHOW_SCOPE_GLOBAL");
  EXPECT_EQ(offsetof(StatusVariable, name), 0u);
  EXPECT_EQ(offsetof(StatusVariable, value), 8u);
  EXPECT_EQ(offsetof(StatusVariable, type), 16u);
  EXPECT_EQ(offsetof(StatusVariable, scope), 20u);
  EXPECT_EQ(sizeof(StatusVariable), 24u);
  EXPECT_EQ(offsetof(StatusRegistration, register_variables), 0u);
  EXPECT_EQ(offsetof(StatusRegistration, unregister_variables), 8u);
  EXPECT_EQ(sizeof(StatusRegistration), 16u);
}

TEST(AbiLayouts, AKeyringPluginHasTheSlotsOfTheServer) {
  EXPECT_EQ(offsetof(KeyringPlugin, version), 0u);
  EXPECT_EQ(offsetof(KeyringPlugin, store), 8u);
  EXPECT_EQ(offsetof(KeyringPlugin, fetch), 16u);
  EXPECT_EQ(offsetof(KeyringPlugin, remove), 24u);
  EXPECT_EQ(offsetof(KeyringPlugin, generate), 32u);
  EXPECT_EQ(offsetof(KeyringPlugin, iterator_init), 40u);
  EXPECT_EQ(offsetof(KeyringPlugin, iterator_deinit), 48u);
  EXPECT_EQ(offsetof(KeyringPlugin, iterator_next), 56u);
  EXPECT_EQ(offsetof(MallocService, allocate), 0u);
  EXPECT_EQ(offsetof(MallocService, free), 24u);
  EXPECT_EQ(offsetof(MallocService, duplicate_text), 40u);
}

}  // namespace
}  // namespace openkeyring
