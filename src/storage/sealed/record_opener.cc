// SPDX-License-Identifier: MIT
#include "storage/sealed/record_opener.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/byte_codec.h"
#include "base/vector_registers.h"
#include "os/parallel.h"

namespace openkeyring {
namespace {

constexpr std::string_view kRecordInfo = "openkeyring sealed record";
// More threads gain little: what the reader does itself takes as long then.
constexpr size_t kMostThreads = 4;
// With fewer records, threads take longer than they save.
constexpr size_t kFewest = 128;
// Of a batch, so that what is open at once stays small.
constexpr size_t kMost = 4096, kMostBytes = 4 << 20;

// The record or mark that seems to begin here; nothing when it is not whole.
// Nothing of it is proven.
struct Seeming {
  RecordKind kind;
  ByteView bytes;
};

bool Look(ByteView rest, Seeming& seeming) {
  constexpr size_t kKind = 3;
  if (rest.size() < kRecordPrefix) return false;
  ByteReader reader(rest.subspan(kKind));
  uint8_t kind = 0;
  uint32_t size = 0;
  if (!reader.TakeNumber(kind) || !reader.TakeNumber(size)) return false;
  if (size > rest.size() - kRecordPrefix) return false;
  seeming = {static_cast<RecordKind>(kind), rest.first(kRecordPrefix + size)};
  return true;
}

}  // namespace

Result<RecordOpener> RecordOpener::Make(const Secret& data_key,
                                        const FileId& file_id,
                                        uint64_t generation) {
  Bytes info(kRecordInfo.begin(), kRecordInfo.end());
  PutBytes(info, file_id);
  Result<std::unique_ptr<DerivedKeyAead>> aead =
      DerivedKeyAead::Make(data_key, info);
  if (!aead) return aead.error();
  return RecordOpener(file_id, generation, std::move(*aead));
}

Result<RecordOpener> RecordOpener::Clone() const {
  Result<std::unique_ptr<DerivedKeyAead>> aead = aead_->Clone();
  if (!aead) return aead.error();
  return RecordOpener(file_id_, generation_, std::move(*aead));
}

Bytes RecordOpener::AdditionalData(const RecordTag& previous,
                                   ByteView clear) const {
  Bytes data;
  data.reserve(file_id_.size() + sizeof generation_ + previous.size() +
               clear.size());
  PutBytes(data, file_id_);
  PutNumber(data, generation_);
  PutBytes(data, previous);
  PutBytes(data, clear);
  return data;
}

Result<Bytes> RecordOpener::Seal(ByteView salt, const RecordTag& previous,
                                 ByteView clear, const Secret& data) {
  return aead_->Seal(salt, AdditionalData(previous, clear), data);
}

Result<std::vector<Key>> RecordOpener::Open(RecordKind kind,
                                            const RecordTag& previous,
                                            ByteView record) {
  const Result<RecordFields> fields = ReadRecordFields(kind, record);
  if (!fields) return fields.error();
  const ByteView salt = record.subspan(kRecordPrefix, kRecordSalt);
  Result<Secret> data = aead_->Open(
      salt, AdditionalData(previous, record.first(fields->clear_size)),
      record.subspan(fields->clear_size));
  if (!data) return data.error();
  std::vector<Key> keys;
  keys.reserve(fields->keys.size());
  const bool is_one = fields->keys.size() == 1;
  ByteReader rest(data->RevealBytes());
  for (const NamedKey& key : fields->keys) {
    ByteView bytes;
    if (!rest.TakeBytes(key.size, bytes)) {
      return Status(StatusCode::kCorrupt, "a key is missing");
    }
    keys.push_back({key.name(), std::string(key.type),
                    is_one ? std::move(*data) : Secret::CopyOf(bytes)});
  }
  return keys;
}

RecordsAhead::RecordsAhead(RecordOpener& opener, ByteView records,
                           size_t threads)
    : opener_(opener), records_(records), threads_(threads) {}

Result<std::vector<Key>> RecordsAhead::Open(RecordKind kind,
                                            const RecordTag& previous,
                                            ByteView record) {
  if (next_ == ahead_.size() && !is_over_) LookAhead(previous, record);
  if (next_ < ahead_.size()) {
    Ahead& ahead = ahead_[next_];
    if (ahead.record.data() == record.data() &&
        ahead.record.size() == record.size() && ahead.kind == kind &&
        ahead.previous == previous) {
      ++next_;
      return std::move(ahead.keys);
    }
  }
  return opener_.Open(kind, previous, record);
}

// Fills ahead_ with what seems to follow, from `record` on.
void RecordsAhead::LookAhead(const RecordTag& previous, ByteView record) {
  ahead_.clear();
  next_ = 0;
  ByteView rest =
      records_.subspan(static_cast<size_t>(record.data() - records_.data()));
  const size_t begin = rest.size();
  RecordTag tag = previous;
  Seeming seeming;
  while (ahead_.size() < kMost && begin - rest.size() < kMostBytes &&
         Look(rest, seeming)) {
    rest = rest.subspan(seeming.bytes.size());
    if (seeming.kind == RecordKind::kDone) continue;
    if (seeming.bytes.size() < kRecordPrefix + kAeadTag) break;
    ahead_.push_back({seeming.kind, tag, seeming.bytes});
    std::copy(seeming.bytes.end() - kAeadTag, seeming.bytes.end(), tag.begin());
  }
  if (ahead_.size() >= kFewest && OpenAhead()) return;
  ahead_.clear();
  is_over_ = true;
}

// False when there are no threads, or no openers for them.
bool RecordsAhead::OpenAhead() {
  if (threads_ == 0) {
    threads_ =
        std::min<size_t>(std::thread::hardware_concurrency(), kMostThreads);
  }
  if (threads_ < 2) return false;
  while (openers_.size() < threads_) {
    Result<RecordOpener> opener = opener_.Clone();
    if (!opener) return false;
    openers_.push_back(std::move(*opener));
  }
  RunParallel(threads_, threads_, [this](size_t thread) {
    RecordOpener& opener = openers_[thread];
    const size_t end = ahead_.size() * (thread + 1) / threads_;
    for (size_t i = ahead_.size() * thread / threads_; i < end; ++i) {
      Ahead& one = ahead_[i];
      one.keys = opener.Open(one.kind, one.previous, one.record);
    }
    ClearVectorRegisters();
  });
  return true;
}

}  // namespace openkeyring
