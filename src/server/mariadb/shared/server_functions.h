// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_SHARED_SERVER_FUNCTIONS_H_
#define OPENKEYRING_SERVER_MARIADB_SHARED_SERVER_FUNCTIONS_H_

namespace openkeyring {

// Functions of the server that the plugin calls, found by name at run time.
//
// The plugin API has services for them, but a plugin declares the version of a
// service when it is built, and no version of my_print_error suits both 10.11
// (1.x) and 11.8 (2.x). The functions behind are the same C functions in both.
struct ServerFunctions {
  using PrintError = void (*)(unsigned code, const char* format,
                              unsigned long flags, ...);
  using CurrentThd = void* (*)();

  PrintError print_error;  // my_printf_error; null in other programs.
  // The session that this thread works for, null when none.
  CurrentThd current_thd;
};

// The crypt service's, which only AES-CTR needs. By themselves, since to look
// for a name brings up to 128 kB of the server's symbol tables into memory.
struct ServerAes {
  using Init = int (*)(void* context, int mode, int flags,
                       const unsigned char* key, unsigned key_length,
                       const unsigned char* iv, unsigned iv_length);
  using Update = int (*)(void* context, const unsigned char* source,
                         unsigned source_length, unsigned char* out,
                         unsigned* out_length);
  using Finish = int (*)(void* context, unsigned char* out,
                         unsigned* out_length);
  using Size = unsigned (*)(int mode, unsigned source_length);
  using ContextSize = unsigned (*)(int mode);

  Init init;
  Update update;
  Finish finish;
  Size size;
  ContextSize context_size;  // Null unless all are there.
};

const ServerFunctions& TheServer();
const ServerAes& TheServersAes();

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_SHARED_SERVER_FUNCTIONS_H_
