// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_ACCESS_KEY_FILE_H_
#define OPENKEYRING_AWS_CREDENTIALS_ACCESS_KEY_FILE_H_

#include <string>

#include "aws/credentials.h"
#include "os/file_system.h"

namespace openkeyring {

// The configuration file of MySQL's keyring_aws: the access key id in the first
// line, the secret access key in the second. Whitespace at the ends of
// lines, a missing last line end and empty lines behind do not matter.
//
// kMisconfigured, each with its own text: no path, no file, an empty file, one
// that is world-readable, a line that is missing or empty, a third line,
// something that is not a key. kDenied when it may not be read.
Result<Credentials> ReadAccessKeyFile(FileSystem& files,
                                      const std::string& path);

// That file as a source. A missing file is an error and not "not configured".
class AccessKeyFileSource : public CredentialSource {
 public:
  // `files` is borrowed.
  AccessKeyFileSource(FileSystem& files, std::string path)
      : files_(files), path_(std::move(path)) {}
  std::string Name() const override { return "file " + path_; }
  Result<Credentials> Fetch(const Deadline&) override {
    return ReadAccessKeyFile(files_, path_);
  }

 private:
  FileSystem& files_;
  const std::string path_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_ACCESS_KEY_FILE_H_
