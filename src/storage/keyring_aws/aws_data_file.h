// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEYRING_AWS_AWS_DATA_FILE_H_
#define OPENKEYRING_STORAGE_KEYRING_AWS_AWS_DATA_FILE_H_

#include <optional>
#include <string>

#include "storage/keyring_aws/aws_data_file_format.h"
#include "storage/keyring_file.h"

namespace openkeyring {

// The data file of keyring_aws on the disk, and its checksum as this process
// knows it. No network. A file that cannot be locked is read nevertheless,
// after one warning; each change tries to lock it again.
//
// Threads: one object is not synchronized.
class AwsDataFile {
 public:
  // All but `path` and `owner` borrowed; `owner` is for files that are made.
  AwsDataFile(FileSystem& files, Random& random, Log& log, std::string path,
              std::optional<FileOwner> owner);

  const std::string& path() const { return file_.path(); }

  // Reads and locks the file, and removes temporary files that a crash left.
  // Where there is none, an empty keyring is made, with its directory. kCorrupt
  // for a file that is damaged, empty or of another kind; kMisconfigured for a
  // newer version; or what the system says.
  Result<AwsKeyringContent> Open();

  // Durably replaces what was last read or written by `next`; refused, with
  // nothing changed, when something else is there by now. After an error the
  // file is as it was, unless that could not be restored: then `in_place` is
  // true although there is an error. Never kNotFound or kAlreadyExists, which
  // are answers about keys.
  Status Replace(const AwsKeyringContent& next, bool& in_place);
  // The same for content in which every ciphertext is another one. A copy of
  // the old file, <path>.rewrapped-<16 hex digits>, stays until the new file
  // has been read back and is the one that was written; after an error that
  // leaves the new file in place, it stays and the error names it.
  Status ReplaceAll(const AwsKeyringContent& next, bool& in_place);

 private:
  Status MakeIfMissing();
  Result<AwsKeyringContent> ReadAll();
  Result<Bytes> CheckUnchanged();

  FileSystem& files_;
  Random& random_;
  Log& log_;
  KeyringFile file_;
  Digest256 digest_{};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEYRING_AWS_AWS_DATA_FILE_H_
