// SPDX-License-Identifier: MIT
#include "product/new_file_owner.h"

namespace openkeyring {

std::optional<FileOwner> OwnerOfNewFile(FileSystem& files,
                                        const std::string& path,
                                        const std::string& data_directory) {
  const std::string directory = DirectoryName(path);
  const Result<FileInfo> beside =
      files.Stat(directory.empty() ? "." : directory);
  if (beside && beside->owner.user != 0) return beside->owner;
  const Result<FileInfo> data =
      files.Stat(data_directory.empty() ? "." : data_directory);
  if (!data) return std::nullopt;
  return data->owner;
}

}  // namespace openkeyring
