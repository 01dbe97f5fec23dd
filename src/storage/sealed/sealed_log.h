// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_LOG_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_LOG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "keyring/key.h"
#include "os/random.h"
#include "storage/sealed/record_opener.h"
#include "storage/sealed/sealed_record.h"

// The records of a sealed keyring file (docs/file_formats.md). Bytes only.
namespace openkeyring {

// Called now and then while records are read, with bytes of how many. For the
// bar of a tool.
using ReplayProgress = std::function<void(size_t done, size_t total)>;

// What becomes of the keys of a log's records, in their order. Each returns
// whether the record can follow those before.
class ReplayedKeys {
 public:
  virtual ~ReplayedKeys() = default;
  virtual bool Put(Key key) = 0;                 // Its name is new.
  virtual bool Remove(const KeyName& name) = 0;  // It is there.
};

// Keeps them all; the map is borrowed.
class KeysInMap : public ReplayedKeys {
 public:
  explicit KeysInMap(std::map<KeyName, Key>& keys) : keys_(keys) {}

  bool Put(Key key) override {
    const size_t before = keys_.size();
    KeyName name = key.name;
    // A rewritten file has its keys in this order.
    keys_.emplace_hint(keys_.end(), std::move(name), std::move(key));
    return keys_.size() > before;
  }
  bool Remove(const KeyName& name) override { return keys_.erase(name) == 1; }

 private:
  std::map<KeyName, Key>& keys_;
};

struct ReplayEnd {
  size_t good = 0;  // Bytes of complete records; what follows is torn.
  // The mark before the last record is not readable, as a power cut can leave
  // it: the file is to be rewritten before anything is appended.
  bool lost_mark = false;
};
// What a log's records come to.
struct ReplayedLog : ReplayEnd {
  std::map<KeyName, Key> keys;
};

// Where a log stands, and so what its next record is: the reader of a log
// leaves it at the end, and writers go on from there.
//
// A record is numbered when it is sealed and counts only when Advance says that
// it is stored; one that could not be stored is sealed again, with a new salt.
// Threads: one object is not synchronised.
class SealedLog {
 public:
  // At the start of the log of that file and generation. `put_all` is what the
  // header says. `random` is borrowed.
  static Result<std::unique_ptr<SealedLog>> Make(const Secret& data_key,
                                                 const FileId& file_id,
                                                 uint64_t generation,
                                                 Random& random,
                                                 bool put_all = false);

  // Reads all records and moves to behind the last good one. kCorrupt, with the
  // offset, for damage that cannot be a torn end. `offset` is where `records`
  // start in the file, for the message.
  Result<ReplayEnd> ReplayInto(ReplayedKeys& keys, ByteView records,
                               size_t offset,
                               const ReplayProgress& progress = nullptr);
  Result<ReplayedLog> Replay(ByteView records, size_t offset,
                             const ReplayProgress& progress = nullptr);

  // The next record. kInvalidArgument for a name or type above kMaxField and
  // for a key above kMaxKeyBytes.
  Result<Bytes> SealPut(const Key& key);
  Result<Bytes> SealRemove(const Key& key);  // Its name only.
  // One record for all these keys, which must be different. kInvalidArgument
  // also when there is none or all are above kMaxPutAll.
  Result<Bytes> SealPutAll(std::span<const Key> keys);
  // The record that was sealed last is stored.
  void Advance();
  // The mark that says so.
  Result<Bytes> Done();

  // What a put of this key takes, its mark included.
  static size_t RecordSize(const Key& key);
  // What a record that puts all these takes, its mark included.
  static size_t RecordSize(std::span<const Key> keys);

 private:
  SealedLog(Random& random, RecordPrefixes prefixes, RecordOpener opener)
      : random_(random),
        prefixes_(std::move(prefixes)),
        opener_(std::move(opener)) {}

  // A record or mark that was looked at.
  struct Seen {
    Status status;
    size_t size = 0;           // When it is good.
    bool may_be_torn = false;  // When it is not: as a crash could leave it.
  };

  Result<Digest256> MakeSalt(ByteView prefix, ByteView fields,
                             const Secret& data);
  Result<Bytes> Seal(RecordKind kind, std::vector<NamedKey> keys,
                     const Secret& data);
  void SkipLostMark(ByteView rest, RecordsAhead& opener, ReplayedKeys& keys,
                    ReplayEnd& end);
  Seen ReplayOne(ByteView rest, RecordsAhead& opener, ReplayedKeys& keys);
  static bool Apply(RecordKind kind, std::vector<Key> record,
                    ReplayedKeys& keys);

  Random& random_;
  RecordPrefixes prefixes_;
  RecordOpener opener_;
  Secret salt_key_;
  uint64_t sequence_ = 0;   // Of the last record.
  RecordTag tag_{};         // Its tag.
  RecordTag sealed_tag_{};  // Of the one sealed and not yet stored.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_LOG_H_
