// SPDX-License-Identifier: MIT
// Services that list: all keys, and the rows of the status table.
#include <string.h>

#include "server/guard.h"
#include "server/mysql/component/services.h"

namespace openkeyring {
namespace {

// A list as it was at one moment, and a place in it.
template <typename Item>
struct Cursor {
  std::vector<Item> items;
  size_t at = 0;

  static Cursor* Of(Handle handle) { return static_cast<Cursor*>(handle); }
  bool valid() const { return at < items.size(); }
};
using KeyCursor = Cursor<Keyring::KeyPointer>;
using RowCursor = Cursor<StatusRows::value_type>;

template <typename Item>
Code Deinit(Handle cursor) {
  delete Cursor<Item>::Of(cursor);
  return kSuccess;
}

template <typename Item>
Code IsValid(Handle cursor) {
  return cursor != nullptr && Cursor<Item>::Of(cursor)->valid() ? 1 : 0;
}

// Fails behind the end only: from the last item it moves to the end.
template <typename Item>
Code Next(Handle cursor) {
  if (IsValid<Item>(cursor) == 0) return kFailure;
  ++Cursor<Item>::Of(cursor)->at;
  return kSuccess;
}

// With its terminator.
bool Copy(const std::string& text, char* out, size_t capacity) {
  if (out == nullptr || capacity <= text.size()) return false;
  memcpy(out, text.c_str(), text.size() + 1);
  return true;
}

Code KeysInit(Handle* cursor) {
  return Guarded(TheKeyring().log(), kFailure, [&] {
    if (cursor == nullptr) return kFailure;
    *cursor = nullptr;
    auto current = TheKeyring().Current();
    if (!current) return kFailure;
    *cursor = new KeyCursor{(*current)->keyring().List()};
    return kSuccess;
  });
}

Code KeysGetLength(Handle cursor, size_t* data_id_length,
                   size_t* auth_id_length) {
  if (IsValid<Keyring::KeyPointer>(cursor) == 0 || data_id_length == nullptr ||
      auth_id_length == nullptr) {
    return kFailure;
  }
  const KeyCursor& keys = *KeyCursor::Of(cursor);
  *data_id_length = keys.items[keys.at]->name.data_id.size();
  *auth_id_length = keys.items[keys.at]->name.auth_id.size();
  return kSuccess;
}

Code KeysGet(Handle cursor, char* data_id, size_t data_id_capacity,
             char* auth_id, size_t auth_id_capacity) {
  if (IsValid<Keyring::KeyPointer>(cursor) == 0) return kFailure;
  const KeyCursor& keys = *KeyCursor::Of(cursor);
  const KeyName& name = keys.items[keys.at]->name;
  return Copy(name.data_id, data_id, data_id_capacity) &&
                 Copy(name.auth_id, auth_id, auth_id_capacity)
             ? kSuccess
             : kFailure;
}

Code RowsInit(Handle* cursor) {
  return Guarded(TheKeyring().log(), kFailure, [&] {
    if (cursor == nullptr) return kFailure;
    *cursor = nullptr;
    *cursor = new RowCursor{TheKeyring().Rows()};
    return kSuccess;
  });
}

Code RowsGetLength(Handle cursor, size_t* key_size, size_t* value_size) {
  if (IsValid<StatusRows::value_type>(cursor) == 0 || key_size == nullptr ||
      value_size == nullptr) {
    return kFailure;
  }
  const RowCursor& rows = *RowCursor::Of(cursor);
  *key_size = rows.items[rows.at].first.size() + 1;
  *value_size = rows.items[rows.at].second.size() + 1;
  return kSuccess;
}

Code RowsGet(Handle cursor, char* key, size_t key_capacity, char* value,
             size_t value_capacity) {
  if (IsValid<StatusRows::value_type>(cursor) == 0) return kFailure;
  const RowCursor& rows = *RowCursor::Of(cursor);
  const auto& [name, text] = rows.items[rows.at];
  return Copy(name, key, key_capacity) && Copy(text, value, value_capacity)
             ? kSuccess
             : kFailure;
}

}  // namespace

KeyringIterator iterator_service = {KeysInit,
                                    Deinit<Keyring::KeyPointer>,
                                    IsValid<Keyring::KeyPointer>,
                                    Next<Keyring::KeyPointer>,
                                    KeysGetLength,
                                    KeysGet};
KeyringMetadata metadata_service = {RowsInit,
                                    Deinit<StatusRows::value_type>,
                                    IsValid<StatusRows::value_type>,
                                    Next<StatusRows::value_type>,
                                    RowsGetLength,
                                    RowsGet};

}  // namespace openkeyring
