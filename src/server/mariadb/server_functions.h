// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_SERVER_FUNCTIONS_H_
#define OPENKEYRING_SERVER_MARIADB_SERVER_FUNCTIONS_H_

namespace openkeyring {

// The functions of the server that the plugin calls, found by name at run time.
//
// The plugin API has services for them, but a plugin declares the version of a
// service when it is built, and no version of my_print_error suits both 10.11
// (1.x) and 11.8 (2.x). The functions behind are the same C functions in both.
struct ServerFunctions {
  using PrintError = void (*)(unsigned code, const char* format,
                              unsigned long flags, ...);
  using AesInit = int (*)(void* context, int mode, int flags,
                          const unsigned char* key, unsigned key_length,
                          const unsigned char* iv, unsigned iv_length);
  using AesUpdate = int (*)(void* context, const unsigned char* source,
                            unsigned source_length, unsigned char* out,
                            unsigned* out_length);
  using AesFinish = int (*)(void* context, unsigned char* out,
                            unsigned* out_length);
  using AesSize = unsigned (*)(int mode, unsigned source_length);
  using AesContextSize = unsigned (*)(int mode);

  using CurrentThd = void* (*)();

  PrintError print_error;  // my_printf_error; null in other programs.
  // The session that this thread works for, null when none.
  CurrentThd current_thd;
  // The crypt service's. aes_context_size is null unless all are there.
  AesInit aes_init;
  AesUpdate aes_update;
  AesFinish aes_finish;
  AesSize aes_size;
  AesContextSize aes_context_size;
};

const ServerFunctions& TheServer();

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_SERVER_FUNCTIONS_H_
