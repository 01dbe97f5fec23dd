// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_names.h"

#include <map>
#include <utility>

namespace openkeyring {
namespace {

class NamesReader {
 public:
  explicit NamesReader(const RecordFile& file) : file_(file) {}

  // The record or mark at the start of `rest`: its size.
  Result<size_t> Take(ByteView rest) {
    const Result<RecordPrefix> prefix = ReadRecordPrefix(file_, rest);
    if (!prefix) return prefix.error();
    const size_t size = kRecordPrefix + prefix->size;
    if (size > rest.size()) return Bad("a record is truncated");
    const bool is_done = prefix->kind == RecordKind::kDone;
    if (prefix->sequence != sequence_ + (is_done ? 0 : 1)) {
      return Bad("a record is missing or duplicate");
    }
    after_record_ = !is_done;
    if (is_done) return size;
    Result<RecordFields> fields =
        ReadRecordFields(prefix->kind, rest.first(size));
    if (!fields) return fields.error();
    ++sequence_;
    for (NamedKey& key : fields->keys) Apply(prefix->kind, std::move(key));
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
  std::vector<SealedName> Names() {
    std::vector<SealedName> names;
    for (auto& [name, key] : keys_) names.push_back(std::move(key));
    return names;
  }

 private:
  static Status Bad(const char* why) { return {StatusCode::kCorrupt, why}; }
  void Apply(RecordKind kind, NamedKey key) {
    const KeyName name = key.name;
    if (kind == RecordKind::kRemove) {
      keys_.erase(name);
    } else {
      keys_[name] = {std::move(key), sequence_};
    }
  }

  const RecordFile file_;
  uint64_t sequence_ = 0;
  bool after_record_ = false;
  std::map<KeyName, SealedName> keys_;
};

}  // namespace

Result<SealedNames> ListSealedNames(ByteView content) {
  Result<ReadHeader> read = ReadSealedHeader(content);
  if (!read) return read.error();
  SealedNames names{std::move(read->header), {}, read->size, 0, Status::Ok()};
  NamesReader reader({names.header.file_id, names.header.put_all});
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
