# SPDX-License-Identifier: MIT
# Defines okr_libcurl, the libcurl that src/net uses.
#   static  built from Debian's source (tools/static_curl) and linked in; needs only OpenSSL
#   shared  the system's libcurl.so.4, which loads some 26 more libraries into the server
#   auto    static when it can be had, else shared, with a warning
set(OPENKEYRING_CURL "auto" CACHE STRING "libcurl: static, shared, or auto (static when it can be had)")
set_property(CACHE OPENKEYRING_CURL PROPERTY STRINGS auto static shared)
if(NOT OPENKEYRING_CURL MATCHES "^(auto|static|shared)$")
  message(FATAL_ERROR "OPENKEYRING_CURL is ${OPENKEYRING_CURL}: it must be auto, static or shared")
endif()

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS tools/static_curl)
set(directory "")
if(NOT OPENKEYRING_CURL STREQUAL "shared")
  set(for_system "")
  if(CMAKE_CROSSCOMPILING)
    set(for_system --toolchain ${CMAKE_TOOLCHAIN_FILE})
  endif()
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/static_curl ${for_system} RESULT_VARIABLE failed
                  OUTPUT_VARIABLE directory ERROR_VARIABLE reason OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    set(directory "")
    set(text "no static libcurl: ${reason}")
    if(OPENKEYRING_CURL STREQUAL "static")
      message(FATAL_ERROR "${text}")
    endif()
    message(WARNING "${text}\nThe products use the system's libcurl.so.4 instead, and with it add some 4 MB more to "
                    "the server's memory. -DOPENKEYRING_CURL=shared says that this is wanted.")
  endif()
endif()
# Where the static one is; "" when it is the shared one. For packaging/ and tests/binary.
set(OPENKEYRING_CURL_DIRECTORY "${directory}" CACHE INTERNAL "")

# ./dev and tools/run_tests show these lines.
add_library(okr_libcurl INTERFACE)
if(OPENKEYRING_CURL_DIRECTORY)
  file(STRINGS ${directory}/version version)
  message(STATUS "libcurl: static, from Debian's source ${version}")
  target_include_directories(okr_libcurl SYSTEM INTERFACE ${directory}/include)
  target_compile_definitions(okr_libcurl INTERFACE CURL_STATICLIB)
  target_link_libraries(okr_libcurl INTERFACE ${directory}/libcurl.a OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
else()
  find_package(CURL REQUIRED)
  message(STATUS "libcurl: shared, the system's ${CURL_VERSION_STRING}")
  target_link_libraries(okr_libcurl INTERFACE CURL::libcurl)
endif()
