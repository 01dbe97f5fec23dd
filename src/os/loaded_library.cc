// SPDX-License-Identifier: MIT
#include "os/loaded_library.h"

#include <dlfcn.h>

namespace openkeyring {

void KeepLibraryMapped() {
  Dl_info library;
  if (dladdr(reinterpret_cast<void*>(&KeepLibraryMapped), &library) == 0)
    return;
  // RTLD_NODELETE stays after this handle is closed.
  void* handle =
      dlopen(library.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  if (handle != nullptr) dlclose(handle);
}

}  // namespace openkeyring
