// SPDX-License-Identifier: MIT
#include "os/empty_directory.h"

#include <algorithm>

namespace openkeyring {

bool IsEmptyDirectory(FileSystem& files, const std::string& directory) {
  const Result<std::vector<std::string>> names = files.List(directory);
  return names && std::ranges::all_of(*names, [](const std::string& name) {
           return name.starts_with('.') || name == "lost+found";
         });
}

}  // namespace openkeyring
