// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_FILE_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_FILE_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "base/log.h"
#include "keyring/key.h"
#include "storage/keyring_file.h"
#include "storage/sealed/sealed_header.h"
#include "storage/sealed/sealed_log.h"

namespace openkeyring {

// A sealed keyring file on the disk (docs/file_formats.md): a header and a log
// of records, to which changes are appended, and which is rewritten when it has
// grown. Knows no KMS: the caller has the data key.
//
// Errors: kCorrupt for a damaged file and for one that somebody else changed;
// why_not_writable() of the KeyringFile when it may only be read; what the
// system says. After an error the stored keys are as before.
//
// Threads: one object is not synchronized.
class SealedFile {
 public:
  using Keys = std::map<KeyName, Key>;
  struct Options {
    bool read_only = false;  // Nothing on the disk is touched.
    size_t max_file = 0;     // The most bytes that are written.
    ReplayProgress progress = nullptr;
  };

  // `random` and `log` are borrowed.
  SealedFile(Random& random, Log& log, std::shared_ptr<KeyringFile> file,
             Options options);

  // Opens what the file holds: `content` is all of it, and starts with `read`.
  // Proves that the header belongs to the data key, replays the log, and makes
  // the file ready for changes: what a crash left unsynced is synced, an
  // incomplete last record goes to a side file. A file that cannot be written
  // is only read from then on, after a warning.
  Result<Keys> Open(ByteView content, ReadHeader read, Secret data_key);
  // Reads it with all checks of Open and keeps no key: how many there are. For
  // a file that was opened with read_only, else kInternal.
  Result<size_t> Verify(ByteView content, ReadHeader read, Secret data_key);
  // Makes the file. kAlreadyExists when somebody else was faster.
  Status Create(SealedHeader header, Secret data_key);

  // Appends one record and syncs it. kAlreadyExists for a key that is there.
  Status Put(const Key& key);
  // kNotFound for a key that is not there.
  Status Remove(const KeyName& name);
  // All of them or none, also after a crash, in one record and one sync. A file
  // whose header does not allow such records is rewritten with one that does
  // before. kAlreadyExists when one of them is there.
  Status PutAll(std::span<const Key> keys);
  // Rewrites the file, which has these keys, with another KMS key, encryption
  // context or other key slots in its header. The data key stays.
  Status ReplaceHeader(SealedHeader header, const Keys& keys);
  // The same, with the keys that the file has.
  Status ReplaceHeader(SealedHeader header);
  // Rewrites the file with another data key, which the header's slots wrap.
  Status Reseal(SealedHeader header, Secret data_key);

  // The keys that the file has, up to the last complete record; it is locked.
  Result<Keys> ReadKeys();

  const SealedHeader& header() const { return header_; }
  const Secret& data_key() const { return data_key_; }

 private:
  using SealStep = std::function<Result<Bytes>()>;

  Result<ReplayEnd> Replay(ByteView content, ReadHeader read, Secret data_key,
                           ReplayedKeys& keys);
  Status PrepareToWrite(const Keys& keys, ByteView torn);
  Status PutTornEndAside(ByteView torn);
  Status Append(size_t size, size_t limit, const SealStep& seal);
  Status AppendRecord(const Bytes& record);
  void AppendDoneMark();
  void UndoAppend();
  Status FixFile();
  Status CheckIntact();
  Status CheckEnd();
  void RememberEnd(ByteView written);
  Status MakeRoom(size_t bytes, size_t limit);
  void CompactIfGrown();
  Status Rewrite(SealedHeader header, const Keys& keys);
  Status RewriteWith(SealedHeader header, Secret data_key, const Keys& keys);
  Result<Keys> KeysToRewrite();
  Status AllowPutAll();
  Status CheckMayChange() const;
  size_t LimitOfPuts() const;
  static Status AppendPuts(SealedLog& log, const Keys& keys, Bytes& content);
  size_t LiveSize(const Keys& keys) const;

  Random& random_;
  Log& server_log_;
  const std::shared_ptr<KeyringFile> file_;
  const Options options_;

  uint64_t epoch_ = 0;  // Of the file as this object knows it.
  SealedHeader header_;
  Secret data_key_;
  std::unique_ptr<SealedLog> log_;
  std::set<KeyName> names_;  // Of all keys in the log.
  size_t header_size_ = 0;
  size_t end_ = 0;         // Of the last complete record or mark.
  Bytes end_bytes_;        // The last ones before it.
  size_t compact_at_ = 0;  // The end at which to look for waste.
  // What the file holds behind end_ is unknown.
  bool must_rewrite_ = false;
};

// The size at which a file whose keys take `live_bytes` is examined for waste,
// when it may have `max_file` bytes.
size_t CompactionPoint(size_t live_bytes, size_t max_file);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_FILE_H_
