// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_RECORD_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
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

Result<Bytes> WriteRecordPrefix(const RecordFile& file,
                                const RecordPrefix& prefix);
// kCorrupt when `bytes` do not start with a prefix that such a file can have.
Result<RecordPrefix> ReadRecordPrefix(const RecordFile& file, ByteView bytes);

// Whether anything in `rest` proves that record number `sequence` was synced.
bool ProvesSynced(const RecordFile& file, ByteView rest, uint64_t sequence);

struct NamedKey {
  KeyName name;
  std::string type;
  size_t size = 0;  // Of the key itself.
};
struct RecordFields {
  std::vector<NamedKey> keys;  // One, except in a kPutAll.
  size_t clear_size = 0;       // Of all that stands before what is encrypted.
};
// `record` is all of it, not a kDone. kCorrupt when the fields do not add up.
Result<RecordFields> ReadRecordFields(RecordKind kind, ByteView record);
// What stands between the salt and the encrypted keys. kInvalidArgument for
// what no reader takes.
Result<Bytes> WriteRecordFields(RecordKind kind,
                                const std::vector<NamedKey>& keys);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_RECORD_H_
