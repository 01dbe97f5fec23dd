// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_LOADED_KEYS_H_
#define OPENKEYRING_KEYRING_LOADED_KEYS_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/secret.h"
#include "keyring/versioned_backend.h"

namespace openkeyring {

// The plaintext keys that are ready for use, read without any lock.
//
// Keys are only ever added, never changed or removed, so a reader needs nothing
// but one acquire load: the table of pointers grows by publishing a larger copy
// and keeping the old one, and entries never move. About 100 bytes a key.
//
// Threads: all methods may be called concurrently; readers never wait.
class LoadedKeys {
 public:
  LoadedKeys();
  ~LoadedKeys();
  LoadedKeys(const LoadedKeys&) = delete;
  LoadedKeys& operator=(const LoadedKeys&) = delete;

  // Null when not loaded. Valid as long as this object.
  const Secret* Find(KeyVersion key) const;
  // Keeps `plaintext`, unless that version is there already.
  void Add(KeyVersion key, Secret plaintext);

  // The version that new data of `id` is encrypted with; 0 when none is ready.
  uint32_t Latest(uint32_t id) const;
  // Never goes back: a lower version than the current one changes nothing.
  void RaiseLatest(uint32_t id, uint32_t version);

  size_t versions() const { return versions_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    KeyVersion key;                   // Version 0: the entry for Latest.
    std::atomic<uint32_t> latest{0};  // Of version 0 entries.
    Secret plaintext;                 // Of the others.
  };
  struct Table;

  const Entry* Lookup(KeyVersion key) const;
  // Makes a new, complete entry of entries_ visible.
  void PublishLocked(Entry& entry);

  std::mutex mutex_;  // Writers only.
  std::atomic<const Table*> table_;
  std::vector<std::unique_ptr<Table>> tables_;  // All there ever were.
  std::deque<Entry> entries_;                   // Stable addresses.
  std::atomic<size_t> versions_{0};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_LOADED_KEYS_H_
