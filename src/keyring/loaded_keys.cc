// SPDX-License-Identifier: MIT
#include "keyring/loaded_keys.h"

#include <utility>

namespace openkeyring {
namespace {

constexpr size_t kFirstSize = 64;  // A power of two.

// Spreads ids and versions, which are small and dense (a 64-bit finaliser).
size_t HashOf(KeyVersion key) {
  uint64_t bits = static_cast<uint64_t>(key.id) << 32 | key.version;
  bits ^= bits >> 33;
  bits *= 0xff51afd7ed558ccdULL;
  bits ^= bits >> 33;
  return static_cast<size_t>(bits);
}

}  // namespace

// Open addressing, linear probing, at most half full.
struct LoadedKeys::Table {
  explicit Table(size_t size) : mask(size - 1), slots(size) {}

  std::atomic<Entry*>& SlotOf(KeyVersion key) {
    size_t i = HashOf(key) & mask;
    for (;; i = (i + 1) & mask) {
      const Entry* entry = slots[i].load(std::memory_order_relaxed);
      if (entry == nullptr || entry->key == key) return slots[i];
    }
  }

  const size_t mask;
  std::vector<std::atomic<Entry*>> slots;
};

LoadedKeys::LoadedKeys() {
  tables_.push_back(std::make_unique<Table>(kFirstSize));
  table_.store(tables_.back().get(), std::memory_order_release);
}

LoadedKeys::~LoadedKeys() = default;

const LoadedKeys::Entry* LoadedKeys::Lookup(KeyVersion key) const {
  const Table& table = *table_.load(std::memory_order_acquire);
  for (size_t i = HashOf(key) & table.mask;; i = (i + 1) & table.mask) {
    const Entry* entry = table.slots[i].load(std::memory_order_acquire);
    if (entry == nullptr || entry->key == key) return entry;
  }
}

const Secret* LoadedKeys::Find(KeyVersion key) const {
  const Entry* entry = Lookup(key);
  return entry == nullptr ? nullptr : &entry->plaintext;
}

uint32_t LoadedKeys::Latest(uint32_t id) const {
  const Entry* entry = Lookup({id, 0});
  return entry == nullptr ? 0 : entry->latest.load(std::memory_order_acquire);
}

void LoadedKeys::Add(KeyVersion key, Secret plaintext) {
  const std::lock_guard lock(mutex_);
  if (Lookup(key) != nullptr) return;
  Entry& entry = entries_.emplace_back();
  entry.key = key;
  entry.plaintext = std::move(plaintext);
  PublishLocked(entry);
  versions_.fetch_add(1, std::memory_order_relaxed);
}

void LoadedKeys::RaiseLatest(uint32_t id, uint32_t version) {
  const std::lock_guard lock(mutex_);
  Entry* entry = const_cast<Entry*>(Lookup({id, 0}));
  if (entry == nullptr) {
    entry = &entries_.emplace_back();
    entry->key = {id, 0};
    entry->latest.store(version, std::memory_order_relaxed);
    PublishLocked(*entry);
  } else if (version > entry->latest.load(std::memory_order_relaxed)) {
    entry->latest.store(version, std::memory_order_release);
  }
}

void LoadedKeys::PublishLocked(Entry& entry) {
  Table* table = tables_.back().get();
  if (entries_.size() * 2 > table->mask) {
    auto larger = std::make_unique<Table>((table->mask + 1) * 2);
    for (Entry& old : entries_) {
      larger->SlotOf(old.key).store(&old, std::memory_order_relaxed);
    }
    tables_.push_back(std::move(larger));
    table_.store(tables_.back().get(), std::memory_order_release);
    return;
  }
  table->SlotOf(entry.key).store(&entry, std::memory_order_release);
}

}  // namespace openkeyring
