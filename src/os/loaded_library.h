// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_LOADED_LIBRARY_H_
#define OPENKEYRING_OS_LOADED_LIBRARY_H_

namespace openkeyring {

// Keeps the library that this code is in mapped until the process ends, whoever
// unloads it: for a thread that cannot be waited for and returns into it later.
// Threads: may be called concurrently.
void KeepLibraryMapped();

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_LOADED_LIBRARY_H_
