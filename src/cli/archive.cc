// SPDX-License-Identifier: MIT
#include "cli/archive.h"

#include <stdio.h>

#include <algorithm>
#include <array>

namespace openkeyring {
namespace {

constexpr size_t kBlock = 512, kChecksum = 148, kChecksumSize = 8;

using Header = std::array<char, kBlock>;

void PutText(Header& header, size_t at, std::string_view text) {
  std::ranges::copy(text, header.begin() + static_cast<ptrdiff_t>(at));
}

void PutOctal(Header& header, size_t at, int digits, uint64_t number) {
  std::array<char, 24> text{};
  (void)snprintf(text.data(), text.size(), "%0*llo", digits,
                 static_cast<unsigned long long>(number));
  PutText(header, at, text.data());
}

Header MakeHeader(const ArchiveEntry& entry, WallTime modified) {
  Header header{};
  PutText(header, 0, std::string_view(entry.name).substr(0, 99));
  PutOctal(header, 100, 7, 0600);
  PutOctal(header, 108, 7, 0);
  PutOctal(header, 116, 7, 0);
  PutOctal(header, 124, 11, entry.content.size());
  PutOctal(
      header, 136, 11,
      static_cast<uint64_t>(std::chrono::system_clock::to_time_t(modified)));
  PutText(header, kChecksum, std::string(kChecksumSize, ' '));
  PutText(header, 156, "0");
  PutText(header, 257, std::string_view("ustar\00000", 8));
  uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  PutOctal(header, kChecksum, 6, sum);
  header[kChecksum + 6] = '\0';
  return header;
}

}  // namespace

Bytes MakeTar(const std::vector<ArchiveEntry>& entries, WallTime modified) {
  Bytes tar;
  for (const ArchiveEntry& entry : entries) {
    const Header header = MakeHeader(entry, modified);
    tar.insert(tar.end(), header.begin(), header.end());
    tar.insert(tar.end(), entry.content.begin(), entry.content.end());
    tar.resize((tar.size() + kBlock - 1) / kBlock * kBlock);
  }
  tar.resize(tar.size() + 2 * kBlock);
  return tar;
}

}  // namespace openkeyring
