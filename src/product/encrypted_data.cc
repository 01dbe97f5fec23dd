// SPDX-License-Identifier: MIT
#include "product/encrypted_data.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/byte_codec.h"

namespace openkeyring {
namespace {

constexpr size_t kMostFiles = 1000;

// Page 0 of an InnoDB tablespace (MySQL 8.0 and later): its type, the space id
// twice, and the flags, of which bit 13 says that it is encrypted.
constexpr size_t kPageType = 24, kPageSpace = 34, kSpaceId = 38, kFlags = 54;
constexpr uint32_t kEncrypted = 1u << 13;
constexpr uint16_t kSpaceHeaderPage = 8;

// A redo log has a header of four blocks of 512 bytes. The third one holds the
// log's own key, encrypted, behind a mark of three letters (at byte 48 in 9.7).
constexpr size_t kRedoHeader = 2048, kRedoKeyBlock = 1024, kBlock = 512;

constexpr std::array<uint8_t, 4> kEncryptedBinlog = {0xfd, 'b', 'i', 'n'};

uint32_t NumberAt(ByteView bytes, size_t at) {
  uint32_t number = 0;
  (void)ByteReader(bytes.subspan(at)).TakeNumber(number);
  return number;
}

bool IsEncryptedTablespace(ByteView start) {
  if (start.size() < kFlags + 4) return false;
  uint16_t type = 0;
  (void)ByteReader(start.subspan(kPageType)).TakeNumber(type);
  return type == kSpaceHeaderPage &&
         NumberAt(start, kPageSpace) == NumberAt(start, kSpaceId) &&
         (NumberAt(start, kFlags) & kEncrypted) != 0;
}

bool IsEncryptedRedoLog(ByteView start) {
  if (start.size() < kRedoHeader) return false;
  const std::string_view block = AsText(start.subspan(kRedoKeyBlock, kBlock));
  for (const char* mark : {"lCA", "lCB", "lCC"}) {
    if (block.find(mark) != std::string_view::npos) return true;
  }
  return false;
}

bool IsEncryptedBinlog(ByteView start) {
  return start.size() >= kEncryptedBinlog.size() &&
         std::equal(kEncryptedBinlog.begin(), kEncryptedBinlog.end(),
                    start.begin());
}

bool IsRedoLog(std::string_view name) {
  return name.starts_with("#ib_redo") || name.starts_with("ib_logfile");
}

class Search {
 public:
  explicit Search(FileSystem& files) : files_(files) {}

  // In this directory, and `levels` below it.
  std::optional<std::string> In(const std::string& directory, int levels) {
    const auto names = files_.List(directory);
    if (!names) return std::nullopt;
    std::vector<std::string> directories;
    for (const std::string& name : *names) {
      const std::string path = JoinPath(directory, name);
      const Result<FileInfo> info = files_.Stat(path);
      if (info && info->is_directory) directories.push_back(path);
      if (info && info->is_regular && IsEncrypted(path, name)) return path;
    }
    if (levels == 0) return std::nullopt;
    for (const std::string& below : directories) {
      if (auto found = In(below, levels - 1)) return found;
    }
    return std::nullopt;
  }

 private:
  bool IsEncrypted(const std::string& path, std::string_view name) {
    if (++looked_at_ > kMostFiles) return false;
    const Result<Bytes> start = files_.ReadStart(path, kRedoHeader);
    if (!start) return false;
    return IsRedoLog(name)
               ? IsEncryptedRedoLog(*start)
               : IsEncryptedTablespace(*start) || IsEncryptedBinlog(*start);
  }

  FileSystem& files_;
  size_t looked_at_ = 0;
};

// By the command line: the program may be run by a loader of its own.
bool CopiesKeys(FileSystem& files) {
  const Result<Bytes> line = files.ReadStart("/proc/self/cmdline", 4096);
  if (!line) return false;
  std::string_view rest = AsText(*line);
  while (!rest.empty()) {
    const std::string argument(rest.substr(0, rest.find('\0')));
    if (BaseName(argument) == "mysql_migrate_keyring") return true;
    rest.remove_prefix(std::min(rest.size(), argument.size() + 1));
  }
  return false;
}

}  // namespace

std::optional<std::string> FindEncryptedFile(
    FileSystem& files, const std::string& data_directory) {
  return Search(files).In(data_directory.empty() ? "." : data_directory, 1);
}

Status CheckNewKeyringFitsData(FileSystem& files,
                               const std::string& data_directory,
                               const std::string& what) {
  if (CopiesKeys(files)) return Status::Ok();
  const auto encrypted = FindEncryptedFile(files, data_directory);
  if (!encrypted) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "there is no " + what + ", but " + *encrypted +
              " is encrypted and needs its key: correct the configuration or "
              "restore the keyring from a backup; if the encrypted data may be "
              "lost, set allow_new_keyring"};
}

}  // namespace openkeyring
