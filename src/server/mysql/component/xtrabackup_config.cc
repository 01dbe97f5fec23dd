// SPDX-License-Identifier: MIT
#include "server/mysql/component/xtrabackup_config.h"

#include <dlfcn.h>
#include <limits.h>

namespace openkeyring {
namespace {

// xtrabackup::components::component_config_path. The tag in the name says which
// std::string it is: the one of libstdc++ that we use, too.
constexpr char kVariable[] =
    "_ZN10xtrabackup10components21component_config_pathB5cxx11E";

}  // namespace

std::string XtraBackupConfigFile() {
  const void* const found = dlsym(RTLD_DEFAULT, kVariable);
  if (found == nullptr) return "";
  const std::string& path = *static_cast<const std::string*>(found);
  return path.size() < PATH_MAX ? path : "";
}

}  // namespace openkeyring
