// SPDX-License-Identifier: MIT
// Compiled into each product that has its own copy of the C++ library.

// Of libstdc++ (libsupc++/eh_alloc.cc): gives back the memory that it reserves,
// when it is loaded, for exceptions that are thrown when memory is exhausted.
namespace __gnu_cxx {
void __freeres();
}

namespace openkeyring {
namespace {

// The C++ library never does so itself: each load and unload would leak it.
[[gnu::destructor]] void FreeEmergencyPool() { __gnu_cxx::__freeres(); }

}  // namespace
}  // namespace openkeyring
