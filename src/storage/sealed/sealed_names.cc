// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_names.h"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>
#include <utility>

namespace openkeyring {
namespace {

struct Entry {
  SealedName name;
  bool removed = false;
};

auto NameOf(const Entry& entry) {
  return std::tie(entry.name.key.data_id, entry.name.key.auth_id);
}

// Where an entry belongs: by name, and of one name in the order of the records.
// Data ids have much in common, as "INNODBKey-" and a server's UUID have: most
// differ in the eight bytes behind that.
class EntryOrder {
 public:
  struct Place {
    uint64_t head;  // Those bytes, the first one highest.
    const Entry* entry;
  };

  explicit EntryOrder(std::span<const Entry> entries) {
    if (entries.empty()) return;
    const std::string_view first = entries[0].name.key.data_id;
    common_ = first.size();
    for (const Entry& entry : entries) {
      const std::string_view id = entry.name.key.data_id.substr(0, common_);
      common_ = static_cast<size_t>(
          std::ranges::mismatch(first.substr(0, common_), id).in2 - id.begin());
    }
  }
  Place PlaceOf(const Entry& entry) const {
    std::array<char, 8> bytes{};
    entry.name.key.data_id.substr(common_).copy(bytes.data(), bytes.size());
    uint64_t head = 0;
    for (const char byte : bytes) head = head << 8 | static_cast<uint8_t>(byte);
    return {head, &entry};
  }
  bool operator()(const Place& left, const Place& right) const {
    if (left.head != right.head) return left.head < right.head;
    const auto by_name = NameOf(*left.entry) <=> NameOf(*right.entry);
    return by_name < 0 || (by_name == 0 && left.entry < right.entry);
  }

 private:
  size_t common_ = 0;
};

class NamesReader {
 public:
  explicit NamesReader(RecordPrefixes prefixes)
      : prefixes_(std::move(prefixes)) {}

  // The record or mark at the start of `rest`: its size.
  Result<size_t> Take(ByteView rest) {
    const Result<RecordPrefix> prefix = prefixes_.Read(rest);
    if (!prefix) return prefix.error();
    const size_t size = kRecordPrefix + prefix->size;
    if (size > rest.size()) return Bad("a record is truncated");
    const bool is_done = prefix->kind == RecordKind::kDone;
    if (prefix->sequence != sequence_ + (is_done ? 0 : 1)) {
      return Bad("a record is missing or duplicate");
    }
    after_record_ = !is_done;
    if (is_done) return size;
    const Result<RecordFields> fields =
        ReadRecordFields(prefix->kind, rest.first(size));
    if (!fields) return fields.error();
    ++sequence_;
    const bool removed = prefix->kind == RecordKind::kRemove;
    for (const NamedKey& key : fields->keys) {
      keys_.push_back({{key, sequence_}, removed});
    }
    return size;
  }
  // Where the mark of the record before stands, if a power cut lost it: the
  // size of its place and of the record behind it.
  Result<size_t> TakeBehindLostMark(ByteView rest) {
    const uint64_t before = sequence_;
    if (!after_record_ || rest.size() <= kRecordPrefix) {
      return Bad("no record");
    }
    const Result<size_t> size = Take(rest.subspan(kRecordPrefix));
    if (size && sequence_ == before + 1) return kRecordPrefix + *size;
    return Bad("no record");
  }
  uint64_t unproven() const { return after_record_ ? sequence_ : 0; }
  // What the last record of each name leaves, by name.
  std::vector<SealedName> Names() {
    const EntryOrder order(keys_);
    std::vector<EntryOrder::Place> places;
    places.reserve(keys_.size());
    for (const Entry& entry : keys_) places.push_back(order.PlaceOf(entry));
    // A rewritten file is in this order.
    if (!std::ranges::is_sorted(places, order)) {
      std::ranges::sort(places, order);
    }
    std::vector<SealedName> names;
    names.reserve(places.size());
    for (size_t i = 0; i < places.size(); ++i) {
      const Entry& entry = *places[i].entry;
      const bool is_last = i + 1 == places.size() ||
                           NameOf(entry) != NameOf(*places[i + 1].entry);
      if (is_last && !entry.removed) names.push_back(entry.name);
    }
    return names;
  }

 private:
  static Status Bad(const char* why) { return {StatusCode::kCorrupt, why}; }

  RecordPrefixes prefixes_;
  uint64_t sequence_ = 0;
  bool after_record_ = false;
  std::vector<Entry> keys_;  // In the order of the records.
};

}  // namespace

Result<SealedNames> ListSealedNames(ByteView content) {
  Result<ReadHeader> read = ReadSealedHeader(content);
  if (!read) return read.error();
  SealedNames names{std::move(read->header), {}, read->size, 0, Status::Ok()};
  Result<RecordPrefixes> prefixes =
      RecordPrefixes::Make({names.header.file_id, names.header.put_all});
  if (!prefixes) return prefixes.error();
  NamesReader reader(std::move(*prefixes));
  while (names.good < content.size() && names.end.ok()) {
    const ByteView rest = content.subspan(names.good);
    const Result<size_t> size = reader.Take(rest);
    const Result<size_t> other = size ? size : reader.TakeBehindLostMark(rest);
    if (other) {
      names.good += *other;
    } else {
      names.end = size.error();
    }
  }
  names.keys = reader.Names();
  names.unproven = reader.unproven();
  return names;
}

}  // namespace openkeyring
