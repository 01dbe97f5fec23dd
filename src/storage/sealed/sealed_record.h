// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_RECORD_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/digest.h"
#include "keyring/key.h"
#include "storage/file_id.h"

// What a record of a sealed file has in clear text (docs/file_formats.md,
// "Records"). Bytes only; without the data key nothing of it is proven.
namespace openkeyring {

enum class RecordKind : uint8_t { kPut = 1, kRemove, kDone, kPutAll };

constexpr size_t kRecordPrefix = 20, kRecordSalt = 32;  // Bytes.
constexpr size_t kMaxPutAll = 16 << 20;                 // Behind the prefix.

struct RecordPrefix {
  RecordKind kind;
  uint32_t size;  // Of what follows.
  uint64_t sequence;
};

// The file that records belong to. `put_all`: whether it may have such records.
struct RecordFile {
  FileId id{};
  bool put_all = false;
};

// Threads: one object is not synchronized.
class RecordPrefixes {
 public:
  static Result<RecordPrefixes> Make(const RecordFile& file);

  Result<Bytes> Write(const RecordPrefix& prefix);
  // kCorrupt when `bytes` do not start with a prefix that such a file can have.
  Result<RecordPrefix> Read(ByteView bytes);
  // Whether anything in `rest` proves that record number `sequence` was synced.
  bool ProvesSynced(ByteView rest, uint64_t sequence);

 private:
  RecordPrefixes(const RecordFile& file, Sha256Hasher hasher)
      : file_(file), hasher_(std::move(hasher)) {}
  Result<Digest256> Check(ByteView checked);
  bool IsPossible(const RecordPrefix& prefix) const;

  RecordFile file_;
  Sha256Hasher hasher_;
};

// Borrowed from a record, or from a key.
struct NamedKey {
  std::string_view data_id, auth_id, type;
  size_t size = 0;  // Of the key itself.

  KeyName name() const { return {std::string(data_id), std::string(auth_id)}; }
};
struct RecordFields {
  std::vector<NamedKey> keys;  // One, except in a kPutAll.
  size_t clear_size = 0;       // Of all that stands before what is encrypted.
};
// `record` is all of it, not a kDone, and is borrowed. kCorrupt when the fields
// do not add up.
Result<RecordFields> ReadRecordFields(RecordKind kind, ByteView record);
// What stands between the salt and the encrypted keys. kInvalidArgument for
// what no reader takes.
Result<Bytes> WriteRecordFields(RecordKind kind,
                                const std::vector<NamedKey>& keys);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_RECORD_H_
