// SPDX-License-Identifier: MIT
#include "server/mariadb/shared/server_functions.h"

#include <dlfcn.h>

namespace openkeyring {
namespace {

template <typename Function>
void Find(const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

ServerFunctions FindFunctions() {
  ServerFunctions server{};
  Find("my_printf_error", server.print_error);
  Find("_current_thd", server.current_thd);
  return server;
}

ServerAes FindAes() {
  ServerAes aes{};
  Find("my_aes_crypt_init", aes.init);
  Find("my_aes_crypt_update", aes.update);
  Find("my_aes_crypt_finish", aes.finish);
  Find("my_aes_get_size", aes.size);
  Find("my_aes_ctx_size", aes.context_size);
  if (!aes.init || !aes.update || !aes.finish || !aes.size) {
    aes.context_size = nullptr;
  }
  return aes;
}

}  // namespace

const ServerFunctions& TheServer() {
  static const ServerFunctions server = FindFunctions();
  return server;
}

const ServerAes& TheServersAes() {
  static const ServerAes aes = FindAes();
  return aes;
}

}  // namespace openkeyring
