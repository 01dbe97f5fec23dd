// SPDX-License-Identifier: MIT
#include "product/innodb_files.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace openkeyring {
namespace {

constexpr size_t kLargestPage = 65536;

uint32_t BigEndian(ByteView bytes) {
  return static_cast<uint32_t>(bytes[0]) << 24 |
         static_cast<uint32_t>(bytes[1]) << 16 |
         static_cast<uint32_t>(bytes[2]) << 8 | bytes[3];
}

// The formats of an encrypted redo log: of MariaDB 10.5 ("PHYS") and 10.8
// ("Phys"), each with the top bit set, and of the newest servers (U+1F5DD, an
// old key, in UTF-8).
bool IsEncryptedRedoLog(ByteView start) {
  constexpr uint32_t kFormats[] = {0xd0485953, 0xd0687973, 0xf09f979d};
  return start.size() == 4 &&
         std::ranges::find(kFormats, BigEndian(start)) != std::end(kFormats);
}

// InnoDB's crypt data, on the first page of a tablespace.
struct CryptData {
  uint32_t oldest_version = 0;  // Of any page; 0: some are not encrypted.
  uint32_t key_id = 0;
};

// Magic, type (1: may be encrypted), size of the IV (16), IV, oldest version,
// key id. Where it begins depends on the size of the pages.
std::optional<CryptData> FindCryptData(ByteView start) {
  constexpr std::array<uint8_t, 6> kMagic = {'s', 0xe, 0xc, 'R', 'E', 't'};
  constexpr size_t kSize = 6 + 1 + 1 + 16 + 4 + 4;
  const auto found =
      std::search(start.begin(), start.end(), kMagic.begin(), kMagic.end());
  const auto at = static_cast<size_t>(found - start.begin());
  if (start.size() - at < kSize) return std::nullopt;
  const ByteView data = start.subspan(at, kSize);
  const CryptData crypt{BigEndian(data.subspan(24)),
                        BigEndian(data.subspan(28))};
  if (data[6] != 1 || data[7] != 16 || crypt.key_id == 0) return std::nullopt;
  return crypt;
}

// Of the first page of a tablespace: 2^(9 + this) bytes, in one of two places;
// 0 is the usual size.
uint32_t PageSizeCode(ByteView start) {
  constexpr size_t kFlags = 54;
  constexpr uint32_t kFullCrc32 = 1 << 4;
  if (start.size() < kFlags + 4) return 0;
  const uint32_t flags = BigEndian(start.subspan(kFlags));
  return (flags & kFullCrc32) != 0 ? flags & 0xf : flags >> 6 & 0xf;
}

// The crypt data of a table. It lies within the first page, which is seldom
// larger than usual.
std::optional<CryptData> ReadCryptData(FileSystem& files,
                                       const std::string& path) {
  constexpr size_t kUsualPage = 16384;
  constexpr uint32_t kUsualCode = 5;
  Result<Bytes> page = files.ReadStart(path, kUsualPage);
  if (page && PageSizeCode(*page) > kUsualCode) {
    page = files.ReadStart(path, kLargestPage);
  }
  return page ? FindCryptData(*page) : std::nullopt;
}

constexpr int kMostTables = 10000;

std::string FindTable(FileSystem& files, const std::string& directory,
                      bool descend, int& looked_at) {
  const auto names = files.List(directory.empty() ? "." : directory);
  if (!names) return "";
  for (const std::string& name : *names) {
    const std::string path = JoinPath(directory, name);
    if (name.ends_with(".ibd")) {
      if (++looked_at > kMostTables) return "";
      const auto crypt = ReadCryptData(files, path);
      if (crypt && crypt->oldest_version != 0) return path;
    } else if (descend) {
      const Result<FileInfo> info = files.Stat(path);
      if (!info || !info->is_directory) continue;
      std::string found = FindTable(files, path, false, looked_at);
      if (!found.empty()) return found;
    }
  }
  return "";
}

bool IsTablespace(std::string_view name) {
  return name.ends_with(".ibd") || name.ends_with(".delta") ||
         name == "ibdata1";
}

void AddKeyId(FileSystem& files, const std::string& path,
              std::set<uint32_t>& ids) {
  // In a .delta a page of numbers comes first.
  const Result<Bytes> start = files.ReadStart(path, 2 * kLargestPage);
  if (!start) return;
  if (const auto crypt = FindCryptData(*start)) ids.insert(crypt->key_id);
}

void AddKeyIds(FileSystem& files, const std::string& directory, bool descend,
               std::set<uint32_t>& ids) {
  const auto names = files.List(directory.empty() ? "." : directory);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string path = JoinPath(directory, name);
    if (IsTablespace(name)) {
      AddKeyId(files, path, ids);
    } else if (descend) {
      const Result<FileInfo> info = files.Stat(path);
      if (info && info->is_directory) AddKeyIds(files, path, false, ids);
    }
  }
}

}  // namespace

std::string FindEncryptedData(FileSystem& files, const std::string& directory) {
  const std::string redo = JoinPath(directory, "ib_logfile0");
  const Result<Bytes> header = files.ReadStart(redo, 4);
  if (header && IsEncryptedRedoLog(*header)) return redo;
  const std::string system = JoinPath(directory, "ibdata1");
  const Result<Bytes> page = files.ReadStart(system, kLargestPage);
  if (!page) return "";
  const auto crypt = FindCryptData(*page);
  return crypt && crypt->oldest_version != 0 ? system : "";
}

std::string FindEncryptedTable(FileSystem& files,
                               const std::string& directory) {
  int looked_at = 0;
  return FindTable(files, directory, true, looked_at);
}

std::set<uint32_t> FindKeyIds(FileSystem& files, const std::string& directory) {
  std::set<uint32_t> ids;
  AddKeyIds(files, directory, true, ids);
  return ids;
}

}  // namespace openkeyring
