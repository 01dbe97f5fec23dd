// SPDX-License-Identifier: MIT
#include "server/mariadb/server_functions.h"

#include <dlfcn.h>

namespace openkeyring {
namespace {

template <typename Function>
void Find(const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

ServerFunctions FindAll() {
  ServerFunctions server{};
  Find("my_printf_error", server.print_error);
  Find("_current_thd", server.current_thd);
  Find("my_aes_crypt_init", server.aes_init);
  Find("my_aes_crypt_update", server.aes_update);
  Find("my_aes_crypt_finish", server.aes_finish);
  Find("my_aes_get_size", server.aes_size);
  Find("my_aes_ctx_size", server.aes_context_size);
  const bool whole = server.aes_init && server.aes_update &&
                     server.aes_finish && server.aes_size &&
                     server.aes_context_size;
  if (!whole) server.aes_context_size = nullptr;
  return server;
}

}  // namespace

const ServerFunctions& TheServer() {
  static const ServerFunctions server = FindAll();
  return server;
}

}  // namespace openkeyring
