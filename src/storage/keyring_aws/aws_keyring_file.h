// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEYRING_AWS_AWS_KEYRING_FILE_H_
#define OPENKEYRING_STORAGE_KEYRING_AWS_AWS_KEYRING_FILE_H_

#include <optional>
#include <string>

#include "storage/keyring_aws/aws_keyring_format.h"
#include "storage/keyring_file.h"

namespace openkeyring {

// The data file of keyring_aws on the disk, and its checksum as this process
// knows it. No network. A file that cannot be locked is read nevertheless,
// after one warning; a change tries for the lock again.
//
// Threads: one object is not synchronised.
class AwsKeyringFile {
 public:
  // All but `path` and `owner` borrowed; `owner` is for files that are made.
  AwsKeyringFile(FileSystem& files, Random& random, Log& log, std::string path,
                 std::optional<FileOwner> owner);

  const std::string& path() const { return file_.path(); }

  // Reads and locks the file, and removes what a crash left beside it. Where
  // there is none, an empty keyring is made, with its directory. kCorrupt for
  // what is damaged, empty or another kind of file; kMisconfigured for a newer
  // version; or what the system says.
  Result<AwsKeyring> Open();

  // Puts `next` durably in the place of what was last read or written; refused,
  // and nothing changed, when something else is there by now. After an error
  // the file is as it was, except when that could not be brought about: then
  // `in_place` is true all the same. Never kNotFound or kAlreadyExists, which
  // are answers about keys.
  Status Replace(const AwsKeyring& next, bool& in_place);

 private:
  Status MakeIfMissing();
  Result<AwsKeyring> ReadAll();
  Result<Bytes> CheckUnchanged();

  FileSystem& files_;
  Random& random_;
  Log& log_;
  KeyringFile file_;
  Digest256 digest_{};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEYRING_AWS_AWS_KEYRING_FILE_H_
