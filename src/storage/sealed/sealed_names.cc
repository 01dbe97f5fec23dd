// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_names.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace openkeyring {
namespace {

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
    const auto by_name = [](const Entry& left, const Entry& right) {
      const NamedKey &l = left.name.key, &r = right.name.key;
      return std::tie(l.data_id, l.auth_id) < std::tie(r.data_id, r.auth_id);
    };
    // A rewritten file is in this order.
    if (!std::ranges::is_sorted(keys_, by_name)) {
      std::ranges::stable_sort(keys_, by_name);
    }
    std::vector<SealedName> names;
    for (size_t i = 0; i < keys_.size(); ++i) {
      const bool is_last =
          i + 1 == keys_.size() || by_name(keys_[i], keys_[i + 1]);
      if (is_last && !keys_[i].removed) {
        names.push_back(keys_[i].name);
      }
    }
    return names;
  }

 private:
  static Status Bad(const char* why) { return {StatusCode::kCorrupt, why}; }
  struct Entry {
    SealedName name;
    bool removed = false;
  };

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
