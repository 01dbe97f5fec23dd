# SPDX-License-Identifier: MIT
# Cross compiles for arm64 with Debian's compiler (crossbuild-essential-arm64), against packages of
# the same Debian release (tools/arm64_sysroot). Programs run under qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

if(NOT DEFINED ENV{OPENKEYRING_ARM64_SYSROOT})
  execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/arm64_sysroot RESULT_VARIABLE failed
                  OUTPUT_VARIABLE found ERROR_VARIABLE reason OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    message(FATAL_ERROR "no packages for arm64: ${reason}")
  endif()
  set(ENV{OPENKEYRING_ARM64_SYSROOT} ${found})  # Trial compilations read this file again.
endif()
set(CMAKE_SYSROOT $ENV{OPENKEYRING_ARM64_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L ${CMAKE_SYSROOT})
