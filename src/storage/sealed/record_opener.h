// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_RECORD_OPENER_H_
#define OPENKEYRING_STORAGE_SEALED_RECORD_OPENER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "keyring/key.h"
#include "storage/sealed/sealed_record.h"

namespace openkeyring {

using RecordTag = std::array<uint8_t, kAeadTag>;

// What is encrypted in the records of one sealed file (docs/file_formats.md,
// "Records"). Threads: one object is not synchronized.
class RecordOpener {
 public:
  static Result<RecordOpener> Make(const Secret& data_key,
                                   const FileId& file_id, uint64_t generation);
  // For another thread.
  Result<RecordOpener> Clone() const;

  // The keys of a record that follows one with the tag `previous`; of a kRemove
  // their names only. `record` is all of it. kCorrupt unless it was sealed so.
  Result<std::vector<Key>> Open(RecordKind kind, const RecordTag& previous,
                                ByteView record);
  // Ciphertext and tag of a record of which `clear` stands before them.
  Result<Bytes> Seal(ByteView salt, const RecordTag& previous, ByteView clear,
                     const Secret& data);
  // What a record is bound to, and `clear` behind it.
  Bytes AdditionalData(const RecordTag& previous, ByteView clear) const;

 private:
  RecordOpener(const FileId& file_id, uint64_t generation,
               std::unique_ptr<DerivedKeyAead> aead)
      : file_id_(file_id), generation_(generation), aead_(std::move(aead)) {}

  FileId file_id_;
  uint64_t generation_;
  std::unique_ptr<DerivedKeyAead> aead_;
};

// Opens the records of a log in their order, as RecordOpener does and with the
// same results, but several thousand at a time by several threads: a record is
// bound to the tag of the one before it, which can be read beforehand. What it
// has opened ahead is used only for exactly the record and the tag that are
// asked for, so that whoever reads the log decides all. No thread stays.
class RecordsAhead {
 public:
  // Borrowed. `records` are all of the log; not all of them need be good.
  // `threads`: 0 for as many as are of use on this machine.
  RecordsAhead(RecordOpener& opener, ByteView records, size_t threads = 0);

  // `record` lies in the records.
  Result<std::vector<Key>> Open(RecordKind kind, const RecordTag& previous,
                                ByteView record);

 private:
  struct Ahead {
    RecordKind kind;
    RecordTag previous;
    ByteView record;
    Result<std::vector<Key>> keys = std::vector<Key>();
  };

  void LookAhead(const RecordTag& previous, ByteView record);
  bool OpenAhead();

  RecordOpener& opener_;
  const ByteView records_;
  size_t threads_;
  bool is_over_ = false;               // Nothing is opened ahead any more.
  std::vector<RecordOpener> openers_;  // Of the threads.
  std::vector<Ahead> ahead_;
  size_t next_ = 0;  // In ahead_.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_RECORD_OPENER_H_
