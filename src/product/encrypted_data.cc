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
constexpr size_t kMaxLine = size_t{64} << 10;  // A command line.

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

// The value of "--name=value" or "--name", "value"; MySQL takes both, and
// underscores for dashes.
bool IsOption(std::string argument, std::string_view name) {
  std::ranges::replace(argument, '_', '-');
  return argument == name || argument.starts_with(std::string(name) + "=");
}

}  // namespace

std::optional<std::string> FindEncryptedFile(
    FileSystem& files, const std::string& data_directory) {
  return Search(files).In(data_directory.empty() ? "." : data_directory, 1);
}

// The program may be run by a loader of its own, so all arguments count.
bool CopiesKeysInto(const std::string& product, std::string_view command_line) {
  bool is_value = false;
  while (!command_line.empty()) {
    const std::string argument(command_line.substr(0, command_line.find('\0')));
    if (BaseName(argument) == "mysql_migrate_keyring") return true;
    const bool is_option =
        IsOption(argument, "--keyring-migration-destination");
    const bool names_product = argument.find(product) != argument.npos;
    if ((is_option || is_value) && names_product) return true;
    is_value = is_option && argument.find('=') == argument.npos;
    command_line.remove_prefix(
        std::min(command_line.size(), argument.size() + 1));
  }
  return false;
}

Status CheckNewKeyringFitsData(FileSystem& files,
                               const std::string& data_directory,
                               const NewKeyring& keyring) {
  const Result<Bytes> line = files.ReadStart("/proc/self/cmdline", kMaxLine);
  if (line && CopiesKeysInto(keyring.product, AsText(*line))) {
    return Status::Ok();
  }
  const auto encrypted = FindEncryptedFile(files, data_directory);
  if (!encrypted) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "there is no " + keyring.missing + ", but " + *encrypted +
              " is encrypted and needs its key: correct the configuration or "
              "restore the keyring from a backup; if the encrypted data may be "
              "lost, set " +
              keyring.option};
}

}  // namespace openkeyring
