// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_READ_ONLY_FILE_SYSTEM_H_
#define OPENKEYRING_TESTING_READ_ONLY_FILE_SYSTEM_H_

#include <memory>
#include <string>
#include <vector>

#include "os/file_system.h"

namespace openkeyring {

// The part of a fake FileSystem that only reads files: every change and every
// listing is refused. A derived class says what ReadSecret and Stat find.
class ReadOnlyFileSystem : public FileSystem {
 public:
  Result<Bytes> Read(const std::string& path, size_t max_size) override {
    const Result<Secret> content = ReadSecret(path, max_size);
    if (!content) return content.error();
    const ByteView bytes = content->RevealBytes();
    return Bytes(bytes.begin(), bytes.end());
  }
  Result<FileInfo> Stat(const std::string&) override { return Refused(); }
  Result<std::vector<std::string>> List(const std::string&) override {
    return Refused();
  }
  Result<std::unique_ptr<WritableFile>> Create(const std::string&,
                                               mode_t) override {
    return Refused();
  }
  Result<std::unique_ptr<WritableFile>> OpenLocked(
      const std::string&) override {
    return Refused();
  }
  Status Rename(const std::string&, const std::string&) override {
    return Refused();
  }
  Status RenameNoReplace(const std::string&, const std::string&) override {
    return Refused();
  }
  Status SyncDirectory(const std::string&) override { return Refused(); }
  Status Remove(const std::string&) override { return Refused(); }
  Status RemoveUnlocked(const std::string&) override { return Refused(); }

 private:
  static Status Refused() {
    return {StatusCode::kInternal, "this file system only reads files"};
  }
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_READ_ONLY_FILE_SYSTEM_H_
